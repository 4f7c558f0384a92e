// Small things that every view shows: an action as a coloured word, a time, a number, foreign text. Foreign text is escaped as it is
// in the log and set as text, never as markup.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { printable, printableName } from '../../core/name.ts';
import type { Decision } from '../../core/verdict.ts';
import type { VerdictAction } from '../wire.ts';

export function Action({ is }: { readonly is: string }) {
  return <span class={`action ${is}`}>{is.replace('_', ' ')}</span>;
}

export function Foreign({ text, isName }: { readonly text: string; readonly isName?: boolean }) {
  const shown = isName ? printableName(text) : printable(text);
  return <span class="foreign">{shown === '' ? '·' : shown}</span>;
}

/** A link to another view, about something: see app.tsx. */
export function To({ view, about, children }: ToParts) {
  return <a href={`#/${view}/${encodeURIComponent(about)}`}>{children}</a>;
}

interface ToParts {
  readonly view: 'live' | 'explain';
  readonly about: string;
  readonly children: ComponentChildren;
}

export function Time({ at }: { readonly at: string | undefined }) {
  if (at === undefined || at === '') return <span class="dim">never</span>;
  return (
    <time dateTime={at} title={at}>
      {localTime(at)}
    </time>
  );
}

/** By the clock of who reads it; with its day unless that is today. */
export function localTime(at: string): string {
  const date = new Date(at);
  const clock = date.toLocaleTimeString('en-GB');
  if (date.toDateString() === new Date().toDateString()) return clock;
  // Sweden writes as ISO 8601 does.
  return `${date.toLocaleDateString('sv-SE')} ${clock}`;
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export const shownActions = ['accept', 'tag', 'defer', 'reject', 'pending'] as const satisfies readonly VerdictAction[];

/** The name that a client goes by: the confirmed one, or what it claims. */
export function nameOf({ evidence: { ptr }, findings: { iprev } }: Decision): string | undefined {
  if (iprev.result === 'pass') return iprev.name;
  return ptr.kind === 'records' ? ptr.records[0] : undefined;
}

/** How a sum divides among actions, as one bar. */
export function Shares({ counts }: { readonly counts: Readonly<Partial<Record<string, number>>> }) {
  const all = Object.values(counts).reduce<number>((sum, part) => sum + (part ?? 0), 0);
  return (
    <span class="shares" aria-hidden="true">
      {shownActions.map((action) => (
        <span key={action} class={action} style={{ width: `${(100 * (counts[action] ?? 0)) / Math.max(1, all)}%` }} />
      ))}
    </span>
  );
}

export interface MoreParts<T> {
  readonly of: readonly T[];
  /** So many are shown at first. */
  readonly first: number;
  /** "organisations" */
  readonly what: string;
  readonly children: (one: T) => ComponentChildren;
}

/** As many as anybody reads; a thousand are a place to search. */
const shownMax = 1_000;

/** A list that may be long: its beginning, and the rest for who wants it. */
export function More<T>({ of, first, what, children }: MoreParts<T>) {
  const [isOpen, setOpen] = useState(false);
  const shown = of.slice(0, isOpen ? shownMax : first);
  const more = of.length - shown.length;
  return (
    <>
      <ul>{shown.map(children)}</ul>
      {more > 0 && !isOpen && (
        <button type="button" class="link more" onClick={() => setOpen(true)}>
          {count(more)} more {what}
        </button>
      )}
      {more > 0 && isOpen && (
        <p class="dim">
          and {count(more)} more {what}
        </p>
      )}
    </>
  );
}

/** A table that may be wider than the screen: it can be scrolled by keyboard too. */
export function Scrolled({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must have the focus to be scrolled by keyboard
    <section class="scroll" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
