// The few organisations whose names say nothing, or the wrong thing, to rules: reviewed by hand, each with the reason. Everything that
// a rule can see (an address, a word, a number) does not belong here; nor does a single name. By registrable domain.

/**
 * `content`: machines of a content network, named by address, that send no mail. `mail-pool`: senders for many, named by address or
 * number. `machines`: rented machines and lines
 * whose default is a customer's login, two words at random, or the name of some equipment.
 */
export type ProviderRole = 'content' | 'mail-pool' | 'machines';

const domains: Readonly<Record<ProviderRole, string>> = {
  content:
    'akamaitechnologies.com akamaiedge.net cloudfront.net 1e100.net llnw.net edgecastcdn.net cdn77.com fastly.net',
  'mail-pool': `sendgrid.net mcsv.net mcdlv.net rsgsv.net mandrillapp.com mtasv.net exacttarget.com pphosted.com ppe-hosted.com iphmx.com
    mimecast.com messagelabs.com hubspot.com createsend.com cmail19.com cmail20.com constantcontact.com icpbounce.com rsys5.com
    sailthru.com emarsys.net zendesk.com salesforce.com socketlabs.com linkedin.com facebook.com twitter.com twttr.com ebay.com paypal.com`,
  machines: 'fvds.ru ispvds.com aeza.network firstbyte.club ocn.ne.jp',
};

const roles: ReadonlyMap<string, ProviderRole> = new Map(
  Object.entries(domains).flatMap(([role, text]) =>
    text.split(/\s+/).map((domain): [string, ProviderRole] => [domain, role as ProviderRole]),
  ),
);

/** `domain` in lower case; undefined for everybody else. */
export function providerRole(domain: string): ProviderRole | undefined {
  return roles.get(domain);
}
