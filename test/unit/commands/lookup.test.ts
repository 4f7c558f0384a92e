// From a ref to its decision: out of a journal of several hours, for a person and for a program.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { lookup } from '../../../src/commands/lookup.ts';
import { journalLateMs } from '../../../src/core/limits.ts';
import { hourOf, segmentName } from '../../../src/journal/segment.ts';
import { type FoundRef, findRef, makeRefs } from '../../../src/ref.ts';
import { policyOf } from '../../support/doors.ts';
import { lineOf, type RecordGiven, strictly } from '../../support/records.ts';

const hourMs = 3_600_000;
const came = Date.parse('2026-11-21T06:34:58.626Z');
const ref = makeRefs(() => came, 7)();
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iprevd-lookup-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(ms: number, given: RecordGiven, isPacked = false): void {
  const name = segmentName(hourOf(ms), 0);
  const text =
    lineOf({ id: '0', at: new Date(came).toISOString() }) + lineOf({ at: new Date(came).toISOString(), ...given });
  writeFileSync(join(folder, isPacked ? `${name}.gz` : name), isPacked ? gzipSync(text) : text);
}

async function look(options: { policy?: string; assumed?: string; json?: boolean; sought?: string } = {}) {
  const { policy, assumed, json = false, sought = ref } = options;
  let [out, err] = ['', ''];
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    colour: false,
  };
  const cameTo = await lookup(terminal, {
    sought: findRef(sought) as FoundRef,
    folder,
    policy: policy === undefined ? strictly : policyOf(policy),
    ...(assumed === undefined ? {} : { assumed }),
    json,
    now: came + 5 * 86_400_000,
  });
  return { cameTo, out, err: err.replaceAll(folder, 'FOLDER') };
}

test('what was told, what became of it, and why', async () => {
  put(came, { id: ref, outcome: { rcpt: [250, 550], dot: [250] } });
  expect(await look()).toEqual({
    cameTo: 'found',
    err: '',
    out: expect.stringMatching(
      /^ref {6}\w{11}, came 2026-11-21 06:34:58 UTC to the smtp door\ntold {5}reject, by no-ptr, 550 5\.7\.25\n {9}Sender and recipient were not recorded .*\nthen {5}the mail server behind said 250, 550 to RCPT, to the message 250\nclient {3}192\.0\.2\.7\nasked {4}PTR 7\.2\.0\.192\.in-addr\.arpa {2}NXDOMAIN\n[\s\S]*\nrules {4}✔ no-ptr[\s\S]*\nverdict {2}reject, by no-ptr\n/,
    ),
  });
});

test('it is said if the policy of today decides otherwise', async () => {
  put(came, { id: ref, envelope: 'full' });
  const { out } = await look({ policy: 'rules: []\notherwise: accept' });
  expect(out).toContain(
    'told     reject, by no-ptr, 550 5.7.25\n         The policy of today says otherwise: accept, by otherwise.',
  );
  expect(out).toContain('\nverdict  accept, by otherwise\n');
});

test('a policy that nobody named is said to be none of the operator', async () => {
  put(came, { id: ref, envelope: 'full' });
  const { out } = await look({ policy: 'rules: []\notherwise: accept', assumed: 'observe' });
  expect(out).toContain('No configuration was found, so what stands below is by the policy observe');
  expect(out).not.toContain('The policy of today');
});

test('for a program', async () => {
  put(came, { id: ref });
  const found = JSON.parse((await look({ json: true, policy: 'rules: []\notherwise: accept' })).out);
  expect(found).toMatchObject({
    ref,
    file: join(folder, '2026-11-21T06.jsonl'),
    record: { v: 1, evidence: { id: ref }, verdict: { action: 'reject', rule: 'no-ptr' } },
    differs: true,
    today: { verdict: { action: 'accept' }, findings: { iprev: { result: 'permerror' } }, trace: [expect.anything()] },
  });
});

test.each([
  ['in the hour of its arrival', 0],
  ['some hours later, since a session is written down when it ends', 5 * hourMs],
  ['as late as the longest session', journalLateMs - hourMs],
  ['in the hour before, where the clock was set back', -hourMs],
])('it is found %s, packed or not', async (_, later) => {
  for (const isPacked of [false, true]) {
    put(came + later, { id: ref }, isPacked);
    expect((await look()).cameTo).toBe('found');
    rmSync(join(folder, `${segmentName(hourOf(came + later), 0)}${isPacked ? '.gz' : ''}`));
  }
});

test('hostile bytes are escaped', async () => {
  put(came, { id: ref, client: { helo: '\u001b[2Jé' } });
  const { out } = await look();
  expect(out).toContain('HELO \\x1b[2J\\xc3\\xa9');
  expect(out.replaceAll(/[✔✘·]/g, '')).toMatch(/^[ -~\n]*$/);
});

const refOf = (time: string): string => makeRefs(() => Date.parse(time), 7)();
test.each([
  [
    'of a time before the journal begins, as retention leaves it',
    refOf('2026-10-01T06:34:58Z'),
    'it is of 2026-10-01 06:34 UTC, and FOLDER reaches from 2026-11-21 06:00 to 2026-11-21 09:00 UTC: what is older has been removed ("keep" and "max" of the journal), or was never recorded',
  ],
  [
    'of an hour that somebody took out',
    refOf('2026-11-21T07:10:00Z'),
    'it is of 2026-11-21 07:10 UTC, and FOLDER, which reaches from 2026-11-21 06:00 to 2026-11-21 09:00 UTC, has no segment of that hour: nothing was recorded then, or somebody has removed it',
  ],
  ['of a time to come', 'zzzzzzz0000', 'it is of 3058-10-26 03:46 UTC, which lies ahead: is it copied right?'],
  [
    'of a session that is not there, or not over',
    `${ref.slice(0, 7)}zzzz`,
    'it is of 2026-11-21 06:34 UTC, which FOLDER covers; a session at the SMTP door is written down when it ends',
  ],
])('a ref %s: one sentence', async (_, sought, sentence) => {
  put(came, { id: ref });
  put(came + 2 * hourMs, { id: '1' });
  expect(await look({ sought })).toEqual({
    cameTo: 'absent',
    out: '',
    err: `iprevd: ${sought} is not in the journal: ${sentence}\n`,
  });
});

test('an empty journal, and one whose file is damaged', async () => {
  expect(await look()).toEqual({
    cameTo: 'absent',
    out: '',
    err: `iprevd: ${ref} is not in the journal: FOLDER has no records\n`,
  });
  writeFileSync(join(folder, '2026-11-21T06.jsonl.gz'), gzipSync('x'.repeat(1_000)).subarray(0, -8));
  expect(await look()).toEqual({
    cameTo: 'unread',
    out: '',
    err: expect.stringMatching(
      /^FOLDER\/2026-11-21T06\.jsonl\.gz:1: cannot be read on: .*\niprevd: \w+ is not in what can be read of FOLDER\n$/,
    ),
  });
});

test('no journal, or a file in its place: what it is, in words', async () => {
  const unread = (why: string) => ({
    cameTo: 'unread',
    out: '',
    err: `iprevd: the journal cannot be read: FOLDER: ${why}\n`,
  });
  rmSync(folder, { recursive: true });
  expect(await look()).toEqual(unread('no such folder'));
  writeFileSync(folder, '');
  expect(await look()).toEqual(unread('is no folder, or lies below something that is none'));
});

test.each([
  [ref, ref],
  [` ${ref.toUpperCase()}\n`, ref],
  [`550 5.7.25 no PTR record for 192.0.2.7 [PTR 7.2.0.192.in-addr.arpa: NXDOMAIN] (ref ${ref})`, ref],
  ['OOIILLooiil', '00111100111'],
  [`550 5.7.25 no PTR record (ref 00000000000) [x] (ref\n  ${ref}).`, ref],
  [`ref ${ref}`, ref],
  [`"${ref}",`, ref],
  [`{"level":"info","ref":"${ref}","door":"smtp"}`, ref],
  [`(ref ${ref}0)`, undefined],
  ['unconfirmed', undefined],
  ['(ref 123)', undefined],
  ['', undefined],
])('the ref in %j is %s', (text, found) => {
  expect(findRef(text)?.ref).toBe(found);
});

test('a ref tells when it was made', () => {
  expect(findRef(ref)).toEqual({ ref, at: came - (came % 1_000) });
});
