// What is being written in Try, kept while other views are looked at, in this tab alone. Gone with the page.

import type { PolicyView } from '../wire.ts';
import type { RangeName } from './range.tsx';

export interface Draft {
  readonly policy?: PolicyView;
  readonly text?: string;
  readonly range?: RangeName;
}

let kept: Draft = {};

export function draft(): Draft {
  return kept;
}

export function keepDraft(changed: Draft): void {
  kept = { ...kept, ...changed };
}
