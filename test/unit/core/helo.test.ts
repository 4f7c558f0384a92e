import { describe, expect, test } from '@jest/globals';
import { type Helo, type HeloForm, helo, heloForms, heloName } from '../../../src/core/helo.ts';
import type { HostName } from '../../../src/core/name.ts';
import { type Answer, answerOf, evidenceOf, ipOf } from '../../support/evidence.ts';

const [server, server6] = ['192.0.2.25', '2001:db8::25'];

function found(said: string | undefined, ip = '192.0.2.7', serverIp = server): Helo {
  const client = { serverIp: ipOf(serverIp), ...(said === undefined ? {} : { helo: said }) };
  return helo({ ...evidenceOf({ ip, ptr: 'nxdomain', client }), ourName: 'mx.test.example' });
}

test.each<[string | undefined, HeloForm]>([
  [undefined, 'absent'],
  ['', 'absent'],
  ['[192.0.2.7]', 'literal'],
  ['[192.000.002.007]', 'literal'],
  ['[IPv6:::ffff:192.0.2.7]', 'literal'],
  ['[IPv6:2001:db8::7]', 'other-literal'],
  ['[192.0.2.8]', 'other-literal'],
  ['[192.0.2.25]', 'ours'],
  ['[nonsense]', 'invalid'],
  ['[]', 'invalid'],
  ['[192.0.2.7', 'invalid'],
  ['[192.0.2.7].', 'invalid'],
  ['[192.0.2.256]', 'invalid'],
  ['[192.0.2.0007]', 'invalid'],
  ['[IPv6:192.0.2.7]', 'invalid'],
  ['[IPv4:192.0.2.7]', 'invalid'],
  ['192.0.2.7', 'bare-ip'],
  ['192.0.2.8', 'bare-ip'],
  ['192.0.2.25', 'ours'],
  ['2001:db8::7', 'bare-ip'],
  ['LOCALHOST', 'localhost'],
  ['localhost.localdomain', 'localhost'],
  ['MX.test.example.', 'ours'],
  ['laptop', 'not-fqdn'],
  ['laptop.', 'not-fqdn'],
  ['mx.example', 'fqdn'],
  ['mx.example.', 'fqdn'],
  ['mx.example..', 'invalid'],
  ['a_b.example', 'fqdn'],
  ['xn--bcher-kva.example', 'fqdn'],
  ['bücher.example', 'unicode'],
  ['почта.пример', 'unicode'],
  ['xn--bcher-kva.пример', 'unicode'],
  ['почта', 'unicode'],
  ['bücher example', 'invalid'],
  ['b\u{fffd}cher.example', 'invalid'],
  ['ü..example', 'invalid'],
  ['a b', 'invalid'],
  ['-x.example', 'invalid'],
  ['mx.example\0', 'invalid'],
])('HELO %j is %s', (said, form) => {
  expect(found(said).form).toBe(form);
  expect(heloForms).toContain(form);
});

test.each<[string, HeloForm]>([
  ['[IPv6:2001:db8::7]', 'literal'],
  ['[ipv6:2001:DB8:0:0::0:7]', 'literal'],
  ['[2001:db8::7]', 'literal'], // without its tag
  ['[2001:db8::8]', 'other-literal'],
  ['[IPv6:2001:db8::8]', 'other-literal'],
  ['[IPv6:2001:db8::25]', 'ours'],
  ['2001:db8::25', 'ours'],
  ['[IPv6:2001:db8::7%eth0]', 'invalid'],
  ['[IPv6:2001:db8:::7]', 'invalid'],
  ['[IPv6: 2001:db8::7]', 'invalid'],
  ['[Tag:2001:db8::7]', 'invalid'],
  ['[192.0.2.7]', 'other-literal'],
])('HELO %j of 2001:db8::7 is %s', (said, form) => expect(found(said, '2001:db8::7', server6).form).toBe(form));

test('who connects from our own address may say it', () => {
  expect(found(`[${server}]`, server).form).toBe('literal');
  expect(found(server, server).form).toBe('bare-ip');
});

test('what was read out of it stands beside the form', () => {
  expect(found('[IPv6:2001:DB8::8]')).toEqual({ form: 'other-literal', dns: 'not-asked', address: '2001:db8::8' });
  expect(found('MX.Example.')).toEqual({ form: 'fqdn', dns: 'not-asked', name: 'mx.example' });
  expect(found('xn--bcher-kva.example').idn).toBe('a-labels');
  expect(found('bücher.example').idn).toBe('u-labels');
  expect(found('xn--bcher-kva.пример').idn).toBe('mixed');
  expect(heloName('MX.example.')).toBe('mx.example');
  expect(heloName('[192.0.2.7]')).toBeUndefined();
});

describe('what the DNS says of the name', () => {
  test.each<[Answer, Answer | undefined, Partial<Helo>]>([
    [['192.0.2.7'], undefined, { dns: 'client' }],
    [['192.0.2.8', '192.0.2.7'], undefined, { dns: 'client' }],
    [['192.0.2.8'], undefined, { dns: 'elsewhere' }],
    ['nxdomain', undefined, { dns: 'nowhere', reason: 'nxdomain' }],
    ['nodata', 'nodata', { dns: 'nowhere', reason: 'nodata' }],
    ['nodata', ['2001:db8::7'], { dns: 'other-family' }],
    ['nodata', 'servfail', { dns: 'temperror', reason: 'servfail' }],
    ['timeout', undefined, { dns: 'temperror', reason: 'timeout' }],
    ['outage', undefined, { dns: 'temperror', reason: 'outage' }],
  ])('%j, other family %j', (own, others, expected) => {
    const evidence = evidenceOf({ ptr: 'nxdomain', client: { helo: 'mx.example' } });
    const forward = {
      name: 'mx.example' as HostName,
      addresses: answerOf(own, ipOf),
      ...(others === undefined ? {} : { other: answerOf(others, ipOf) }),
    };
    expect(helo({ ...evidence, helo: forward })).toEqual({ form: 'fqdn', name: 'mx.example', ...expected });
  });
});
