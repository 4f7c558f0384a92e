import { expect, test } from '@jest/globals';
import { policySchema } from '../../../src/commands/policy-schema.ts';
import { policyJsonSchema } from '../../../src/core/json-schema.ts';

test('prints the schema as JSON', () => {
  let printed = '';
  policySchema({ out: (text) => void (printed += text), err: () => undefined, colour: true });
  expect(JSON.parse(printed)).toEqual(policyJsonSchema());
  expect(printed.endsWith('}\n')).toBe(true);
});
