// The canonical form of policy files: a table of what becomes of what, and that nothing is ever lost.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { conditionText } from '../../../src/core/condition-text.ts';
import type { Rule } from '../../../src/core/policy.ts';
import { formatPolicy } from '../../../src/core/policy-format.ts';
import { readPolicy } from '../../../src/core/schema.ts';
import { policies } from '../../support/arbitraries.ts';
import { policyOf } from '../../support/doors.ts';
import { projectFolder } from '../../support/processes.ts';

function format(text: string): string {
  const formatted = formatPolicy(text, 'test.yaml');
  if (!formatted.ok) throw new Error(`${JSON.stringify(formatted.problems)}\n${text}`);
  return formatted.value;
}

/** Lines that begin with "#", or the rest behind " #"; no text of these tests has such in quotes. */
const commentsOf = (text: string): string[] => (text.match(/(?:^|(?<=\s))#.*$/gm) ?? []).sort();

function keepsAll(text: string): string {
  const formatted = format(text);
  expect(policyOf(formatted)).toEqual(expect.anything());
  expect(JSON.stringify(policyOf(formatted))).toBe(JSON.stringify(policyOf(text)));
  expect(commentsOf(formatted)).toEqual(commentsOf(text));
  expect(format(formatted)).toBe(formatted);
  return formatted;
}

const rules = (text: string): string => `rules:\n${text}\notherwise: accept\n`;

describe('what becomes of what', () => {
  test.each<[string, string, string]>([
    [
      'keys in order',
      '  - { reject: { text: "no", code: 554, status: 5.7.1 }, score: 1, tag: x, until: 2026-12-31, percent: 5, mode: monitor, when: { iprev: fail }, id: a }',
      `  - id: a
    when: { iprev: fail }
    mode: monitor
    percent: 5
    until: 2026-12-31
    tag: x
    score: 1
    reject: { code: 554, status: 5.7.1, text: "no" }`,
    ],
    [
      'a condition is left as it is read',
      '  - { when: { naming: generic, iprev: [ fail,pass ], not: {ptr: {matches: x, under: y.example}} }, id: a, tag: t }',
      '  - { id: a, when: { naming: generic, iprev: [fail, pass], not: { ptr: { matches: x, under: y.example } } }, tag: t }',
    ],
    ['double quotes', "  - { id: 'a', tag: t, reject: 'no' }", '  - { id: "a", tag: t, reject: "no" }'],
    [
      'single quotes for what would have to be escaped',
      '  - { id: a, when: { ptr: { matches: "^mx\\\\d+" }, helo: "a\\tb" }, reject: "say \\"no\\"" }',
      `  - { id: a, when: { ptr: { matches: '^mx\\d+' }, helo: "a\\tb" }, reject: 'say "no"' }`,
    ],
    ['no quotes where none were', '  - {id: a, reject: no }', '  - { id: a, reject: no }'],
    [
      'braces over several lines become a block, with what is in it',
      '  - { id: a, # first\n      when: { client_ip: [192.0.2.1,\n        192.0.2.2] }, tag: t }',
      '  - id: a # first\n    when:\n      client_ip:\n        - 192.0.2.1\n        - 192.0.2.2\n    tag: t',
    ],
    [
      'two blanks for each level',
      '- id: a\n  when:\n        iprev:\n           - fail\n  tag: t',
      '  - id: a\n    when:\n      iprev:\n        - fail\n    tag: t',
    ],
    [
      'comments move with their key; what is above the first key is above the rule',
      '  # the rule\n  - reject: "no" # why not\n\n    # its name\n    id: a\n\n  # the next\n  - { tag: t, id: b } # b',
      '  # the rule\n  # its name\n  - id: a\n    reject: "no" # why not\n\n  # the next\n  - { id: b, tag: t } # b',
    ],
    [
      'one blank line at most',
      '\n\n  - { id: a, tag: t }\n\n\n\n  - { id: b, tag: t }\n\n',
      '\n  - { id: a, tag: t }\n\n  - { id: b, tag: t }\n',
    ],
    [
      'exceptions and times',
      '  - { id: a, except: [{ until: 2026-12-31, why: x, when: { sender: "" } }], when: { time: { zone: UTC, from: "08:00" } }, tag: { value: x, header: X-A } }',
      `  - id: a
    when: { time: { from: "08:00", zone: UTC } }
    except: [{ when: { sender: "" }, why: x, until: 2026-12-31 }]
    tag: { header: X-A, value: x }`,
    ],
  ])('%s', (_, before, after) => {
    expect(keepsAll(rules(before))).toBe(rules(after));
  });

  test('a line of 120 columns stays, one of 121 does not', () => {
    const line = (columns: number) => {
      const [head, tail] = ['  - { id: a, reject: "', '" }'];
      return head + 'x'.repeat(columns - head.length - tail.length) + tail;
    };
    expect(keepsAll(rules(line(120)))).toBe(rules(line(120)));
    expect(keepsAll(rules(line(121)))).toMatch(/^ {2}- id: a\n {4}reject: "x+"$/m);
    expect(keepsAll(rules(`${line(120)} # a comment has all the room that it wants`))).toContain(line(120));
  });

  test('settings keep their order, and tests have theirs', () => {
    const text = `# head

otherwise: {reject: "no", tag: t}
tests:
- expect: {rule: a, action: tag}
  zone: { tests: timeout, 192.0.2.1: [b.example, a.example] }
  client: { early: true, helo: x, ip: 192.0.2.1 }
  name: one
announce: mail
rules: [{tag: t, id: a}]
`;
    expect(keepsAll(text)).toBe(`# head

otherwise: { tag: t, reject: "no" }
tests:
  - name: one
    client: { ip: 192.0.2.1, helo: x, early: true }
    zone: { tests: timeout, 192.0.2.1: [b.example, a.example] }
    expect: { action: tag, rule: a }
announce: mail
rules: [{ id: a, tag: t }]
`);
  });

  test('nothing is moved where an alias stands', () => {
    const text = rules('  - { tag: t, when: &who { iprev: fail }, id: a }\n  - { reject: "no", when: *who, id: b }');
    expect(keepsAll(text)).toBe(text);
  });

  test('Windows lines, a byte order mark, no line at the end', () => {
    const text = '\ufeff# head\r\n\r\nrules:\r\n  - { tag: t, id: a } # a\r\notherwise: accept';
    expect(format(text)).toBe('# head\n\nrules:\n  - { id: a, tag: t } # a\notherwise: accept\n');
  });

  test('a file with mistakes is not touched', () => {
    expect(formatPolicy('rules: [{ id: a, tga: t }]\notherwise: accept', 'p.yaml')).toEqual({
      ok: false,
      problems: [{ where: 'p.yaml:1:18', what: 'unknown key "tga"', hint: 'did you mean "tag"?' }],
    });
  });
});

describe('nothing is lost', () => {
  test.each(readdirSync(join(projectFolder, 'policies')))('%s', (file) => {
    keepsAll(readFileSync(join(projectFolder, 'policies', file), 'utf8'));
  });

  /** A rule as somebody might type it. */
  const written = (rule: Rule): fc.Arbitrary<string> => {
    const { id, when, except, mode, percent, actions } = rule;
    const text = (given: string) => fc.constantFrom(`"${given}"`, `'${given}'`, given);
    const isPlain = !/always|never/.test(conditionText({ kind: 'all', of: [when, ...except.map((one) => one.when)] }));
    const { decision } = actions;
    const keys = fc
      .tuple(
        text('it is known'),
        text('no, {ip}').filter((given) => /^["']/.test(given)),
      )
      .map(([why, no]) => [
        `id: ${id}`,
        `mode: ${mode}`,
        `percent: ${percent}`,
        ...(isPlain ? [`when: ${conditionText(when)}`] : []),
        ...(isPlain && except.length > 0
          ? [`except: [${except.map((one) => `{ why: ${why}, when: ${conditionText(one.when)} }`).join(', ')}]`]
          : []),
        `tag: ${actions.tag ?? 'none'}`,
        ...(actions.score === undefined ? [] : [`score: ${actions.score}`]),
        ...(decision === undefined
          ? []
          : [decision === 'accept' ? 'accept: true' : `reject: { text: ${no}, code: ${decision.code} }`]),
      ]);
    return keys
      .chain((all) => fc.shuffledSubarray(all, { minLength: all.length }))
      .chain((all) =>
        fc.constantFrom(
          `  - { ${all.join(', ')} }`,
          `  - {${all.join(',\n     ')}}`,
          `  - ${all.join('\n    ')}`,
          `  -\n      ${all.join('\n      ')}`,
        ),
      );
  };

  test('of whatever anybody may write', () => {
    const remark = fc.constantFrom('# one', '  # two', '    # three', '      # four', '', '', '#', '            # far');
    const texts = policies
      .chain(({ rules }) => fc.tuple(...rules.map(written)))
      .chain((all) =>
        fc.tuple(fc.constant(rules(all.join('\n'))), fc.array(fc.tuple(fc.nat(60), remark), { maxLength: 8 })),
      )
      .map(([text, remarks]) => {
        const lines = text.replace('rules:\n\n', 'rules: []\n').split('\n');
        for (const [at, line] of remarks) lines.splice(at % lines.length, 0, line);
        return lines.join('\n');
      });
    fc.assert(
      fc.property(
        texts.filter((text) => readPolicy(text, 'test.yaml').ok),
        (text) => void keepsAll(text),
      ),
      { numRuns: Number(process.env.IPREVD_PROPERTY_RUNS ?? 100), seed: 8601 },
    );
  });
});
