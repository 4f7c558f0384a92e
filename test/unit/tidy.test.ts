// The house keeps itself in order: who imports whom, what a file opens with, what the documents list.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { alignmentLevels, alignmentPairs } from '../../src/core/alignment.ts';
import { doorKinds, stages } from '../../src/core/client.ts';
import { certificateWords } from '../../src/core/client-certificate.ts';
import { heloDnsWords, heloForms } from '../../src/core/helo.ts';
import { iprevReasons, iprevResults } from '../../src/core/iprev.ts';
import { namingLabels } from '../../src/core/naming/classify.ts';
import { templateFields } from '../../src/core/policy.ts';
import { projectFolder } from '../support/processes.ts';

const read = (path: string): string => readFileSync(join(projectFolder, path), 'utf8');
const filesBelow = (folder: string, ending: string): string[] =>
  readdirSync(join(projectFolder, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));
const sources = [...filesBelow('src', '.ts'), ...filesBelow('src', '.tsx')];

/** Place → what it may import, from the table in ARCHITECTURE.md. */
const table = new Map(
  [...read('ARCHITECTURE.md').matchAll(/^\| `(src\/[^`]*)` \| ([^|]*) \| ([^|]*) \|$/gm)].map(
    ([, place = '', ours = '', packages = '']) => [
      place,
      {
        ours: [...ours.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
        packages: packages.split(',').map((name) => name.trim()),
      },
    ],
  ),
);
const placeOf = (file: string): string | undefined =>
  [...table.keys()].find((place) => (place.endsWith('/') ? file.startsWith(place) : file === place));

describe.each(sources)('%s', (file) => {
  const text = read(file);

  test('imports only what its place may', () => {
    const place = placeOf(file);
    const allowed = table.get(place ?? '');
    expect(allowed).toBeDefined();
    for (const [, name = ''] of text.matchAll(/^(?:import|export) [^;]*?from '([^']+)';/gm)) {
      if (name.startsWith('.')) {
        const target = relative('.', normalize(join(dirname(file), name)));
        const isOwn = place?.endsWith('/') === true && target.startsWith(place);
        expect([target, isOwn || allowed?.ours.some((other) => target.startsWith(other))]).toEqual([target, true]);
      } else {
        expect([
          name,
          allowed?.packages.some((other) => name === other || name.startsWith(other === 'node:' ? other : `${other}/`)),
        ]).toEqual([name, true]);
      }
    }
  });

  test('opens with its promise', () => {
    const opening = text.replace(/^#!.*\n/, '').match(/^(?:\/\/ .+\n)+/)?.[0] ?? '';
    expect(opening.length).toBeGreaterThan(60);
  });

  test('keeps to the house', () => {
    expect(text).not.toMatch(/^export default |^(?:export )?(?:const )?enum /m);
    if (file !== 'src/cli.ts') expect(text).not.toMatch(/process\.(env|exit)\b/);
    expect(file).toMatch(/^src\/(?:[a-z-]+\/)*[a-z-]+\.tsx?$/);
  });
});

test('every row of the import table is about something that exists', () => {
  for (const place of table.keys())
    expect([place, sources.some((file) => file.startsWith(place))]).toEqual([place, true]);
  expect(table.size).toBeGreaterThan(10);
});

test('docs/policy.md knows every word of the vocabulary', () => {
  const text = read('docs/policy.md');
  for (const word of [
    ...iprevResults,
    ...iprevReasons,
    ...namingLabels,
    ...heloForms,
    ...heloDnsWords,
    ...certificateWords,
    ...alignmentPairs,
    ...alignmentLevels,
    ...stages,
    ...doorKinds,
  ])
    expect(text).toContain(`\`${word}\``);
  for (const field of templateFields) expect(text).toContain(`{${field}}`);
});

test('every dependency has its sentence in ARCHITECTURE.md', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'));
  const text = read('ARCHITECTURE.md');
  for (const name of Object.keys(dependencies)) expect(text).toContain(`\n| ${name} |`);
  for (const name of Object.keys(devDependencies).map((name) =>
    name.replace(/^@(?:babel|jest|types)\/.*|^babel-jest$/, 'jest'),
  ))
    expect(text).toContain(name);
  for (const version of Object.values({ ...dependencies, ...devDependencies })) expect(version).toMatch(/^\d/); // pinned
});

test('every bound is used', () => {
  const names = [...read('src/core/limits.ts').matchAll(/^export const (\w+)/gm)].map(([, name = '']) => name);
  const code = sources
    .filter((file) => file !== 'src/core/limits.ts')
    .map(read)
    .join('\n');
  for (const name of names) expect([name, code.includes(name)]).toEqual([name, true]);
});

test('links between the documents lead somewhere', () => {
  const documents = [
    ...readdirSync(projectFolder).filter((file) => file.endsWith('.md')),
    ...filesBelow('docs', '.md'),
  ];
  for (const document of documents) {
    for (const [, target = ''] of read(document).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
      expect(() => read(join(dirname(document), target))).not.toThrow();
    }
  }
});

test('files that SECURITY.md names as tests are there', () => {
  const named = [...read('SECURITY.md').matchAll(/`((?:test\/)?[\w/-]+\.test\.ts|test\/[\w/-]+)`/g)].map(
    ([, name = '']) => name,
  );
  const all = filesBelow('test', '.ts');
  for (const name of named) expect([name, all.some((file) => file.includes(name))]).toEqual([name, true]);
});
