/* Clients that ask a policy service or a milter, as fast as it answers: the same for all that are measured, and in C, since a
 * client on Node is no faster than the servers. One thread, epoll; so many connections, one exchange in flight on each.
 *
 *     load PLAN PLACE CONNECTIONS MILLISECONDS FIRST SLEEPS
 *
 * PLAN, written by load.mjs, holds sessions of exchanges: what is sent, and how the answer to it must begin. Framing 0: the
 * policy protocol, all sessions over the same connections; a run of '#' stands for the round through the plan, so that no
 * session comes twice. Framing 1: the milter protocol, a connection for each session. Its first exchange is the negotiation;
 * an exchange is left out, or not answered, if a bit of its masks was agreed on. FIRST: how many sessions ran before this. SLEEPS: 0 or 1.
 * PLACE: 127.0.0.1:10045 or the path of a UNIX socket.
 *
 * Prints JSON: what ended (answers, or sessions of a milter), sessions that began, seconds, and microseconds of the median and
 * the 99th of 100 of what ended. Any other answer
 * than the expected one ends it with 1 and a sentence; so does one that takes ten seconds. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define OCTETS_MAX 65536
#define SILENCE_MS 10000
#define EVENTS 128

struct exchange {
	uint32_t skip, silent, send_length, expect_length;
	const char *send, *expect;
};

struct session {
	uint32_t count;
	struct exchange *exchanges;
};

struct connection {
	int fd;
	long number;
	uint32_t at, agreed;
	size_t out, in;
	int64_t begun;
	char out_octets[OCTETS_MAX], in_octets[OCTETS_MAX];
};

static uint32_t framing, session_count;
static struct session *sessions;
static struct sockaddr_storage server;
static socklen_t server_length;
static int poller;
static long next_number;
static int open_count;
static int64_t deadline;
static int sleeps;
static uint32_t *times;
static size_t times_count, times_room;

static void fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	exit(1);
}

static int64_t now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

static uint32_t number(const char **at)
{
	uint32_t value;
	memcpy(&value, *at, sizeof value);
	*at += sizeof value;
	return value;
}

static void read_plan(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL || fseek(file, 0, SEEK_END) != 0)
		fail("%s: %s", path, strerror(errno));
	size_t length = (size_t)ftell(file);
	char *octets = malloc(length);
	rewind(file);
	if (octets == NULL || fread(octets, 1, length, file) != length)
		fail("%s cannot be read", path);
	fclose(file);
	const char *at = octets;
	framing = number(&at);
	session_count = number(&at);
	sessions = calloc(session_count, sizeof *sessions);
	for (uint32_t i = 0; i < session_count; i++) {
		sessions[i].count = number(&at);
		sessions[i].exchanges = calloc(sessions[i].count, sizeof *sessions[i].exchanges);
		for (uint32_t j = 0; j < sessions[i].count; j++) {
			struct exchange *one = &sessions[i].exchanges[j];
			one->skip = number(&at);
			one->silent = number(&at);
			one->send_length = number(&at);
			one->expect_length = number(&at);
			one->send = at;
			one->expect = at += one->send_length;
			at += one->expect_length;
		}
	}
}

static void read_place(char *text)
{
	struct sockaddr_un *path = (struct sockaddr_un *)&server;
	struct sockaddr_in *address = (struct sockaddr_in *)&server;
	char *colon = strrchr(text, ':');
	if (text[0] == '/' && strlen(text) < sizeof path->sun_path) {
		path->sun_family = AF_UNIX;
		strcpy(path->sun_path, text);
		server_length = sizeof *path;
		return;
	}
	if (colon == NULL)
		fail("%s is no place", text);
	*colon = 0;
	address->sin_family = AF_INET;
	address->sin_port = htons((uint16_t)atoi(colon + 1));
	server_length = sizeof *address;
	if (inet_pton(AF_INET, text, &address->sin_addr) != 1)
		fail("%s is no IPv4 address", text);
}

static void append(struct connection *peer, const struct exchange *one)
{
	char *to = peer->out_octets + peer->out;
	if (peer->out + one->send_length > OCTETS_MAX)
		fail("an exchange of more than %d octets", OCTETS_MAX);
	memcpy(to, one->send, one->send_length);
	peer->out += one->send_length;
	if (framing != 0)
		return;
	char *end = to + one->send_length;
	while ((to = memchr(to, '#', (size_t)(end - to))) != NULL) {
		char *last = to;
		while (last < end && *last == '#')
			last++;
		long round = peer->number / session_count;
		for (char *digit = last; digit-- > to; round /= 10)
			*digit = (char)('0' + round % 10);
		to = last;
	}
}

static void finish(struct connection *peer)
{
	if (times_count == times_room) {
		times_room = times_room == 0 ? 65536 : times_room * 2;
		times = realloc(times, times_room * sizeof *times);
	}
	int64_t at = now();
	times[times_count++] = (uint32_t)((at - peer->begun) / 100);
	peer->begun = at;
}

static void hang_up(struct connection *peer)
{
	close(peer->fd);
	peer->fd = -1;
	open_count--;
}

static void dial(struct connection *peer)
{
	int yes = 1;
	peer->fd = socket(server.ss_family, SOCK_STREAM, 0);
	if (peer->fd < 0 || connect(peer->fd, (struct sockaddr *)&server, server_length) != 0)
		fail("cannot connect: %s", strerror(errno));
	if (server.ss_family == AF_INET)
		setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	fcntl(peer->fd, F_SETFL, O_NONBLOCK);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = peer };
	epoll_ctl(poller, EPOLL_CTL_ADD, peer->fd, &event);
	open_count++;
}

static void flush(struct connection *peer)
{
	/* An exchange is smaller than any send buffer, so that nothing is left over. */
	if (peer->out > 0 && send(peer->fd, peer->out_octets, peer->out, MSG_NOSIGNAL) != (ssize_t)peer->out)
		fail("cannot send: %s", strerror(errno));
	peer->out = 0;
}

/* Sends up to the next exchange that is answered; false: there is none, and the session is over. */
static int go_on(struct connection *peer)
{
	const struct session *session = &sessions[peer->number % session_count];
	for (; peer->at < session->count; peer->at++) {
		const struct exchange *one = &session->exchanges[peer->at];
		if (one->skip & peer->agreed)
			continue;
		append(peer, one);
		if (one->expect_length == 0 || (one->silent & peer->agreed))
			continue;
		flush(peer);
		return 1;
	}
	flush(peer);
	return 0;
}

static void begin(struct connection *peer)
{
	if (now() >= deadline) {
		if (peer->fd >= 0)
			hang_up(peer);
		return;
	}
	peer->number = next_number++;
	peer->at = 0;
	peer->agreed = 0;
	peer->in = 0;
	peer->begun = now();
	if (peer->fd < 0)
		dial(peer);
	if (!go_on(peer))
		fail("a session without an answer");
}

/* The length of the first answer in what has come, and where it begins to be compared; 0: it is not complete. */
static size_t answer_length(struct connection *peer, size_t *from)
{
	const char *octets = peer->in_octets;
	if (framing == 0) {
		const char *end = memmem(octets, peer->in, "\n\n", 2);
		*from = 0;
		return end == NULL ? 0 : (size_t)(end - octets) + 2;
	}
	size_t at = 0;
	while (peer->in - at >= 5) {
		uint32_t length;
		memcpy(&length, octets + at, sizeof length);
		length = ntohl(length) + 4;
		if (length > peer->in - at)
			return 0;
		/* Changes of a message, and "progress", come in front of the answer. */
		if (strchr("+-2bhimqep", octets[at + 4]) == NULL) {
			*from = at + 4;
			return at + length;
		}
		at += length;
	}
	return 0;
}

static void hear(struct connection *peer)
{
	ssize_t got = recv(peer->fd, peer->in_octets + peer->in, OCTETS_MAX - peer->in, 0);
	if (got < 0 && errno == EAGAIN)
		return;
	const struct session *session = &sessions[peer->number % session_count];
	const struct exchange *one = &session->exchanges[peer->at];
	if (got <= 0)
		fail("closed where \"%.*s\" was expected", (int)one->expect_length, one->expect);
	peer->in += (size_t)got;
	size_t from;
	size_t length = answer_length(peer, &from);
	if (length == 0)
		return;
	const char *said = peer->in_octets + from;
	if (length != peer->in || length - from < one->expect_length || memcmp(said, one->expect, one->expect_length) != 0)
		fail("expected \"%.*s\", got \"%.*s\" to:\n%.*s", (int)one->expect_length, one->expect, (int)(peer->in - from), said,
			(int)one->send_length, one->send);
	if (framing == 1 && peer->at == 0) {
		uint32_t bits;
		memcpy(&bits, said + 9, sizeof bits);
		peer->agreed = ntohl(bits);
	}
	peer->in = 0;
	peer->at++;
	if (framing == 0)
		finish(peer);
	if (go_on(peer))
		return;
	if (framing == 1) {
		finish(peer);
		hang_up(peer);
	}
	begin(peer);
}

static int ascending(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
	return (one > other) - (one < other);
}

static double percentile(double share)
{
	size_t at = (size_t)(share * (double)(times_count - 1));
	return times[at] / 10.0;
}

/* Whoever sleeps has to be woken, which costs the server more than all the rest, and only a slow one: a fast one finds its
 * clients awake. So that all are measured alike nobody sleeps, unless server and clients share a CPU. */
static int wait_for(struct epoll_event *events)
{
	if (sleeps)
		return epoll_wait(poller, events, EVENTS, SILENCE_MS);
	int64_t since = now();
	int ready;
	do
		ready = epoll_wait(poller, events, EVENTS, 0);
	while (ready == 0 && now() - since < SILENCE_MS * INT64_C(1000000));
	return ready;
}

int main(int argc, char **argv)
{
	if (argc != 7)
		fail("usage: load PLAN PLACE CONNECTIONS MILLISECONDS FIRST SLEEPS");
	read_plan(argv[1]);
	read_place(argv[2]);
	int count = atoi(argv[3]);
	next_number = atol(argv[5]);
	sleeps = atoi(argv[6]);
	poller = epoll_create1(0);
	struct connection *peers = calloc((size_t)count, sizeof *peers);
	for (int i = 0; i < count; i++) {
		peers[i].fd = -1;
		if (framing == 0)
			dial(&peers[i]);
	}
	int64_t start = now();
	deadline = start + atol(argv[4]) * INT64_C(1000000);
	for (int i = 0; i < count; i++)
		begin(&peers[i]);
	struct epoll_event events[EVENTS];
	while (open_count > 0) {
		int ready = wait_for(events);
		if (ready == 0)
			fail("no answer within %d ms", SILENCE_MS);
		for (int i = 0; i < ready; i++)
			hear(events[i].data.ptr);
	}
	double seconds = (double)(now() - start) / 1e9;
	if (times_count == 0)
		fail("nothing ended");
	qsort(times, times_count, sizeof *times, ascending);
	printf("{\"done\":%zu,\"sessions\":%ld,\"seconds\":%.6f,\"p50\":%.1f,\"p99\":%.1f}\n", times_count, next_number - atol(argv[5]), seconds, percentile(0.5), percentile(0.99));
	return 0;
}
