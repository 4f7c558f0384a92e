// What is wrong with something that a person wrote: where, what, and the nearest word that would have been right.
// Problems are collected and shown together, never thrown.

import leven from 'leven';
import { printable } from './name.ts';

export interface Problem {
  /** "policies/standard.yaml:12:7", or the name of a file, an option or an argument. */
  readonly where: string;
  readonly what: string;
  /** What to do about it; absent when nothing useful can be said. */
  readonly hint?: string;
}

/** A value, or everything that is wrong with it. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function printProblem({ where, what, hint }: Problem): string {
  return `${where}: ${what}${hint === undefined ? '' : ` (${hint})`}`;
}

/** "did you mean …" for the nearest valid word, or the whole list if none is near. */
export function nearest(word: string, valid: readonly string[]): string {
  const ranked = valid.map((candidate) => ({
    candidate,
    distance: leven(word.toLowerCase(), candidate.toLowerCase()),
  }));
  const best = ranked.sort((a, b) => a.distance - b.distance)[0];
  const near = best !== undefined && best.distance <= Math.max(2, Math.floor(word.length / 3));
  return near ? `did you mean "${best.candidate}"?` : `known here: ${valid.join(', ')}`;
}

/** Quotes what somebody wrote, shortened and escaped. */
export function quote(value: unknown): string {
  return `"${printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)), 60)}"`;
}
