// `iprevd policy schema`: the JSON Schema of policy files, for editors. A policy names it in its first line:
// # yaml-language-server: $schema=./policy.schema.json

import { policyJsonSchema } from '../core/json-schema.ts';
import type { Terminal } from '../terminal.ts';

export function policySchema(terminal: Terminal): void {
  terminal.out(`${JSON.stringify(policyJsonSchema(), null, 2)}\n`);
}
