// What the console says to its page and to `iprevd top` and `trace`, as JSON. Types alone. Names of strangers are in it as they
// came: whoever shows them escapes them.

import type { DnsError } from '../core/answer.ts';
import type { DoorKind } from '../core/client.ts';
import type { IprevReason, IprevResult } from '../core/iprev.ts';
import type { Decision, Verdict } from '../core/verdict.ts';

export type VerdictAction = Verdict['action'];
/** What one DNS question came to. */
export type LookupOutcome = 'records' | 'nodata' | 'nxdomain' | DnsError;
/** Where the answers about an address came from. */
export type Gathered = 'hit' | 'stale' | 'miss';

/** One line of `/api/live`. A `beat` comes each second: how many decisions were not told since the last one. */
export type LiveLine =
  | { readonly kind: 'decision'; readonly decision: Decision; readonly ms: number }
  | { readonly kind: 'beat'; readonly skipped: number };

export interface RuleCount {
  readonly rule: string;
  /** It held and acted. */
  readonly enforced: number;
  /** It held and was passed over (`mode: monitor`, or beyond its `percent`). */
  readonly monitored: number;
  /** It had the last word. */
  readonly decided: number;
  /** ISO 8601. Absent: it has not held yet. */
  readonly lastHit?: string;
  /** Absent: not in the policy any more, or no rule of it ("otherwise"). */
  readonly mode?: 'enforce' | 'monitor' | 'off';
}

export interface ClientGroup {
  /** The organisation of the confirmed name, or else the network: "example.org", "192.0.2.0/24". */
  readonly group: string;
  readonly isNetwork: boolean;
  readonly actions: Readonly<Partial<Record<VerdictAction, number>>>;
  readonly sessions: number;
  readonly lastSeen: string;
  readonly lastAddress: string;
}

export interface DoorStatus {
  readonly kind: DoorKind;
  readonly listen: string;
  /** Absent: the system did not say. */
  readonly connections?: number;
  readonly masked?: { readonly masking: string; readonly ip: string };
}

/** `/api/overview`: all counts since the start. */
export interface Overview {
  readonly version: string;
  readonly name: string;
  readonly startedAt: string;
  readonly at: string;
  readonly isReady: boolean;
  readonly sessions: number;
  readonly actions: Readonly<Record<VerdictAction, number>>;
  readonly results: Readonly<Record<IprevResult, number>>;
  readonly reasons: Readonly<Record<IprevReason, number>>;
  readonly rules: readonly RuleCount[];
  /** The busiest. */
  readonly groups: readonly ClientGroup[];
  readonly lookups: Readonly<Record<LookupOutcome, number>>;
  readonly gathered: Readonly<Record<Gathered, number>>;
  readonly outage: boolean;
  readonly addressesKept: number;
  readonly recorded: number;
  readonly doors: readonly DoorStatus[];
  /** Absent: none is kept. */
  readonly journal?: {
    readonly folder: string;
    readonly recorded: number;
    readonly dropped: number;
    /** Why it cannot be written at the moment. */
    readonly problem?: string;
  };
  readonly policy: {
    readonly file: string;
    readonly problems: readonly string[];
    readonly expired: readonly string[];
    /** ISO 8601: since when what is in force is. */
    readonly since: string;
  };
}

/** `/api/history?span=hour|day`: hits of each rule, slot by slot, oldest first. */
export interface History {
  /** When the last slot ends, and how long each is: seconds since 1970, seconds. */
  readonly end: number;
  readonly slot: number;
  readonly rules: readonly {
    readonly rule: string;
    readonly enforced: readonly number[];
    readonly monitored: readonly number[];
  }[];
}

/**
 * `GET /api/evidence`: the recorded sessions as JSON lines of SessionRecord, and this as the last line; without it, it broke off.
 * Those in memory, the oldest first; with `?from=journal` those of the journal, the newest first, `&sessions=` so many at most
 * and `&since=` (ISO 8601) none of an hour that was over by then. What a journal holds is sent as it stands there, right or wrong.
 */
export interface EvidenceEnd {
  readonly kind: 'end';
  /** There were older ones, left out for this bound: so many sessions, or so many octets. Absent: there is no more. */
  readonly cut?: 'sessions' | 'octets';
  /** What could not be read. */
  readonly problems: readonly string[];
}

/**
 * `GET /api/policy`. `lists`: the files that it names, by name; `leftOut`: of those that did not come, why, by name. Who judges
 * with this has to take them for empty, and to say so.
 */
export interface PolicyView {
  readonly file: string;
  readonly text: string;
  /** Of this text; whoever saves says which one he has edited. */
  readonly version: string;
  /** Absent: it may be saved. Otherwise why not. */
  readonly readOnly?: string;
  readonly lists: Readonly<Record<string, string>>;
  readonly leftOut: Readonly<Record<string, string>>;
}

/** `PUT /api/policy`, and what comes back: problems if it was not taken. */
export interface PolicySaving {
  readonly text: string;
  readonly version: string;
}
export interface PolicySaved {
  readonly ok: boolean;
  readonly version?: string;
  readonly problems: readonly string[];
}
