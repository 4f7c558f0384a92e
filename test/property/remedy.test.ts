// Closing the loop: whatever is wrong, whoever does what a remedy says has a client that is confirmed afterwards. And whatever
// strangers wrote into the DNS or into HELO, a record that is proposed is one record, and every line of text is one line.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dnsErrors } from '../../src/core/answer.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import { lookedUp } from '../../src/core/explain.ts';
import { assess } from '../../src/core/findings.ts';
import { reverseName } from '../../src/core/ip.ts';
import { letter } from '../../src/core/remedy/letter.ts';
import { remedyLines } from '../../src/core/remedy/print.ts';
import { remedies } from '../../src/core/remedy/remedy.ts';
import { makeReply } from '../../src/core/reply.ts';
import { toZone, type Zone } from '../../src/core/zone.ts';
import { zoneResolver } from '../../src/dns/zone.ts';
import { gatherer, heloGatherer } from '../../src/gather.ts';
import { evidenceOf, ipOf } from '../support/evidence.ts';
import { withUpdates, withZoneLines, type ZoneMap } from '../support/remedied.ts';

const numRuns = Number(process.env.IPREVD_PROPERTY_RUNS ?? 1_000);

const octet = fc.integer({ min: 0, max: 255 });
const ipv4 = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'));
const ipv6 = fc
  .tuple(fc.constant('2001:db8'), fc.array(fc.integer({ min: 0, max: 65535 }), { minLength: 6, maxLength: 6 }))
  .map(([head, tail]) => [head, ...tail.map((part) => part.toString(16))].join(':'));
const addresses = fc.oneof(ipv4, ipv6).map((text) => ipOf(text));

const names = ['mail.sender.example', 'mx.sender.example', 'old.gone.example', 'host_1.odd.example', 'sender.example'];
const outcomes = fc.constantFrom('nxdomain', 'nodata', ...dnsErrors);
const hostile = fc.constantFrom(
  'a b.example',
  'x\nupdate delete example.org. A\nsend',
  'and update delete example.org. A update delete example.org. A update delete example.org. A update delete example.org. A',
  '$INCLUDE /etc/passwd',
  '; in the zone example',
  'mail.example. 0 IN A 192.0.2.66',
  'ünïcode.example',
  'localhost',
  '192.0.2.7',
  '"quoted"',
  '\u001b[31mred',
  '',
);

/** A provider's name for an address. */
function template(ip: string): string {
  return ip.includes(':')
    ? [...reverseName(ipOf(ip)).replace('.ip6.arpa', '')]
        .reverse()
        .filter((c) => c !== '.')
        .join('')
    : ip.replaceAll('.', '-');
}

/** A world around one address: what its PTR says, what the names are, what it says in HELO. */
const worlds = addresses.chain((ip) => {
  const elsewhere = fc.constantFrom('192.0.2.44', '2001:db8:ffff::44');
  const claims = fc.oneof(
    outcomes,
    fc.array(fc.oneof(fc.constantFrom(...names), hostile), { minLength: 1, maxLength: 4 }),
    fc.constant(Array.from({ length: 12 }, (_, i) => `n${String.fromCharCode(97 + i)}.crowd.example`)),
    fc.constant([`${template(ip)}.dyn.isp.example`]),
  );
  const owned = fc.oneof(outcomes, fc.array(elsewhere, { minLength: 1, maxLength: 2 }), fc.constant<string[]>([ip]));
  return fc
    .record({
      claims,
      owned: fc.tuple(...names.map(() => owned)),
      helo: fc.oneof(fc.constantFrom(undefined, ...names, 'nowhere', '[192.0.2.7]'), hostile),
    })
    .map(({ claims, owned, helo }) => {
      const template =
        typeof claims !== 'string' && claims[0]?.endsWith('.dyn.isp.example') ? claims[0] : 'unused.example';
      const map: ZoneMap = {
        ...Object.fromEntries(names.map((name, i) => [name, owned[i] ?? 'nxdomain'])),
        [template]: owned[0] ?? 'nxdomain',
        [reverseName(ip)]: claims,
      };
      return { ip, helo, map };
    });
});

async function look(ip: string, helo: string | undefined, zone: Zone): Promise<Evidence> {
  const resolver = zoneResolver(zone);
  const base = evidenceOf({ ip, ptr: 'nxdomain', client: helo === undefined ? {} : { helo } });
  const asked = helo === undefined ? undefined : await heloGatherer(resolver, 60_000)(helo, base.client.ip);
  return {
    ...base,
    ...(await gatherer(resolver, 60_000)(base.client.ip)),
    ...(asked === undefined ? {} : { helo: asked }),
  };
}

test('each way of a remedy, followed to the letter, mends what it is about, by zone file and by nsupdate', async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(worlds, async ({ ip, helo, map }) => {
      const evidence = await look(ip, helo, toZone(map as never));
      for (const { reason, ways } of remedies(evidence, assess(evidence))) {
        for (const { records, nsupdate } of ways) {
          const lines = records.map(({ line }) => line);
          for (const zone of [withZoneLines(map, lines), withUpdates(map, nsupdate)]) {
            const after = await look(ip, helo, zone);
            const left = remedies(after, assess(after)).map((remedy) => remedy.reason);
            expect([reason, lines, left.includes(reason)]).toEqual([reason, lines, false]);
            if (!reason.startsWith('helo-')) expect(assess(after).iprev.result).toBe('pass');
          }
          seen.set(reason, (seen.get(reason) ?? 0) + 1);
        }
      }
    }) as never,
    { numRuns, seed: 8601 },
  );
  // What a record can mend at all, was mended.
  expect([...seen.keys()].sort()).toEqual([
    'generic-name',
    'helo-elsewhere',
    'helo-nowhere',
    'helo-other-family',
    'mismatch',
    'no-ptr',
    'other-family',
    'ptr-empty',
    'ptr-invalid',
    'stale',
    'too-many-names',
  ]);
});

const label = /^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+$/;

test('whatever strangers wrote, each record is one record of host names, and no text has an odd character', async () => {
  await fc.assert(
    fc.asyncProperty(worlds, fc.string({ unit: 'binary', maxLength: 40 }), async ({ ip, helo, map }, odd) => {
      const evidence = await look(
        ip,
        helo ?? odd,
        toZone({ ...map, [reverseName(ip)]: odd === '' ? 'nodata' : [odd] } as never),
      );
      const findings = assess(evidence);
      const found = remedies(evidence, findings);
      for (const { zone, line } of found.flatMap(({ ways }) => ways.flatMap(({ records }) => records))) {
        const [owner, ttl, klass, type, value = '', ...rest] = line.split(' ');
        expect([`${zone}.`, owner]).toEqual([expect.stringMatching(label), expect.stringMatching(label)]);
        expect([ttl, klass, rest]).toEqual(['3600', 'IN', []]);
        if (type === 'A' || type === 'AAAA') expect(value).toBe(ip);
        else expect(value).toMatch(label);
      }
      const words = `no, ${evidence.client.helo} [${lookedUp(evidence)}]`;
      const reply = makeReply(550, '5.7.25', words, 'ref');
      const verdict = { action: 'reject', rule: 'x', tags: [], score: 0, reply } as const;
      const decision = { evidence, findings, trace: [], verdict };
      const text = `${remedyLines(found, 72).join('\n')}\n${letter(decision) ?? ''}`;
      expect(text).toMatch(/^[\n -~]*$/);
      // A line that could be pasted as a command is one of ours.
      for (const line of text
        .split('\n')
        .filter((one) => /^\s*(?:(?:update|prereq) |(?:server|zone) \S+$|send$|\$)/i.test(one)))
        expect(line).toMatch(
          /^ {2}(?:send|update (?:add|delete) [a-z0-9._-]+\. (?:\d+ )?(?:PTR|A|AAAA|CNAME|NS)(?: \S+)?)$/,
        );
    }) as never,
    { numRuns, seed: 8601 },
  );
});
