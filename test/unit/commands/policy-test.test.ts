import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { policyTest } from '../../../src/commands/policy-test.ts';
import type { PolicyText } from '../../../src/core/policy.ts';
import { readPolicy } from '../../../src/core/schema.ts';
import { projectFolder } from '../../support/processes.ts';

const fileOf = (file: string, text: string): PolicyText => ({ file, text, policy: readPolicy(text, file) });
const run = async (files: readonly PolicyText[], options: { json?: true; colour?: true } = {}) => {
  const written = { out: '', err: '' };
  const terminal = {
    out: (text: string) => void (written.out += text),
    err: (text: string) => void (written.err += text),
    colour: options.colour === true,
  };
  const outcome = await policyTest(terminal, {
    files,
    now: () => Date.parse('2026-11-21T12:00:00Z'),
    json: options.json === true,
  });
  return { ...written, outcome };
};

const rules = `rules:
  - { id: no-ptr, when: { reason: no-ptr }, reject: "{ip} has no PTR" }
  - { id: watched, when: { iprev: fail }, mode: monitor, reject: "no" }
  - { id: generic, when: { naming: generic }, tag: generic }
  - { id: off, mode: off, tag: off }
  - { id: liar, when: { helo_is: ours }, except: { when: { client_ip: 192.0.2.9 }, why: "a test" }, tag: liar }
  - { id: night, when: { time: { from: "22:00", until: "06:00" } }, tag: night }
otherwise: accept
`;

const good = fileOf(
  'good.yaml',
  `${rules}tests:
  - name: no PTR
    client: { ip: 192.0.2.7 }
    expect: { action: reject, rule: no-ptr, code: 550, reply: "192.0.2.7 has no PTR [PTR 7.2.0.192.in-addr.arpa: NXDOMAIN]" }
  - name: a monitored rule is reached when it holds
    client: { ip: 192.0.2.7 }
    zone: { 192.0.2.7: mx.example }
    expect: accept
  - name: our name
    our_name: mx.test.example
    client: { ip: 192.0.2.7, helo: MX.test.example }
    zone: { 192.0.2.7: nodata }
    expect: { tags: [liar] }
  - name: at night
    client: { ip: 192.0.2.7, at: 2026-11-21T23:00Z }
    zone: { 192.0.2.7: nodata }
    expect: { rule: night }
`,
);
const bad = fileOf(
  'bad.yaml',
  `${rules}tests:
  - name: no PTR
    client: { ip: 192.0.2.7 }
    expect: reject
  - name: "not\\nso"
    our_name: mx.test.example
    client: { ip: 192.0.2.9, helo: mx.test.example }
    zone: { 192.0.2.9: mx.example, mx.example: [192.0.2.8] }
    expect: { action: tag, tags: [liar], rule: liar }
`,
);
const wrong = fileOf('wrong.yaml', `${rules}tests: [{ name: x, client: { ip: 192.0.2.7 }, expect: rejct }]\n`);

describe('policy test', () => {
  test('all as expected, and a rule that no test reaches', async () => {
    expect(await run([good])).toEqual({
      out: `good.yaml
  ✔ no PTR
  ✔ a monitored rule is reached when it holds
  ✔ our name
  ✔ at night
  no test reaches generic
  4 passed, 0 failed, 4 of 5 rules reached
`,
      err: '',
      outcome: 'ok',
    });
  });

  test('a failure shows what was expected, what came, and the walk', async () => {
    expect(await run([bad])).toEqual({
      out: `bad.yaml
  ✔ no PTR
  ✘ not\\x0aso  bad.yaml:13:5
      expected action tag
               rule liar
               tags liar
      came     action accept
               rule otherwise
               tags none
      iprev    fail (mismatch)
      rules    ✘ no-ptr     reject 550 5.7.25
               ✔ watched    reject 550 5.7.25  (monitored only)
               ✘ generic    tag generic
               · off        tag off  (switched off)
               ✘ liar       tag liar  (excepted: a test)
               ✘ night      tag night
               ✔ otherwise  accept
      verdict  accept, by otherwise
  no test reaches generic, liar, night
  1 passed, 1 failed, 2 of 5 rules reached
`,
      err: '',
      outcome: 'failed',
    });
  });

  test('a refusal that was not expected shows its reply, a softened one says why', async () => {
    const text = `rules: [{ id: r, when: { not: { iprev: pass } }, reject: "no" }]
otherwise: accept
tests: [{ name: x, client: { ip: 192.0.2.7 }, zone: { 192.0.2.7: servfail }, expect: reject }]
`;
    const { out } = await run([fileOf('soft.yaml', text)]);
    expect(out).toContain(`      verdict  defer, by r
               450 4.7.25 no [PTR 7.2.0.192.in-addr.arpa: SERVFAIL] (ref test)
               The policy says 5xx; a lookup failed that might have told otherwise, so it is 4xx.
`);
  });

  test('a file with mistakes runs nothing; others beside it do', async () => {
    const { out, err, outcome } = await run([wrong, bad]);
    expect(err).toBe('wrong.yaml:9:55: unknown word "rejct" (did you mean "reject"?)\n');
    expect(out).toMatch(/^bad.yaml\n/);
    expect(outcome).toBe('wrong');
  });

  test('without a test everything passes', async () => {
    expect(await run([fileOf('none.yaml', 'rules: [{ id: a, tag: t }]\notherwise: accept\n')])).toEqual({
      out: 'none.yaml\n  no test reaches a\n  0 passed, 0 failed, 0 of 1 rules reached\n',
      err: '',
      outcome: 'ok',
    });
  });

  test('for a program', async () => {
    const { out, outcome } = await run([wrong, bad], { json: true });
    expect(outcome).toBe('wrong');
    expect(JSON.parse(out)).toEqual([
      {
        file: 'wrong.yaml',
        problems: [{ where: 'wrong.yaml:9:55', what: 'unknown word "rejct"', hint: 'did you mean "reject"?' }],
        tests: [],
        rules: { reached: [], notReached: [] },
      },
      {
        file: 'bad.yaml',
        problems: [],
        tests: [
          expect.objectContaining({ name: 'no PTR', where: 'bad.yaml:10:5', passed: true, mismatches: [] }),
          expect.objectContaining({
            name: 'not\nso',
            passed: false,
            mismatches: [
              { what: 'action', expected: 'tag', came: 'accept' },
              { what: 'rule', expected: 'liar', came: 'otherwise' },
              { what: 'tags', expected: 'liar', came: 'none' },
            ],
            iprev: { result: 'fail', reason: 'mismatch' },
            verdict: { action: 'accept', rule: 'otherwise', tags: [], score: 0 },
          }),
        ],
        rules: { reached: ['no-ptr', 'watched'], notReached: ['generic', 'liar', 'night'] },
      },
    ]);
  });

  test('colour where it is welcome', async () => {
    expect((await run([bad], { colour: true })).out).toContain('\x1b[31m✘\x1b[39m');
  });

  test('the policies that come with iprevd do as they say, and every rule of theirs is reached', async () => {
    const folder = join(projectFolder, 'policies');
    const files = readdirSync(folder).map((file) => fileOf(file, readFileSync(join(folder, file), 'utf8')));
    const { out, outcome } = await run(files);
    expect([outcome, out]).toEqual(['ok', expect.not.stringContaining('no test reaches')]);
  });
});
