// What changes from one policy to another. Two properties hold the claim that every client is thought of: whoever is judged
// differently by decide() is in the list, and a list of lines says of every case what came of it.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decide } from '../../../../src/core/decide.ts';
import { type Distinction, optionsText } from '../../../../src/core/diff/distinction.ts';
import { differs, policyDiff } from '../../../../src/core/diff/policy-diff.ts';
import { possibleClients } from '../../../../src/core/diff/possible-client.ts';
import { type VerdictBlock, verdictDiff } from '../../../../src/core/diff/verdict-diff.ts';
import { type Ask, everyWay, type Line, someWays } from '../../../../src/core/diff/ways.ts';
import type { Evidence } from '../../../../src/core/evidence.ts';
import { assess } from '../../../../src/core/findings.ts';
import { iprevReasons } from '../../../../src/core/iprev.ts';
import type { Policy } from '../../../../src/core/policy.ts';
import { refuses } from '../../../../src/core/verdict.ts';
import { evidences, policies } from '../../../support/arbitraries.ts';
import { policyOf } from '../../../support/doors.ts';

const now = Date.parse('2026-11-21T00:00Z');
const diffOf = (from: string, to: string) => policyDiff(policyOf(from), policyOf(to), now);
/** "reasons | if … | from → to", a line for each. */
const said = (blocks: readonly VerdictBlock[]) =>
  blocks.flatMap(({ reasons, lines }) =>
    lines.map(({ if: conditions, change }) => {
      const words = ({ action, code, rule }: { action: string; code?: number; rule: string }) =>
        `${[action, code].filter(Boolean).join(' ')} by ${rule}`;
      const what = change === undefined ? 'the same' : `${words(change.from)} → ${words(change.to)}`;
      return [reasons.join(' '), ...conditions, what].join(' | ');
    }),
  );

describe('rules and settings', () => {
  const base = `
rules:
  - { id: a, when: { iprev: fail }, tag: a }
  - { id: b, when: { reason: [no-ptr, stale] }, reject: "no" }
  - { id: c, when: { helo: x.example }, score: 1 }
otherwise: accept`;

  test('the same policy has no difference, however it is written', () => {
    const other = `
otherwise: { accept: true }
rules:
  - { id: a, when: { iprev: [fail, fail] }, mode: enforce, tag: a }
  - { id: b, when: { reason: [stale, no-ptr] }, percent: 100, reject: { code: 550, text: "no" } }
  - { id: c, when: { helo: X.example. }, score: 1 }`;
    const diff = diffOf(base, other);
    expect(diff).toMatchObject({
      rules: { added: [], removed: [], changed: [] },
      settings: [],
      verdicts: { blocks: [], tried: 'all' },
    });
    expect(differs(diff)).toBe(false);
  });

  test('added, removed, moved, and changed key by key', () => {
    const diff = diffOf(
      base,
      `
announce: mail
postmaster: judge
authenticated: judge
trusted: 10.0.0.0/8
rules:
  - { id: c, when: { helo: x.example }, score: 1 }
  - { id: a, when: { iprev: fail }, mode: monitor, percent: 50, until: "2026-12-31", tag: b }
  - { id: new, when: [{ ptr: { under: x.example } }, { not: { names: 2 } }], except: { when: { sender: "" }, why: "they \\"know\\"" }, hold: true }
otherwise: { defer: "later" }
allow_hold: true`,
    );
    expect(diff.rules).toEqual({
      added: [
        {
          id: 'new',
          changes: [
            { key: 'when', to: '[{ ptr: { under: x.example } }, { not: { names: 2 } }]' },
            { key: 'except', to: '[{ when: { sender: "" }, why: "they \\"know\\"" }]' },
            { key: 'mode', to: 'enforce' },
            { key: 'percent', to: '100' },
            { key: 'does', to: 'hold' },
          ],
        },
      ],
      removed: [{ id: 'b', changes: expect.arrayContaining([{ key: 'does', from: 'reject 550 5.7.25 "no"' }]) }],
      changed: [
        {
          id: 'a',
          changes: [
            { key: 'mode', from: 'enforce', to: 'monitor' },
            { key: 'percent', from: '100', to: '50' },
            { key: 'does', from: 'tag a', to: 'tag b' },
            { key: 'until', to: '2026-12-31' },
          ],
        },
        { id: 'c', changes: [{ key: 'place', from: '3', to: '1' }] },
      ],
    });
    expect(diff.settings).toEqual([
      { key: 'announce', from: 'rcpt', to: 'mail' },
      { key: 'postmaster', from: 'accept', to: 'judge' },
      { key: 'authenticated', from: 'accept', to: 'judge' },
      { key: 'otherwise', from: 'accept', to: 'defer 450 4.7.25 "later"' },
      { key: 'trusted', to: '{ client_ip: 10.0.0.0/8 }' },
    ]);
  });

  test('another sentence is a difference of the rule, not of a verdict', () => {
    const diff = diffOf(base, base.replace('"no"', '"never"'));
    expect(diff.rules.changed).toEqual([
      { id: 'b', changes: [{ key: 'does', from: 'reject 550 5.7.25 "no"', to: 'reject 550 5.7.25 "never"' }] },
    ]);
    expect(diff.verdicts.blocks).toEqual([]);
    expect(differs(diff)).toBe(true);
  });
});

describe('verdicts', () => {
  test('reasons that change alike are one line', () => {
    const { verdicts } = diffOf(
      'rules: [{ id: a, when: { iprev: permerror }, tag: t }]\notherwise: accept',
      'rules: [{ id: b, when: { reason: [no-ptr, ptr-empty, mismatch] }, reject: "no" }]\notherwise: accept',
    );
    expect(said(verdicts.blocks)).toEqual([
      'mismatch | accept by otherwise → reject 550 by b',
      'no-ptr ptr-empty | tag by a → reject 550 by b',
      'ptr-invalid too-many-names | tag by a → accept by otherwise',
    ]);
  });

  test('what could not be looked up shows 450, and 550 where no answer could have saved the client', () => {
    const { verdicts } = diffOf(
      'rules: []\notherwise: accept',
      'rules: [{ id: good, when: { iprev: pass }, accept: true }]\notherwise: reject',
    );
    const temperror = verdicts.blocks.find(({ reasons }) => reasons.includes('ptr-timeout'));
    expect(temperror?.reasons).toHaveLength(12);
    expect(temperror?.lines.at(-1)?.change?.to).toMatchObject({
      action: 'defer',
      code: 450,
      enhanced: '4.7.25',
      softened: true,
    });
    const all = diffOf('rules: []\notherwise: accept', 'rules: []\notherwise: reject').verdicts;
    expect(said(all.blocks).every((line) => line.endsWith('reject 550 by otherwise'))).toBe(true);
  });

  test('what else holds is told where it makes a difference', () => {
    const { verdicts } = diffOf(
      'rules: [{ id: a, when: { iprev: fail }, reject: "no" }]\notherwise: accept',
      `
rules:
  - { id: banned, when: { client_ip: 192.0.2.0/24 }, reject: "never" }
  - { id: a, when: { iprev: fail }, except: { when: { sender: [a@x.example, b@x.example] }, why: "we know them" }, reject: "no" }
otherwise: accept`,
    );
    expect(said(verdicts.blocks)).toEqual([
      'confirmed | client_ip: 192.0.2.0/24 | accept by otherwise → reject 550 by banned',
      'confirmed | the same',
      'mismatch other-family stale | client_ip: 192.0.2.0/24 | the same',
      'mismatch other-family stale | sender: [a@x.example, b@x.example] | reject 550 by a → accept by otherwise',
      'mismatch other-family stale | the same',
      ...['no-ptr ptr-empty ptr-invalid too-many-names', iprevReasons.slice(8).join(' ')].flatMap((reasons) => [
        `${reasons} | client_ip: 192.0.2.0/24 | accept by otherwise → reject 550 by banned`,
        `${reasons} | the same`,
      ]),
    ]);
  });

  test('no option contradicts itself: networks in networks, names, dates, percentages', () => {
    const rules = (decision: string) =>
      `rules:
  - { id: in, when: { client_ip: 10.1.0.0/16 }, ${decision} }
  - { id: out, when: { client_ip: 10.0.0.0/8 }, tag: out }
  - { id: me, when: { recipient: a@x.example }, ${decision} }
  - { id: you, when: { recipient: b@x.example }, ${decision} }
  - { id: we, when: { recipient: { under: x.example } }, tag: we }
  - { id: part, percent: 10, ${decision} }
  - { id: soon, until: "2026-12-31", when: { helo_is: fqdn }, ${decision} }
otherwise: accept`;
    const { verdicts } = diffOf(rules('tag: t'), rules('accept: true'));
    const lines = said(verdicts.blocks).map((line) => line.replace(/^[^|]*\| /, ''));
    for (const line of lines.flatMap((text) => text.split(' | '))) {
      if (line.includes('client_ip: 10.0.0.0/8')) expect(line).toContain('and not client_ip: 10.1.0.0/16');
      if (line.includes('{ under: x.example }')) expect(line).toContain('and not recipient: b@x.example');
      expect(line).not.toMatch(/^recipient: a@x\.example and/);
    }
    expect(lines).toContain('client_ip: 10.1.0.0/16 | tag by in → accept by in');
    expect(lines).toContain('within the 10 % of part | tag by part → accept by part');
    expect(lines.some((line) => line.includes('after 2026-12-31'))).toBe(true);
  });

  test('a client speaks early or does not, whichever way the rules ask', () => {
    const rules = (is: boolean, does: string) =>
      `rules: [{ id: early, when: { early_talker: ${is} }, ${does} }]\notherwise: accept\n`;
    const lines = (from: string, to: string) => [
      ...new Set(said(diffOf(from, to).verdicts.blocks).map((line) => line.replace(/^[^|]*\| /, ''))),
    ];
    expect(lines('rules: []\notherwise: accept', rules(true, 'reject: "no"'))).toEqual([
      'early_talker: true | accept by otherwise → reject 550 by early',
      'the same',
    ]);
    expect(lines(rules(true, 'reject: "no"'), rules(false, 'reject: "no"'))).toEqual([
      'early_talker: true | reject 550 by early → accept by otherwise',
      'accept by otherwise → reject 550 by early',
    ]);
    expect(lines('rules: []\notherwise: accept', rules(false, 'tag: waits'))).toEqual([
      'early_talker: true | the same',
      'accept by otherwise → tag by early',
    ]);
  });

  test('what is over is not asked about', () => {
    const { verdicts } = diffOf(
      'rules: [{ id: a, until: "2026-11-20", reject: "no" }, { id: b, mode: off, reject: "no" }, { id: c, percent: 0, reject: "no" }]\notherwise: accept',
      'rules: []\notherwise: accept',
    );
    expect(verdicts.blocks).toEqual([]);
  });

  test('mail to postmaster and logged-in clients are cases of their own if the settings say so', () => {
    const rules = 'rules: [{ id: a, when: { iprev: permerror }, reject: "no" }]\notherwise: accept\n';
    expect(said(diffOf(rules, `${rules}postmaster: judge`).verdicts.blocks)).toEqual([
      'no-ptr ptr-empty ptr-invalid too-many-names | recipient: [abuse@, postmaster@] | accept by postmaster-open → reject 550 by a',
      'no-ptr ptr-empty ptr-invalid too-many-names | the same',
    ]);
    expect(said(diffOf(rules, `${rules}authenticated: judge`).verdicts.blocks)).toEqual([
      'no-ptr ptr-empty ptr-invalid too-many-names | authenticated | accept by authenticated → reject 550 by a',
      'no-ptr ptr-empty ptr-invalid too-many-names | the same',
    ]);
  });

  test('with too much to ask, one thing at a time and pairs', () => {
    const many = (n: number, decision: string) =>
      `rules: [${Array.from({ length: n }, (_, i) => `{ id: r${i}, when: { ptr: { glob: "x${i}*" } }, score: ${2 ** i} }`).join(', ')}, { id: last, when: { score: { at_least: 3 } }, ${decision} }]\notherwise: accept`;
    const few = diffOf(many(8, 'tag: t'), many(8, 'accept: true')).verdicts;
    expect(few.tried).toBe('all');
    const pairs = diffOf(many(20, 'tag: t'), many(20, 'reject: "no"')).verdicts;
    expect(pairs.tried).toBe('pairs');
    expect(said(pairs.blocks)).toContain(
      'confirmed | ptr: { glob: "x0*" } | ptr: { glob: "x1*" } | tag by last → reject 550 by last',
    );
    const single = diffOf(many(200, 'tag: t'), many(200, 'reject: "no"')).verdicts;
    expect(single.tried).toBe('single');
    expect(single.considered).toBeLessThan(20_000);
  });
});

describe('every client', () => {
  test.each(iprevReasons)('%s is the reason of all the evidence that is made for it', (reason) => {
    const names = [{ kind: 'names', atLeast: 1, atMost: 1 }] as const;
    const seen = new Set<string>();
    const naming = [
      { kind: 'naming', labels: ['generic'] },
      { kind: 'naming', kinds: ['static'], tiers: ['certain'] },
    ] as const;
    for (const counted of [[], names]) {
      const possible = possibleClients(reason, {
        naming,
        names: counted,
        heloDns: true,
        authenticated: true,
        postmaster: true,
      });
      everyWay((ask) => {
        const findings = assess(possible.evidence(ask));
        expect(findings.iprev.reason).toBe(reason);
        seen.add(`${findings.naming.label} ${findings.naming.kind ?? ''}`);
        return '';
      }, 1_000);
    }
    const hasNames = !/^(no-ptr|ptr-.*)$/.test(reason);
    expect([...seen].sort()).toEqual(hasNames ? ['custom ', 'generic access', 'generic static'] : ['unknown ']);
  });

  test('that is judged differently is in the list', () => {
    const judged = (policy: Policy, evidence: Evidence) => {
      const { verdict } = decide(policy, evidence);
      const { action, rule, tags, score } = verdict;
      const reply = refuses(verdict) ? { code: verdict.reply.code, enhanced: verdict.reply.enhanced } : {};
      return { action, rule, tags, score, hold: verdict.hold === true, ...reply };
    };
    const withoutRule = ({ rule, ...effect }: ReturnType<typeof judged>) => JSON.stringify(effect);
    // dns.outage is no part of a policy file. Mail to postmaster is only looked at if the settings differ.
    const written = policies.map(({ outage, ...policy }): Policy => ({ ...policy, postmaster: 'judge' }));
    const numRuns = Number(process.env.IPREVD_PROPERTY_RUNS ?? 40);
    let changed = 0;
    fc.assert(
      fc.property(written, written, fc.array(evidences, { minLength: 10, maxLength: 10 }), (from, to, clients) => {
        const { blocks, tried } = verdictDiff(from, to, Date.parse('2026-11-20T12:00Z'));
        for (const evidence of tried === 'all' ? clients : []) {
          const [before, after] = [judged(from, evidence), judged(to, evidence)];
          if (withoutRule(before) === withoutRule(after)) continue;
          changed++;
          const { reason } = assess(evidence).iprev;
          const lines = blocks.filter(({ reasons }) => reasons.includes(reason)).flatMap((block) => block.lines);
          expect(lines.map(({ change }) => change)).toContainEqual(
            expect.objectContaining({ from: expect.objectContaining(before), to: expect.objectContaining(after) }),
          );
        }
      }),
      { numRuns, seed: 8601 },
    );
    expect(changed).toBeGreaterThan(numRuns);
  });
});

describe('ways', () => {
  const named = (name: string, options: number): Distinction => ({
    options: Array.from({ length: options }, (_, i) => new Set([{ words: `${name}${i}`, otherwise: '' }])),
  });
  const distinctions = [named('a', 2), named('b', 3), named('c', 2), named('d', 2)];
  const cases = distinctions.reduce<readonly ReadonlyMap<Distinction, number>[]>(
    (all, distinction) =>
      all.flatMap((answers) => distinction.options.map((_, i) => new Map([...answers, [distinction, i]]))),
    [new Map()],
  );
  /** What the lines say about one case. */
  const read = (lines: readonly Line[], ask: Ask): string | undefined =>
    lines.find(({ when }) => when.every(({ distinction, options }) => options.includes(ask(distinction))))?.result;

  test('the lines say of every case what came of it', () => {
    // Asks in an order that depends on the answers, and not about everything.
    const table = fc.array(fc.constantFrom('x', 'y', ''), { minLength: cases.length, maxLength: cases.length });
    fc.assert(
      fc.property(table, fc.nat(), (results, mix) => {
        const run = (ask: Ask): string => {
          const left = [...distinctions];
          let at = mix;
          for (; left.length > 0 && at % 5 !== 4; at = Math.floor(at / 3) + 7) {
            const [next] = left.splice(at % left.length, 1);
            if (next !== undefined) at += ask(next) * 31;
          }
          return results[at % results.length] ?? '';
        };
        const ways = everyWay(run, 1_000);
        for (const answers of cases) {
          const ask: Ask = (distinction) => answers.get(distinction) ?? 0;
          expect(read(ways?.lines ?? [], ask)).toBe(run(ask));
        }
      }),
      { numRuns: 300, seed: 8601 },
    );
  });

  test('there is an end to it', () => {
    const run = (ask: Ask) => distinctions.map(ask).join('');
    expect(everyWay(run, 24)?.runs).toBe(24);
    expect(everyWay(run, 23)).toBeUndefined();
    const { lines, runs } = someWays(run, distinctions, true);
    expect(runs).toBe(1 + 5 + 9);
    expect(lines).toHaveLength(15);
  });

  test('options in words', () => {
    const [wide, narrow] = [
      { words: 'wide', otherwise: 'not wide' },
      { words: 'narrow', otherwise: 'not narrow' },
    ];
    const nested = { options: [new Set<typeof wide>(), new Set([wide]), new Set([wide, narrow])] };
    expect(optionsText(nested, [1])).toBe('wide and not narrow');
    expect(optionsText(nested, [2])).toBe('narrow');
    expect(optionsText(nested, [1, 2])).toBe('(wide and not narrow) or narrow');
    expect(optionsText({ options: [new Set([wide]), new Set<typeof wide>()] }, [1])).toBe('not wide');
  });
});
