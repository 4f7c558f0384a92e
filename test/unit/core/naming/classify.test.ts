// Templates as providers of the world fill them in, with addresses of the documentation's and invented providers; and the names
// that look like them and are none.

import { describe, expect, test } from '@jest/globals';
import { parseIp } from '../../../../src/core/ip.ts';
import { classify } from '../../../../src/core/naming/classify.ts';

const read = (name: string, ip?: string) => classify(name, ip === undefined ? undefined : parseIp(ip));
const signOf = (name: string, ip: string | undefined, id: string) =>
  read(name, ip).evidence.find((sign) => sign.id === id);

describe('the whole address', () => {
  test.each([
    ['hyphens', '203-0-113-77.kvarnby.example', '203.0.113.77', '203-0-113-77'],
    ['dots', 'h203.0.113.77.kvarnby.example', '203.0.113.77', '203.0.113.77'],
    ['underscores', '203_0_113_77.kvarnby.example', '203.0.113.77', '203_0_113_77'],
    ['letters between', '203x0x113x77.kvarnby.example', '203.0.113.77', '203x0x113x77'],
    ['reversed', '77.113.0.203.kvarnby.example', '203.0.113.77', '77.113.0.203'],
    ['zeros in front', 'ip-203-000-113-077.kvarnby.example', '203.0.113.77', '203-000-113-077'],
    ['twelve digits', 'p203000113077.kvarnby.example', '203.0.113.77', '203000113077'],
    ['twelve digits, reversed', '077113000203.kvarnby.example', '203.0.113.77', '077113000203'],
    ['run together', 'n203011377.kvarnby.example', '203.0.113.77', '203011377'],
    ['the last number first', 'host77.203-0-113.kvarnby.example', '203.0.113.77', '77.203-0-113'],
    ['words between', '113-77-static.203-0-b.kvarnby.example', '203.0.113.77', '113-77-static.203-0'],
    ['in the label of the organisation', '77.ip-203-0-113.example', '203.0.113.77', '77.ip-203-0-113'],
    ['hexadecimal', 'dcb00714d.kvarnby.example', '203.0.113.77', 'cb00714d'],
    ['hexadecimal, reversed', 'c-4d7100cb.kvarnby.example', '203.0.113.77', '4d7100cb'],
    ['hexadecimal, dotted', '4d.71.00cb.kvarnby.example', '203.0.113.77', '4d.71.00cb'],
    ['32 bits', 'n3405803853.kvarnby.example', '203.0.113.77', '3405803853'],
    ['IPv6 in groups', '2001-db8-8-5-77.kvarnby.example', '2001:db8:8:5::77', '2001-db8-8-5-77'],
    [
      'IPv6 exploded',
      '2001-0db8-0008-0005-0000-0000-0000-0077.v6.kvarnby.example',
      '2001:db8:8:5::77',
      '2001-0db8-0008-0005-0000-0000-0000-0077',
    ],
    [
      'IPv6 run together',
      'p20010db8000800050000000000000077.kvarnby.example',
      '2001:db8:8:5::77',
      '20010db8000800050000000000000077',
    ],
    [
      'IPv6 nibbles',
      '7.7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.0.0.0.8.0.0.0.8.b.d.0.1.0.0.2.kvarnby.example',
      '2001:db8:8:5::77',
      '7.7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.0.0.0.8.0.0.0.8.b.d.0.1.0.0.2',
    ],
    ['an IPv4-mapped client', 'ip-203-0-113-77.kvarnby.example', '::ffff:203.0.113.77', '203-0-113-77'],
  ])('%s: %s', (_, name, ip, text) => {
    expect(read(name, ip)).toMatchObject({ label: 'generic', tier: 'certain' });
    expect(signOf(name, ip, 'address')).toMatchObject({ text, offset: name.indexOf(text) });
  });

  test('as one number to the base of 36', () => {
    const number = (((203 << 24) >>> 0) + 113 * 256 + 77).toString(36);
    expect(signOf(`u${number}.kvarnby.example`, '203.0.113.77', 'address')).toMatchObject({ text: number, offset: 1 });
  });
});

describe('a part of the address', () => {
  test.each([
    ['address-part', '0-113-77.kvarnby.example', '203.0.113.77', '0-113-77'],
    ['address-part', 'rede-203.0.113.kvarnby.example', '203.0.113.77', '203.0.113'],
    ['address-part', 'fwa0071-77.kvarnby.example', '203.0.113.77', '0071'],
    ['address-part', 'host-000500060007abcd.kvarnby.example', '2001:db8:8:5:5:6:7:abcd', '000500060007abcd'],
    ['octets', 'wifi-113-77.kvarnby.example', '203.0.113.77', '113-77'],
    ['octets', 'ag113077.kvarnby.example', '203.0.113.77', '113077'],
    ['octet', 'dyn-77.kvarnby.example', '203.0.113.77', '77'],
  ])('%s in %s', (id, name, ip, text) => {
    expect(read(name, ip).label).toBe('generic');
    expect(signOf(name, ip, id)).toMatchObject({ text, offset: name.indexOf(text) });
  });

  test('four numbers that could be an address, though not the client’s, or its address is not known', () => {
    expect(signOf('31-154-112-248.kvarnby.example', '203.0.113.77', 'numbers')?.text).toBe('31-154-112-248');
    expect(signOf('198.51.100.9.kvarnby.example', undefined, 'numbers')?.text).toBe('198.51.100.9');
    expect(signOf('198051100009.kvarnby.example', undefined, 'numbers')?.text).toBe('198051100009');
    expect(read('198.51.100.9.kvarnby.example')).toMatchObject({ label: 'generic', kind: 'access', tier: 'likely' });
  });

  test('numbers of interfaces are no address', () => {
    for (const name of ['ge-0-0-1-2.core1.kvarnby.example', 'xe-1-5-12-0.bb1.kvarnby.example'])
      expect(read(name, '203.0.113.77')).toMatchObject({ label: 'infrastructure', tier: 'none' });
  });
});

test.each([
  ['access', 'x.dsl.cliente.kvarnby.example'],
  ['access', 'h1.bredband.kund.kvarnby.example'],
  ['access', 'a9.laajakaista.asiakas.kvarnby.example'],
  ['access', 'b.fibra.assinante.kvarnby.example'],
  ['access', 'c.kabel.kunden.kvarnby.example'],
  ['access', 'd.gpon.abonent.kvarnby.example'],
  ['access', 'e.wifi.musteri.kvarnby.example'],
  ['access', 'f.glasfaser.klant.kvarnby.example'],
  ['access', 'x.cgnat.pool.mobile.kvarnby.example'],
  ['static', 'x.fijo.empresas.fibra.kvarnby.example'],
  ['static', 'x.static.business.kvarnby.example'],
  ['hosting', 'vmi632897.kvarnby.example'],
  ['hosting', 'vps-e1cc9378.vps.kvarnby.example'],
  ['hosting', 'server-598995.kvarnby.example'],
  ['hosting', 's44050.kvarnbyhosting.example'],
  ['hosting', 'k40o74.kvarnbyserver.example'],
  ['placeholder', 'no-reverse-dns.kvarnby.example'],
  ['placeholder', 'no-reverse-dns-set.example'],
  ['placeholder', 'unassigned.kvarnby.example'],
  ['placeholder', 'undefined.hostname.kvarnby.example'],
  ['placeholder', 'not-set.kvarnby.example'],
  ['placeholder', 'reserved.kvarnby.example'],
  ['placeholder', 'hosted-by.kvarnby.example'],
  ['placeholder', 'hosted.by.kvarnby.example'],
  ['placeholder', 'static.kvarnby.example'],
  ['placeholder', 'dynamic-adsl.kvarnby.example'],
  ['placeholder', 'localhost'],
  ['placeholder', 'localhost.localdomain'],
] as const)('%s without an address: %s', (kind, name) => {
  expect(read(name, '203.0.113.77')).toMatchObject({ label: 'generic', kind });
});

test('a reverse name that stands in the place of a name', () => {
  expect(read('77.113.0.203.in-addr.arpa', '203.0.113.77')).toMatchObject({ label: 'generic', tier: 'certain' });
  expect(read('113.0.203.in-addr.arpa', '203.0.113.0')).toMatchObject({ label: 'generic' });
  expect(read('9.9.9.9.in-addr.arpa').evidence).toContainEqual({
    id: 'reverse-zone',
    text: 'in-addr.arpa',
    offset: 8,
    weight: 6,
  });
});

describe('mail servers stay custom', () => {
  test.each([
    ['numbers of the pool', 'mail-4319.proton.example', '203.0.113.77'],
    ['the end of the address, run together', 'mail-11377.proton.example', '203.0.113.77'],
    ['the end of the address', 'a113-77.smtp-out.eu-west-1.ses.example', '203.0.113.77'],
    ['the whole address', '203-0-113-77.mail-mxout.social.example', '203.0.113.77'],
    ['the last number', 'smtp77.uni.example', '203.0.113.77'],
    ['the last number, and no word', 'belmont77srvr.owm.kvarnby.example', '203.0.113.77'],
    ['a pool', 'mailpool-mx-02.kvarnby.example', '203.0.113.77'],
    ['a hoster in the name', 'dd10228.kvarnbyserver.example', '203.0.113.77'],
    ['the domain itself', 'kvarnby.example', '203.0.113.77'],
    ['an access provider in the name', 'mout.kvarnby-dsl.example', '203.0.113.77'],
    ['an IPv6 address', 'mx1.kvarnby.example', '2001:db8:8:5::77'],
    ['a sender in the name', 'm203011377.mailkvarnby.example', '203.0.113.77'],
    ['a sender of the table', 'o20301.sendgrid.net', '203.0.113.77'],
    ['other languages', 'correo.gob.example', '203.0.113.77'],
    ['other languages', 'poczta.kvarnby.example', '203.0.113.77'],
    ['a word only', 'antares.kvarnby.example', '203.0.113.77'],
    ['punycode', 'xn--mller-kva.example', '203.0.113.77'],
  ])('%s: %s', (_, name, ip) => {
    expect(read(name, ip)).toMatchObject({ label: 'custom', tier: 'none' });
    expect(read(name, ip)).not.toHaveProperty('kind');
  });

  test('but a word for mail does not save a template with all the rest', () => {
    expect(read('mx-ll-203.0.113-77.dynamic.kvarnby.example', '203.0.113.77').label).not.toBe('custom');
    expect(read('mx-203-0-113-77.dynamic.adsl.cust.kvarnby.example', '203.0.113.77').label).toBe('generic');
  });
});

test('pieces of a network', () => {
  for (const name of ['ae0.cr1.kvarnby.example', 'fw-outside.kvarnby.example', 'nat-muc.kvarnby.example'])
    expect(read(name, '203.0.113.77').label).toBe('infrastructure');
  expect(read('a203-0-113-77.deploy.static.akamaitechnologies.com', '203.0.113.77').label).toBe('infrastructure');
});

test('crawlers carry their address in their name, and are nobody’s line', () => {
  for (const name of ['crawl-203-0-113-77.kvarnbot.example', '77-113-0-203.spider.kvarnby.example'])
    expect(read(name, '203.0.113.77').label).toBe('infrastructure');
});

test('too few signs are unknown, not custom', () => {
  for (const name of ['x.adsl.kvarnby.example', 'business34-m.webhosting.example'])
    expect(read(name, '203.0.113.77')).toMatchObject({ label: 'unknown', tier: 'none' });
});

test('what stands under a private suffix is a host part', () => {
  const { label, evidence } = read('ec2-203-0-113-77.us-east-2.compute.amazonaws.com', '203.0.113.77');
  expect(label).toBe('generic');
  expect(evidence).toContainEqual({ id: 'hosting', text: 'compute', offset: 27, weight: 1.25 });
});

test('upper case and a final dot are the same name', () => {
  expect(read('203-0-113-77.DYN.Kvarnby.example.', '203.0.113.77')).toEqual(
    read('203-0-113-77.dyn.kvarnby.example', '203.0.113.77'),
  );
});

describe('no host names', () => {
  test('an address in the place of a name is generic, and malformed', () => {
    expect(read('203.0.113.77', '203.0.113.77')).toEqual({
      label: 'generic',
      kind: 'malformed',
      tier: 'certain',
      score: 3.5,
      evidence: [{ id: 'address', text: '203.0.113.77', offset: 0, weight: 6.5 }],
    });
  });

  test.each([
    ['nothing', ''],
    ['the root', '.'],
    ['an odd octet', '\\000'],
    ['eight bits', 'bücher.example'],
    ['a blank', 'a b.example'],
    ['an empty label', 'a..example'],
    ['a hyphen at the edge', '-a.example'],
    ['a label of 64', `${'a'.repeat(64)}.example`],
    ['256 characters', 'abc.'.repeat(64)],
    ['all hyphens', '-'.repeat(255)],
    ['all digits', '1'.repeat(255)],
  ])('%s', (_, name) => {
    expect(read(name, '203.0.113.77')).toMatchObject({ label: 'unknown', kind: 'malformed', tier: 'none' });
  });

  test('a template with a hyphen too many is a template still', () => {
    expect(read('-ip-203-0-113-77-.kvarnby.example', '203.0.113.77')).toMatchObject({
      label: 'generic',
      kind: 'malformed',
    });
  });
});
