// What the documents show of remedies is what the program says: the page of all of them, to the letter, and the cases of README.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { lookedUp } from '../../src/core/explain.ts';
import { iprevReasons } from '../../src/core/iprev.ts';
import type { HostName } from '../../src/core/name.ts';
import { exampleOf, remedyReasons } from '../../src/core/remedy/example.ts';
import { remediesPage } from '../../src/core/remedy/markdown.ts';
import { readRefusal } from '../../src/core/remedy/pasted.ts';
import { makeReply } from '../../src/core/reply.ts';
import { ipOf } from '../support/evidence.ts';
import { cli, projectFolder, run } from '../support/processes.ts';

const read = (path: string): string => readFileSync(join(projectFolder, path), 'utf8');

test('docs/remedies.md is what "iprevd remedy --markdown" prints, one place to link to for each reason', () => {
  expect(read('docs/remedies.md')).toBe(remediesPage());
  const anchors = [...remediesPage().matchAll(/^## (.+)$/gm)].map(([, title]) => title);
  expect(anchors.sort()).toEqual([...new Set([...iprevReasons, ...remedyReasons])].sort());
});

test('a refusal that links to it still fits, with what was looked up', () => {
  for (const reason of remedyReasons) {
    const evidence = exampleOf(reason, {
      ip: ipOf('2001:db8::7'),
      name: `${'a'.repeat(60)}.sender.example` as HostName,
    });
    const text = `no, see https://mx.example.org/remedies#${reason} [${lookedUp(evidence)}]`;
    const { text: said } = makeReply(550, '5.7.25', text, 'ref');
    expect(said).toContain(`#${reason} [`);
    expect(readRefusal(said)?.client.ip).toBe('2001:db8::7');
  }
});

/** Command → its output, where a line "…" stands for any lines. */
const shown = [...read('README.md').matchAll(/^```\n\$ npx iprevd (check .*)\n((?:(?!```).*\n)*)```$/gm)].map(
  ([, command = '', output = '']) => ({ command, parts: `\n${output}`.split('\n…\n') }),
);

describe('README', () => {
  test('shows five cases and the first', () => {
    expect(shown.filter(({ command }) => command.includes('docs/cases.yaml')).length).toBeGreaterThanOrEqual(5);
  });

  test.each(shown)('$command', async ({ command, parts }) => {
    const { code, output } = await run('node', [cli, ...command.split(' ')]);
    const withoutRef = (text: string) => text.replace(/\(ref \w+\)/g, '(ref …)');
    let rest = withoutRef(`\n${output}`);
    for (const part of parts.map(withoutRef)) {
      const at = rest.indexOf(part);
      expect([part, at >= 0 ? 'is in' : 'is not in', at >= 0 ? '' : rest]).toEqual([part, 'is in', '']);
      rest = rest.slice(at + part.length);
    }
    if (parts.at(-1) !== '') expect(rest).toBe('');
    expect(code).toBe(0);
  });
});
