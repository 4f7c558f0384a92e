// Who is talking to us, as far as the door knows at this moment. What has not been said yet is absent; `stage` tells
// "not said yet" (a condition on it is unknown) from "never said" (the condition is false).

import type { Ip } from './ip.ts';

/** The steps of an SMTP session at which a door may ask, in order. */
export const stages = ['connect', 'helo', 'mail', 'rcpt'] as const;
export type Stage = (typeof stages)[number];

export const doorKinds = ['smtp', 'policy'] as const;
export type DoorKind = (typeof doorKinds)[number];

export interface Client {
  readonly ip: Ip;
  /** 1..65535; absent where the door was not told. */
  readonly port?: number;
  /** The port of ours that it connected to, 1..65535; absent where the door was not told. */
  readonly serverPort?: number;
  /** The HELO or EHLO argument as sent: foreign bytes. */
  readonly helo?: string;
  /** Address without angle brackets; '' is the null sender. Foreign bytes. */
  readonly sender?: string;
  /** The recipient asked about. Foreign bytes. */
  readonly recipient?: string;
  readonly stage: Stage;
  /** True after SMTP AUTH; such a client is a user, not a peer mail server. */
  readonly authenticated: boolean;
  /** What another program says about the client. Kept for comparison, never believed. */
  readonly hearsay?: { readonly clientName?: string; readonly reverseClientName?: string };
}

const rank: Readonly<Record<Stage, number>> = { connect: 0, helo: 1, mail: 2, rcpt: 3 };

export function reached(client: Client, stage: Stage): boolean {
  return rank[client.stage] >= rank[stage];
}
