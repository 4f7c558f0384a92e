import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { policyLint } from '../../../src/commands/policy-lint.ts';
import type { PolicyText } from '../../../src/core/policy.ts';
import { readPolicy } from '../../../src/core/schema.ts';
import { projectFolder } from '../../support/processes.ts';

const fileOf = (file: string, text: string): PolicyText => ({ file, text, policy: readPolicy(text, file) });
const run = (files: readonly PolicyText[], options: { strict?: true; json?: true; colour?: true } = {}) => {
  const written = { out: '', err: '' };
  const terminal = {
    out: (text: string) => void (written.out += text),
    err: (text: string) => void (written.err += text),
    colour: options.colour === true,
  };
  const outcome = policyLint(terminal, {
    files,
    now: () => Date.parse('2026-11-21T00:00:00Z'),
    strict: options.strict === true,
    json: options.json === true,
  });
  return { ...written, outcome };
};

const wrong = fileOf('wrong.yaml', 'rules: [{ id: a, tga: x }]\n');
const odd = fileOf(
  'odd.yaml',
  `rules:
  - { id: off, mode: off, tag: x }
  - { id: trouble, when: { iprev: temperror }, reject: "no" }
otherwise: accept
`,
);
const remarked = fileOf('remarked.yaml', 'rules: [{ id: off, mode: off, tag: x }]\notherwise: accept\n');

describe('policy lint', () => {
  test('for a person', () => {
    const { out, err, outcome } = run([wrong, odd]);
    expect(out).toBe(`wrong.yaml:1:18: wrong: unknown key "tga" (did you mean "tag"?)
wrong.yaml:1:1: wrong: "otherwise" is missing
odd.yaml:2:5: remark: "off" is switched off
odd.yaml:3:5: warning: "trouble" never refuses with 550: it is about failed lookups alone, and is told as 450 (write defer)
2 files: 2 mistakes, 1 warning, 1 remark
`);
    expect(err).toBe('');
    expect(outcome).toBe('wrong');
  });

  test('for a program', () => {
    const { out } = run([wrong, odd], { json: true });
    expect(JSON.parse(out)).toEqual([
      { where: 'wrong.yaml:1:18', severity: 'wrong', what: 'unknown key "tga"', hint: 'did you mean "tag"?' },
      { where: 'wrong.yaml:1:1', severity: 'wrong', what: '"otherwise" is missing' },
      { where: 'odd.yaml:2:5', severity: 'remark', rule: 'off', what: '"off" is switched off' },
      {
        where: 'odd.yaml:3:5',
        severity: 'warning',
        rule: 'trouble',
        what: '"trouble" never refuses with 550: it is about failed lookups alone, and is told as 450',
        hint: 'write defer',
      },
    ]);
    expect(JSON.parse(run([], { json: true }).out)).toEqual([]);
  });

  test('warnings count under --strict alone, remarks never', () => {
    expect(run([odd]).outcome).toBe('ok');
    expect(run([odd], { strict: true }).outcome).toBe('wrong');
    expect(run([remarked], { strict: true }).outcome).toBe('ok');
  });

  test('a file that could not be read', () => {
    const gone: PolicyText = {
      file: 'gone.yaml',
      text: '',
      policy: { ok: false, problems: [{ where: 'gone.yaml', what: 'no such file' }] },
    };
    expect(run([gone])).toMatchObject({ out: 'gone.yaml: wrong: no such file\n1 file: 1 mistake\n', outcome: 'wrong' });
  });

  test('colour where it is welcome', () => {
    expect(run([odd], { colour: true }).out).toContain('odd.yaml:3:5: \x1b[33mwarning\x1b[39m: "trouble"');
  });

  test('there is nothing to say about the policies that come with iprevd', () => {
    const folder = join(projectFolder, 'policies');
    const files = readdirSync(folder).map((file) => fileOf(file, readFileSync(join(folder, file), 'utf8')));
    expect(run(files, { strict: true })).toMatchObject({
      out: `${files.length} files: nothing to say\n`,
      outcome: 'ok',
    });
  });
});
