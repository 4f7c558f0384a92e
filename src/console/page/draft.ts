// What is being written in Try, kept while other views are looked at, and what another view wants written there. In this tab alone,
// and gone with the page.

import type { PolicyView } from '../wire.ts';
import type { ProposedException } from './judge.ts';
import type { RangeName } from './range.tsx';

export interface Draft {
  readonly policy?: PolicyView;
  readonly text?: string;
  readonly range?: RangeName;
  /** To be put into the text when Try is opened. */
  readonly exception?: ProposedException | undefined;
}

let kept: Draft = {};

export function draft(): Draft {
  return kept;
}

export function keepDraft(changed: Draft): void {
  kept = { ...kept, ...changed };
}
