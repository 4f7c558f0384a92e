// What is seen in a name: signs, each a piece of it with its place and the reason why it matters. A closed list; the detectors
// beside this file find them, weights.ts says what each is worth.

export const signIds = [
  'address', // the client's whole address, in any notation
  'address-part', // three of its four numbers, or a good half of an IPv6 address
  'octets', // its last two numbers
  'octet', // its last number
  'numbers', // four numbers as of an address, though not the client's, or the client's is not known
  'reverse-zone', // a name below in-addr.arpa or ip6.arpa
  'dynamic', // a word for addresses that change hands: dyn, dhcp, pool, ppp
  'access', // a word for a kind of access: dsl, cable, fibra, laajakaista
  'customer', // a word for whose line it is: cust, cliente, kunden, abo
  'static', // a word for lines that are rented with their address: static, fijo, sabit
  'reverse', // a word that only a reverse zone needs: rev, ptr, reverso
  'ip', // ip, ipv4, host, node
  'hosting', // a word for rented machines: vps, vm, dedicated, instance
  'placeholder', // a word in place of a name: unassigned, no-reverse, hosted-by
  'spare', // a word that may stand in place of a name: free, default, none
  'business', // a word for lines of companies: business, corp, empresas
  'only-words', // a first label of nothing but such words
  'serial', // a word for a machine or a line with its number: vmi632897, vps-e1cc9378
  'number', // another number of six digits or more
  'numeral', // a first label of nothing but five or more digits
  'hash', // eight or more hexadecimal digits
  'code', // seventeen or more letters and digits in turn: an IPv6 address in an alphabet of the provider's own
  'hardware', // six pairs of hexadecimal digits: an Ethernet address
  'org-access', // such words in the organisation's own name
  'org-hosting',
  'org-reverse',
  'machines', // a provider of rented machines, see providers.ts
  'mail-pool', // a sender for many, see providers.ts
  'content', // a content network, see providers.ts
  'nat', // nat: many clients behind one address, as often a company's as a provider's
  'mail', // a word for mail: smtp, mx, relay, poczta
  'org-mail', // such a word in the organisation's own name
  'infrastructure', // a piece of a network: ae0, xe-0-0-1, core, router, firewall
  'crawler', // a word for programs that read the web: crawl, spider, -bot. Named by address, and no senders of mail
  'service', // another service, or a part of a site: www, ns, vpn, prod
  'bare', // nothing stands before the organisation's name
] as const;
export type SignId = (typeof signIds)[number];

/** A piece of a name and where it stands in it, in characters from 0. */
export interface Sign {
  readonly id: SignId;
  readonly text: string;
  readonly offset: number;
}
