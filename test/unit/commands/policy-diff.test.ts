// What a person reads, what a program reads, and whether anything differs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { showPolicyDiff } from '../../../src/commands/policy-diff.ts';
import { policyOf } from '../../support/doors.ts';
import { projectFolder } from '../../support/processes.ts';

const shipped = (name: string): string => readFileSync(join(projectFolder, 'policies', `${name}.yaml`), 'utf8');

function diff(from: string, to: string, { json = false, colour = false } = {}) {
  let printed = '';
  const differs = showPolicyDiff(
    { out: (text) => void (printed += text), err: () => undefined, colour },
    { from: policyOf(from), to: policyOf(to), now: () => Date.parse('2026-11-21T00:00Z'), json },
  );
  return { differs, printed };
}

describe('for a person', () => {
  test('standard to strict', () => {
    expect(diff(shipped('standard'), shipped('strict'))).toEqual({
      differs: true,
      printed: `rules     - too-many-names  when: { reason: too-many-names }
                            does: tag unconfirmed
          ~ no-ptr          when: { reason: [no-ptr, ptr-empty, ptr-invalid] } → { iprev: permerror }
          ~ unconfirmed     does: tag unconfirmed → reject 550 5.7.25 "the PTR name of {ip} does not lead back to it"
          ~ early-talker    does: tag early-talker → reject 554 5.5.1 "{ip} talks before it is greeted"
                            place: 5 → 1
verdicts  a confirmed name (pass)
            if naming: generic and early_talker: true                 tag early-talker, generic-name → reject 554 5.5.1                by early-talker
            if early_talker: true                                     tag early-talker → reject 554 5.5.1                              by early-talker
            otherwise                                                 the same
          a name that does not lead back (fail)
            if naming: generic and early_talker: true                 tag unconfirmed, early-talker, generic-name → reject 554 5.5.1   by unconfirmed → early-talker
            if naming: generic                                        tag unconfirmed, generic-name → reject 550 5.7.25                by unconfirmed
            if early_talker: true                                     tag unconfirmed, early-talker → reject 554 5.5.1                 by unconfirmed → early-talker
            otherwise                                                 tag unconfirmed → reject 550 5.7.25                              by unconfirmed
          no PTR record (permerror: no-ptr, ptr-empty, ptr-invalid)
            if early_talker: true                                     reject 550 5.7.25 → reject 554 5.5.1                             by no-ptr → early-talker
            otherwise                                                 the same
          too many names (permerror: too-many-names)
            if naming: generic and early_talker: true                 tag unconfirmed, early-talker, generic-name → reject 554 5.5.1   by too-many-names → early-talker
            if naming: generic                                        tag unconfirmed, generic-name → reject 550 5.7.25                by too-many-names → no-ptr
            if early_talker: true                                     tag unconfirmed, early-talker → reject 554 5.5.1                 by too-many-names → early-talker
            otherwise                                                 tag unconfirmed → reject 550 5.7.25                              by too-many-names → no-ptr
          a lookup failed (temperror)
            if early_talker: true                                     defer 450 4.7.25 → reject 554 5.5.1                              by trouble → early-talker
            otherwise                                                 the same
          everything else: the same
`,
    });
  });

  test('observe to standard', () => {
    expect(diff(shipped('observe'), shipped('standard')).printed).toContain(`
verdicts  no PTR record (permerror: no-ptr, ptr-empty, ptr-invalid)
            if early_talker: true                                     tag no-ptr, early-talker → reject 550 5.7.25                                           by no-ptr
            otherwise                                                 tag no-ptr → reject 550 5.7.25                                                         by no-ptr
          too many names (permerror: too-many-names)
            if naming: generic and early_talker: true                 tag no-ptr, early-talker, generic-name → tag unconfirmed, early-talker, generic-name   by no-ptr → too-many-names
            if naming: generic                                        tag no-ptr, generic-name → tag unconfirmed, generic-name                               by no-ptr → too-many-names
            if early_talker: true                                     tag no-ptr, early-talker → tag unconfirmed, early-talker                               by no-ptr → too-many-names
            otherwise                                                 tag no-ptr → tag unconfirmed                                                           by no-ptr → too-many-names
          the PTR lookup failed (temperror: ptr-*)
            if early_talker: true                                     tag dns-trouble, early-talker → defer 450 4.7.25                                       by trouble
            otherwise                                                 tag dns-trouble → defer 450 4.7.25                                                     by trouble
          the name's lookup failed (temperror: forward-*)
            if naming: generic and early_talker: true                 tag dns-trouble, early-talker, generic-name → defer 450 4.7.25                         by trouble
            if naming: generic                                        tag dns-trouble, generic-name → defer 450 4.7.25                                       by trouble
            if early_talker: true                                     tag dns-trouble, early-talker → defer 450 4.7.25                                       by trouble
            otherwise                                                 tag dns-trouble → defer 450 4.7.25                                                     by trouble
          everything else: the same
`);
  });

  test('the same policy', () => {
    expect(diff(shipped('strict'), shipped('strict'))).toEqual({
      differs: false,
      printed: 'The two policies say the same.\n',
    });
  });

  test('rules that differ in words only, and settings', () => {
    const rule = (text: string) => `rules: [{ id: a, when: { iprev: fail }, reject: "${text}" }]\notherwise: accept\n`;
    expect(diff(rule('no'), `${rule('never')}trusted: { list: ours.txt }\n`).printed).toBe(
      `rules     ~ a  does: reject 550 5.7.25 "no" → reject 550 5.7.25 "never"
settings  trusted: none → { client_ip: { list: ours.txt } }
verdicts  a name that does not lead back (fail)
            if client_ip: { list: ours.txt }      reject 550 5.7.25 → accept   by a → trusted-network
            otherwise                             the same
          everything else: the same
`,
    );
    expect(diff(rule('no'), rule('never')).printed).toContain('verdicts  every client: the same\n');
  });

  test('long conditions have a line of their own; a softened verdict says so', () => {
    const { printed } = diff(
      'rules: []\notherwise: accept',
      'rules: [{ id: a, when: { iprev: [pass, permerror], sender: [a@long.example, b@long.example, c@long.example, d@x.example] }, accept: true }]\notherwise: reject',
    );
    expect(printed).toContain(`
            if sender: [a@long.example, b@long.example, c@long.example, d@x.example]
`);
    expect(printed).toMatch(/ {2}otherwise +accept → reject 550 5\.7\.25 +by otherwise\n/);
    expect(printed).toMatch(/accept → defer 450 4\.7\.25, softened/);
  });

  test('what could not be tried is said', () => {
    const many = (decision: string) =>
      `rules: [${Array.from({ length: 20 }, (_, i) => `{ id: r${i}, when: { ptr: { glob: "x${i}*" } }, score: ${2 ** i} }`).join(', ')}, { id: last, when: { score: { at_least: 3 } }, ${decision} }]\notherwise: accept`;
    expect(diff(many('tag: t'), many('defer: "no"')).printed).toMatch(
      /\n {10}too many combinations: what the rules ask was varied alone and in pairs, \d+ cases in all\n$/,
    );
  });

  test('what operators wrote is shown escaped; colour only where it is welcome', () => {
    const rule = (text: string) => `rules: [{ id: a, reject: "${text}" }]\notherwise: accept`;
    const plain = diff(rule('no'), rule('\\e[31mnein ü')).printed;
    expect(plain).toContain('"\\\\x1b[31mnein \\\\xc3\\\\xbc"'.replaceAll('\\\\', '\\'));
    expect(plain).not.toMatch(/\x1b/);
    const painted = diff(shipped('standard'), shipped('strict'), { colour: true }).printed;
    expect(painted.replace(/\x1b\[\d+m/g, '')).toBe(diff(shipped('standard'), shipped('strict')).printed);
    expect(painted).toContain('\x1b[31mreject 550 5.7.25\x1b[39m');
  });
});

test('for a program', () => {
  const { differs, printed } = diff(shipped('observe'), shipped('standard'), { json: true });
  expect(differs).toBe(true);
  const parsed = JSON.parse(printed);
  expect(Object.keys(parsed)).toEqual(['rules', 'settings', 'verdicts', 'considered', 'complete', 'tried']);
  expect(parsed).toMatchObject({ settings: [], complete: true, tried: 'all' });
  expect(parsed.rules.added.map(({ id }: { id: string }) => id)).toEqual(['too-many-names']);
  expect(parsed.verdicts[0]).toEqual({
    findings: { iprev: 'permerror', reasons: ['no-ptr', 'ptr-empty', 'ptr-invalid'], if: ['early_talker: true'] },
    from: { action: 'tag', rule: 'no-ptr', tags: ['no-ptr', 'early-talker'], headers: [], score: 0, hold: false },
    to: {
      action: 'reject',
      code: 550,
      enhanced: '5.7.25',
      rule: 'no-ptr',
      tags: [],
      headers: [],
      score: 0,
      hold: false,
    },
  });
  expect(parsed.verdicts[1].findings).toMatchObject({ iprev: 'permerror', if: [] });
  expect(JSON.parse(diff(shipped('strict'), shipped('strict'), { json: true }).printed)).toMatchObject({
    rules: { added: [], removed: [], changed: [] },
    settings: [],
    verdicts: [],
  });
});
