// A name for every reading of naming.ts that a rule can tell apart, to put in the place of names that nobody knows: for lint, which
// walks every case, and for diff. They say nothing of the client's address, so that each reads the same for every client.

import type { Naming } from '../naming.ts';

export interface ExampleName {
  readonly reading: Pick<Naming, 'label' | 'kind' | 'tier'>;
  /** The labels in front of any domain that says nothing itself ("n0.invalid"). */
  readonly host: string;
}

/** The usual one first. */
export const exampleNames: readonly ExampleName[] = [
  { reading: { label: 'custom', tier: 'none' }, host: 'mail' },
  { reading: { label: 'generic', kind: 'access', tier: 'certain' }, host: 'x.dynamic.adsl' },
  { reading: { label: 'generic', kind: 'access', tier: 'likely' }, host: 'x.adsl.cust' },
  { reading: { label: 'generic', kind: 'static', tier: 'certain' }, host: 'x.static.business.adsl' },
  { reading: { label: 'generic', kind: 'static', tier: 'likely' }, host: 'x.static.adsl' },
  { reading: { label: 'generic', kind: 'hosting', tier: 'certain' }, host: 'vm12345.vps' },
  { reading: { label: 'generic', kind: 'hosting', tier: 'likely' }, host: 's12345' },
  { reading: { label: 'generic', kind: 'placeholder', tier: 'certain' }, host: 'unassigned' },
  { reading: { label: 'generic', kind: 'placeholder', tier: 'likely' }, host: 'x.unassigned' },
  { reading: { label: 'infrastructure', tier: 'none' }, host: 'core' },
  { reading: { label: 'unknown', tier: 'none' }, host: 'x.adsl' },
];
