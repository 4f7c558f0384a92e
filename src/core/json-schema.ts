// The form of a policy file as a JSON Schema (draft 2020-12), for completion and checks in an editor: made from the schema that
// reads the file, with a sentence for each key. What only the reader can tell (whether a pattern is one, whether two ids are the
// same) it lets pass; what it refuses, the reader refuses too. Pure.

import { z } from 'zod';
import { type KeyWords, policyWords } from './policy-words.ts';
import { policySchema } from './schema.ts';
import { actionShape, deciding } from './schema-action.ts';

/** A JSON Schema, or a part of one. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

export function policyJsonSchema(): JsonSchema {
  const schema = policySchema((path, kind) => ({ path, kind, has: () => false }));
  const { $schema, $defs, ...file } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12', override });
  return {
    $schema,
    title: 'iprevd policy',
    description: 'Decides which mail clients are let in, by their reverse DNS.',
    ...described(file, ''),
    $defs: { condition: described(conditionOf($defs ?? {}), 'condition') },
  };
}

/** A JSON Schema has no "letters in any case", so such a pattern would refuse what the reader takes. */
function override({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodType; jsonSchema: z.core.JSONSchema.BaseSchema }) {
  const patterns = (zodSchema._zod.def.checks ?? []).map(({ _zod: { def } }) => (def as { pattern?: RegExp }).pattern);
  if (patterns.some((pattern) => pattern?.ignoreCase)) delete jsonSchema.pattern;
}

/** The one schema that stands in itself. Its name is made up by the library. */
function conditionOf(definitions: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const [condition, ...others] = Object.values(definitions);
  if (condition === undefined || others.length > 0) throw new Error('only conditions hold conditions');
  return condition;
}

/** With a sentence for each key. `owner`: the key under which this stands, see policy-words.ts. */
function described(schema: JsonSchema, owner: string): JsonSchema {
  const words: KeyWords = policyWords[owner as keyof typeof policyWords] ?? {};
  const parts = Object.entries(schema).map(([keyword, value]): readonly [string, unknown] => {
    switch (keyword) {
      case '$ref':
        return [keyword, '#/$defs/condition'];
      case 'anyOf':
        return [keyword, (value as readonly JsonSchema[]).map((part) => described(part, owner))];
      case 'items':
        return [keyword, described(value as JsonSchema, owner)];
      case 'additionalProperties':
        return [keyword, typeof value === 'object' ? described(value as JsonSchema, owner) : value];
      case 'properties':
        return [keyword, keysOf(value as Readonly<Record<string, JsonSchema>>, words)];
      default:
        return [keyword, value];
    }
  });
  return { ...Object.fromEntries(parts), ...('properties' in schema ? wholeMap(owner) : {}) };
}

function keysOf(properties: Readonly<Record<string, JsonSchema>>, words: KeyWords): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(properties).map(([key, schema]) => {
      const description = words[key];
      if (description === undefined) throw new Error(`no words for the key ${key}`);
      return [key, { description, ...described(schema, key) }];
    }),
  );
}

/** What the reader checks of a map as a whole. */
function wholeMap(owner: string): JsonSchema {
  if (neverEmpty.has(owner)) return { minProperties: 1 };
  if (owner !== 'rules' && owner !== 'otherwise') return {};
  const pairs = deciding.flatMap((one, i) => deciding.slice(i + 1).map((other) => ({ required: [one, other] })));
  return { anyOf: Object.keys(actionShape).map((action) => ({ required: [action] })), not: { anyOf: pairs } };
}

const neverEmpty: ReadonlySet<string> = new Set([
  'condition',
  'ptr',
  'verified_name',
  'helo',
  'sender',
  'recipient',
  'names',
  'time',
  'expect',
]);
