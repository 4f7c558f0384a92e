// Saving a policy: whole or not at all, over what was edited, with a copy of what was there.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { savePolicy, viewPolicy } from '../../../src/console/policy-edit.ts';
import { openPolicyFile, type PolicyFile } from '../../../src/policy-file.ts';

const first = 'rules: [{ id: no-ptr, when: { iprev: permerror }, reject: "first" }]\notherwise: accept\n';
const second = first.replace('first', 'second');
let folder = '';
let edited: PolicyFile;
const path = (name: string) => join(folder, name);
const text = (name = 'p.yaml') => readFileSync(path(name), 'utf8');
const inForce = () => JSON.stringify(edited.policy().rules);
const save = async (changed: string) => {
  const { version } = await viewPolicy(edited, undefined);
  return savePolicy(edited, { text: changed, version });
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'iprevd-edit-'));
  writeFileSync(path('p.yaml'), first, { mode: 0o640 });
  const opened = await openPolicyFile(path('p.yaml'), path('p.yaml'));
  if (!opened.ok) throw new Error();
  edited = opened.value;
});
afterEach(() => {
  edited.close();
  rmSync(folder, { recursive: true });
});

test('is in force at once; the old one lies beside it, the mode stays, nothing else is left', async () => {
  expect(await save(second)).toMatchObject({ ok: true });
  expect([text(), text('p.yaml~'), readdirSync(folder).sort()]).toEqual([second, first, ['p.yaml', 'p.yaml~']]);
  expect(statSync(path('p.yaml')).mode & 0o777).toBe(0o640);
  expect(inForce()).toContain('second');
  expect(await viewPolicy(edited, undefined)).toMatchObject({ text: second });
});

test('mistakes come back with their place, and the file stays', async () => {
  const saved = await save(second.replace('permerror', 'permeror'));
  expect(saved.problems.join()).toMatch(/p\.yaml:1:\d+: .*did you mean "permerror"/);
  expect([text(), readdirSync(folder)]).toEqual([first, ['p.yaml']]);
});

test('a list that is not there: the old text is put back, and is in force', async () => {
  const saved = await save(second.replace('{ iprev: permerror }', '{ client_ip: { list: nobody.txt } }'));
  expect(saved.ok).toBe(false);
  expect(saved.problems.join()).toContain('nobody.txt');
  expect([text(), edited.problems()]).toEqual([first, []]);
  expect(inForce()).toContain('first');
});

test('somebody else has changed it meanwhile: nothing is lost', async () => {
  const { version } = await viewPolicy(edited, undefined);
  writeFileSync(path('p.yaml'), second);
  const saved = await savePolicy(edited, { text: first.replace('first', 'third'), version });
  expect(saved.problems.join()).toContain('changed meanwhile');
  expect(text()).toBe(second);
});

test('through a symbolic link the file is written, and the link stays one', async () => {
  symlinkSync(path('p.yaml'), path('link.yaml'));
  const linked = { ...edited, file: path('link.yaml') };
  const { version } = await viewPolicy(linked, undefined);
  expect(await savePolicy(linked, { text: second, version })).toMatchObject({ ok: true });
  expect([text(), text('link.yaml')]).toEqual([second, second]);
  expect(
    readdirSync(folder, { withFileTypes: true })
      .find(({ name }) => name === 'link.yaml')
      ?.isSymbolicLink(),
  ).toBe(true);
});

test('its lists come along, as far as they are small; of the others it is said why not', async () => {
  writeFileSync(path('known.txt'), '192.0.2.7 # a friend\n');
  expect(await save(second.replace('{ iprev: permerror }', '{ client_ip: { list: known.txt } }'))).toMatchObject({
    ok: true,
  });
  expect(await viewPolicy(edited, 'why not')).toMatchObject({
    lists: { 'known.txt': '192.0.2.7 # a friend\n' },
    leftOut: {},
  });
  writeFileSync(path('known.txt'), '192.0.2.7\n'.repeat(500_000));
  expect(await viewPolicy(edited, 'why not')).toMatchObject({
    lists: {},
    leftOut: { 'known.txt': '4.8 MB, and the page is given 4.0 MB of lists in all' },
  });
  rmSync(path('known.txt'));
  expect((await viewPolicy(edited, 'why not')).leftOut).toEqual({ 'known.txt': 'no such file' });
});
