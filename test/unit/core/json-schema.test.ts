// The JSON Schema of policy files: complete, described, and of one mind with the reader. Our packages hold no validator that
// knows all of its keywords, so a small one stands below; a keyword that it does not know is a failure.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { alignmentLevels, alignmentPairs } from '../../../src/core/alignment.ts';
import { certificateWords } from '../../../src/core/client-certificate.ts';
import { heloDnsWords, heloForms } from '../../../src/core/helo.ts';
import { iprevReasons, iprevResults } from '../../../src/core/iprev.ts';
import { type JsonSchema, policyJsonSchema } from '../../../src/core/json-schema.ts';
import { namingLabels } from '../../../src/core/naming/classify.ts';
import { policyWords } from '../../../src/core/policy-words.ts';
import { readPolicy } from '../../../src/core/schema.ts';
import { projectFolder } from '../../support/processes.ts';

const schema = policyJsonSchema();
const fits = (text: string): boolean => valid(parse(text), schema);
const reads = (text: string): boolean => readPolicy(text, 'test.yaml').ok;

/** Every part of the schema that is a map of known keys, with the path to it. */
function maps(part: unknown, path = '#'): readonly (readonly [string, JsonSchema])[] {
  if (typeof part !== 'object' || part === null) return [];
  const inner = Object.entries(part).flatMap(([key, value]) => maps(value, `${path}/${key}`));
  return 'properties' in part && 'type' in part ? [[path, part as JsonSchema], ...inner] : inner;
}

test('says what it is', () => {
  expect(schema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'iprevd policy' });
  expect(JSON.stringify(schema)).not.toContain('__schema');
});

test('every map is closed and every key has a sentence', () => {
  const all = maps(schema);
  expect(all.length).toBeGreaterThan(20);
  for (const [path, map] of all) {
    expect([path, map.additionalProperties]).toEqual([path, false]);
    for (const [key, value] of Object.entries(map.properties as Record<string, JsonSchema>))
      expect([path, key, value.description]).toEqual([path, key, expect.stringMatching(/^["\w*].{8,}\.$/)]);
  }
});

test('no sentence is about a key that is not there', () => {
  const all = maps(schema);
  const keysUnder = (owner: string): string[] =>
    all
      .filter(([path]) => {
        if (owner === '') return path === '#';
        if (owner === 'condition') return /^#\/\$defs\/condition\/anyOf\/\d+$/.test(path);
        return path.replace(/(?:\/(?:anyOf|items|additionalProperties|\d+))+$/, '').endsWith(`/properties/${owner}`);
      })
      .flatMap(([, map]) => Object.keys(map.properties as object));
  for (const [owner, words] of Object.entries(policyWords))
    expect([owner, Object.keys(words).sort()]).toEqual([owner, [...new Set(keysUnder(owner))].sort()]);
});

test('closed lists of words are complete', () => {
  const text = JSON.stringify(schema);
  for (const words of [
    iprevResults,
    iprevReasons,
    namingLabels,
    heloForms,
    heloDnsWords,
    certificateWords,
    alignmentPairs,
    alignmentLevels,
  ])
    expect(text).toContain(`"enum":${JSON.stringify(words)}`);
});

describe('of one mind with the reader', () => {
  const shipped = readdirSync(join(projectFolder, 'policies'));

  test.each(shipped)('%s is right', (file) => {
    expect(fits(readFileSync(join(projectFolder, 'policies', file), 'utf8'))).toBe(true);
  });

  const rule = (text: string): string => `rules: [{ ${text} }]\notherwise: accept`;

  test.each([
    rule('id: Capital_1, tag: t'),
    rule(
      'id: a, when: [{ iprev: [pass, fail] }, { not: { all: [{ names: 2 }, { names: { at_most: 3 } }] } }], accept: true',
    ),
    rule('id: a, when: { ptr: [mx.example, { under: [x.example, y.example], glob: "*" }] }, score: -1.5'),
    rule('id: a, when: { client_ip: [192.0.2.0/24, { list: bad.txt }], door: [smtp, check], port: 25 }, hold: true') +
      '\nallow_hold: true',
    rule(
      'id: a, when: { time: [{ days: mon, from: "08:00" }, { zone: Europe/Berlin }] }, defer: { code: 421, text: x }',
    ),
    rule('id: a, except: { when: { sender: "" }, why: so, until: 2026-12-31 }, mode: off, percent: 5, reject: x'),
    rule('id: a, tag: { header: X-A, value: "{ptr}" }, reject: { status: 5.7.1, text: x }'),
    'rules: []\notherwise: { tag: x }\nannounce: helo\npostmaster: judge\nauthenticated: judge\ntrusted: [10.0.0.0/8]',
    'rules: []\notherwise: accept\ntests: [{ name: a, client: { ip: 192.0.2.1 }, zone: { a.example: timeout, b.example: { cname: c.example } }, expect: accept }]',
    rule('id: a, when: { early_talker: true, not: { early_talker: false } }, tag: x') +
      '\ntests: [{ name: a, client: { ip: 192.0.2.1, early: true }, expect: tag }]',
  ])('both take %s', (text) => {
    expect([reads(text), fits(text)]).toEqual([true, true]);
  });

  test.each([
    'rules: []',
    'otherwise: accept',
    'rules: []\notherwise: allow',
    'rules: []\notherwise: accept\nannounce: data',
    'rules: []\notherwise: accept\nruels: []',
    'rules: []\notherwise: { accept: true, reject: "x" }',
    'rules: []\notherwise: {}',
    rule('tag: x'),
    rule('id: "a b c", tag: x, mode: on'),
    rule('id: a'),
    rule('id: a, when: { iprev: maybe }, tag: x'),
    rule('id: a, when: {}, tag: x'),
    rule('id: a, when: [], tag: x'),
    rule('id: a, when: { reason: [no-ptr, no-such] }, tag: x'),
    rule('id: a, when: { not: { helo_is: fqdm } }, tag: x'),
    rule('id: a, when: { all: [{ ptr: { undr: x.example } }] }, tag: x'),
    rule('id: a, when: { ptr: {} }, tag: x'),
    rule('id: a, when: { port: 70000 }, tag: x'),
    rule('id: a, when: { early_talker: smtp }, tag: x'),
    rule('id: a, except: { when: { iprev: fail } }, tag: x'),
    rule('id: a, percent: 101, tag: x'),
    rule('id: a, tag: "Not a tag"'),
    rule('id: a, accept: false'),
    rule('id: a, defer: x, reject: y'),
    rule('id: a, reject: { code: 550 }'),
    'rules: []\notherwise: accept\ntests: [{ name: a, client: { ip: 192.0.2.1 }, expect: allow }]',
  ])('neither takes %s', (text) => {
    expect([reads(text), fits(text)]).toEqual([false, false]);
  });
});

const remarks = ['$schema', '$defs', 'title', 'description'];

function valid(value: unknown, part: JsonSchema): boolean {
  return Object.entries(part).every(
    ([keyword, given]) => remarks.includes(keyword) || holds(keyword, given, value, part),
  );
}

/** A keyword about maps says nothing about what is no map, and so on. */
function holds(keyword: string, given: unknown, value: unknown, part: JsonSchema): boolean {
  const schemas = given as readonly JsonSchema[];
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = isMap ? Object.entries(value) : [];
  const items = Array.isArray(value) ? value : [];
  const known = (part.properties ?? {}) as Record<string, JsonSchema>;
  switch (keyword) {
    case '$ref':
      expect(given).toBe('#/$defs/condition');
      return valid(value, (schema.$defs as { condition: JsonSchema }).condition);
    case 'type':
      if (given === 'object') return isMap;
      if (given === 'array') return Array.isArray(value);
      return given === 'integer' ? Number.isInteger(value) : typeof value === given;
    case 'anyOf':
      return schemas.some((one) => valid(value, one));
    case 'not':
      return !valid(value, given as JsonSchema);
    case 'enum':
      return (given as readonly unknown[]).includes(value);
    case 'const':
      return value === given;
    case 'properties':
      return entries.every(([key, inner]) => known[key] === undefined || valid(inner, known[key]));
    case 'required':
      return !isMap || (given as readonly string[]).every((key) => key in value);
    case 'additionalProperties':
      return entries.every(([key, inner]) => key in known || (given !== false && valid(inner, given as JsonSchema)));
    case 'propertyNames':
      return entries.every(([key]) => valid(key, given as JsonSchema));
    case 'minProperties':
      return !isMap || entries.length >= Number(given);
    case 'items':
      return items.every((item) => valid(item, given as JsonSchema));
    case 'minItems':
      return !Array.isArray(value) || items.length >= Number(given);
    case 'pattern':
      return typeof value !== 'string' || new RegExp(String(given), 'u').test(value);
    case 'minLength':
      return typeof value !== 'string' || value.length >= Number(given);
    case 'minimum':
      return typeof value !== 'number' || value >= Number(given);
    case 'maximum':
      return typeof value !== 'number' || value <= Number(given);
    default:
      throw new Error(`a keyword that nobody here knows: ${keyword}`);
  }
}
