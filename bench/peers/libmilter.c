/* The least that a milter in C does: libmilter, told of all that iprevd wants to be told of, and "continue" to everything.
 *
 *     libmilter PATH      of its UNIX socket */

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <sys/stat.h>

static sfsistat on_negotiate(SMFICTX *context, unsigned long offered_actions, unsigned long offered_steps,
	unsigned long unused2, unsigned long unused3, unsigned long *actions, unsigned long *steps,
	unsigned long *also2, unsigned long *also3)
{
	(void)context, (void)unused2, (void)unused3;
	*actions = offered_actions & (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE);
	*steps = offered_steps & (SMFIP_NOBODY | SMFIP_NOEOH | SMFIP_NR_HDR | SMFIP_NOUNKNOWN | SMFIP_NODATA);
	*also2 = *also3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *context, char *name, _SOCK_ADDR *address)
{
	(void)context, (void)name, (void)address;
	return SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX *context, char *name)
{
	(void)context, (void)name;
	return SMFIS_CONTINUE;
}

static sfsistat on_address(SMFICTX *context, char **words)
{
	(void)context, (void)words;
	return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
	(void)context, (void)name, (void)value;
	return SMFIS_NOREPLY;
}

static sfsistat on_end(SMFICTX *context)
{
	(void)context;
	return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
	struct smfiDesc filter = {
		.xxfi_name = "nothing",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE,
		.xxfi_negotiate = on_negotiate,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_address,
		.xxfi_envrcpt = on_address,
		.xxfi_header = on_header,
		.xxfi_eom = on_end,
		.xxfi_abort = on_end,
		.xxfi_close = on_end,
	};
	/* Postfix runs under a user of its own. */
	umask(0);
	if (argc != 2 || smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS) {
		fprintf(stderr, "usage: libmilter PATH\n");
		return 1;
	}
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
