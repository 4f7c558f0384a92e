// An audit, from a list of hosts to a table: who is fine, who falls short of what, of whom nobody could tell.

import { expect, test } from '@jest/globals';
import { type AuditForm, audit } from '../../../src/commands/audit.ts';
import type { AuditResult } from '../../../src/core/audit/audit.ts';
import { readHostFile } from '../../../src/core/audit/hosts.ts';
import { auditAtOnceMax } from '../../../src/core/limits.ts';
import type { RemedyReason } from '../../../src/core/remedy/remedy.ts';
import { toZone } from '../../../src/core/zone.ts';
import type { Resolver } from '../../../src/dns/resolver.ts';
import { zoneResolver } from '../../../src/dns/zone.ts';
import { gatherer, heloGatherer } from '../../../src/gather.ts';
import { progressLine } from '../../../src/terminal.ts';

const zone = toZone({
  '192.0.2.1': ['mail.club.example'],
  'mail.club.example': ['192.0.2.1', '2001:db8::1', '2001:db8::2'],
  '2001:db8::1': ['mail.club.example'],
  '192.0.2.3': ['192-0-2-3.isp.example'],
  '192-0-2-3.isp.example': ['192.0.2.3'],
  '192.0.2.4': { error: 'servfail', ede: 6, text: '' },
} as never);

interface Options {
  readonly form?: AuditForm;
  readonly allowed?: readonly RemedyReason[];
  readonly resolver?: Resolver;
}

async function run(list: string, { form = 'table', allowed = [], resolver = zoneResolver(zone) }: Options = {}) {
  const hosts = readHostFile(list.replaceAll(';', '\n'), 'list');
  if (!hosts.ok) throw new Error(hosts.problems[0]?.what);
  let out = '';
  const steps: string[] = [];
  const terminal = { out: (text: string) => void (out += text), err: () => {}, colour: false };
  const result: AuditResult = await audit(terminal, {
    hosts: hosts.value,
    allowed: new Set(allowed),
    resolver,
    gather: gatherer(resolver, 60_000),
    gatherHelo: heloGatherer(resolver, 60_000),
    now: () => 0,
    form,
    progress: (done, of) => steps.push(`${done}/${of}`),
  });
  return { result, out, steps };
}

test('all fine', async () => {
  const { result, out } = await run('192.0.2.1 mail.club.example; 2001:db8::1; 2001:db8::2');
  expect([result, (await run('192.0.2.1; 2001:db8::1')).result]).toEqual(['short', 'fine']);
  expect(out.split('\n').slice(0, 8)).toEqual([
    'address      name               iprev      naming   helo               helo is  result',
    '192.0.2.1    mail.club.example  confirmed  custom   mail.club.example  client   fine',
    '2001:db8::1  mail.club.example  confirmed  custom   -                  -        fine',
    '2001:db8::2  -                  no-ptr     unknown  -                  -        short',
    '',
    'IPv4: 1 looked up, 1 fine, 0 short of something, 0 that nobody could tell of',
    'IPv6: 2 looked up, 1 fine, 1 short of something, 0 that nobody could tell of',
    '',
  ]);
  expect(out).not.toContain('not named here');
});

test('addresses of the other family that were not named are mentioned and not looked at', async () => {
  const asked: string[] = [];
  const { lookup } = zoneResolver(zone);
  const { result, out } = await run('192.0.2.1', {
    resolver: {
      lookup: (name, type) => {
        asked.push(`${type} ${name}`);
        return lookup(name, type);
      },
    },
  });
  expect(result).toBe('fine');
  expect(out).toContain('mail.club.example also has 2001:db8::1, 2001:db8::2, not named here');
  expect(asked).toEqual(['PTR 1.2.0.192.in-addr.arpa', 'A mail.club.example', 'AAAA mail.club.example']);
});

test('a lookup that failed is kept apart', async () => {
  expect((await run('192.0.2.4; 192.0.2.1')).result).toBe('unsure');
  expect((await run('192.0.2.4; 192.0.2.2')).result).toBe('short');
  // Nobody could tell the name, but HELO is wrong all the same.
  expect((await run('192.0.2.4 localhost')).result).toBe('short');
});

test('what was allowed is no shortcoming; what else there is, is', async () => {
  expect((await run('192.0.2.3')).result).toBe('short');
  expect((await run('192.0.2.3', { allowed: ['generic-name'] })).result).toBe('fine');
  expect((await run('192.0.2.3 localhost', { allowed: ['generic-name'] })).result).toBe('short');
});

test('remedies stand together by reason, with the records of the others, zone by zone', async () => {
  const { out } = await run('192.0.2.8; 192.0.2.3; 198.51.100.9; 192.0.2.10');
  expect(out.match(/^no-ptr, for/gm)).toHaveLength(1);
  expect(out).toContain('\n192.0.2.8, 198.51.100.9, 192.0.2.10\nno-ptr, for the address owner. PTR 8.2.0.192');
  expect(out).toContain(`The same records for the others:
  ; in the zone 100.51.198.in-addr.arpa
  9.100.51.198.in-addr.arpa. 3600 IN PTR mail.example.org.
  ; in the zone example.org
  mail.example.org. 3600 IN A 198.51.100.9
  mail.example.org. 3600 IN A 192.0.2.10
  ; in the zone 2.0.192.in-addr.arpa
  10.2.0.192.in-addr.arpa. 3600 IN PTR mail.example.org.

192.0.2.3
generic-name, for`);
});

test('tab-separated lines for a pipe, JSON for a program, hostile names escaped in both', async () => {
  const list = '192.0.2.1 x\ty.example'.replace('\t', '\u0007');
  const { out } = await run(list, { form: 'tsv' });
  expect(out.split('\n')).toEqual([
    'address\tname\tiprev\tnaming\thelo\thelo is\tresult\twhy',
    '192.0.2.1\tmail.club.example\tconfirmed\tcustom\tx\\x07y.example\tinvalid\tshort\thelo-invalid',
    '',
  ]);
  const json = JSON.parse((await run('192.0.2.1; 192.0.2.4', { form: 'json' })).out);
  expect(json).toMatchObject({
    hosts: [
      { ip: '192.0.2.1', result: 'fine', remedies: [], findings: { iprev: { result: 'pass' } } },
      { ip: '192.0.2.4', result: 'unsure', remedies: [{ reason: 'ptr-servfail', owner: 'zone operator' }] },
    ],
    families: { ipv4: { addresses: 2, fine: 1, short: 0, unsure: 1 }, ipv6: { addresses: 0 } },
    not_named: [{ name: 'mail.club.example', addresses: ['2001:db8::1', '2001:db8::2'] }],
  });
});

test('no more hosts at a time than the bound, each counted once, in the order of the list', async () => {
  let now = 0;
  let most = 0;
  const { lookup } = zoneResolver(zone);
  const resolver: Resolver = {
    lookup: async (name, type) => {
      most = Math.max(most, ++now);
      await new Promise((done) => setImmediate(done));
      now--;
      return lookup(name, type);
    },
  };
  const { out, steps } = await run('192.0.2.0/24', { resolver, form: 'tsv' });
  expect(most).toBe(auditAtOnceMax);
  expect(steps).toEqual(Array.from({ length: 256 }, (_, i) => `${i + 1}/256`));
  expect(
    out
      .split('\n')
      .slice(1, 257)
      .map((line) => line.split('\t')[0]),
  ).toEqual(Array.from({ length: 256 }, (_, i) => `192.0.2.${i}`));
});

test('progress is for terminals, a line for each percent, and gone at the end', () => {
  let err = '';
  const terminal = { out: () => {}, err: (text: string) => void (err += text), colour: false };
  const steps = (to: ReturnType<typeof progressLine>) => {
    for (let i = 1; i <= 400; i++) to(i, 400);
  };
  steps(progressLine(terminal, 'hosts'));
  expect(err).toBe('');
  steps(progressLine({ ...terminal, errIsTerminal: true }, 'hosts'));
  expect(err.split('\r')).toHaveLength(102);
  expect(err).toContain('\r4 of 400 hosts (1 %)\x1b[K');
  expect(err.endsWith('\r\x1b[K')).toBe(true);
});
