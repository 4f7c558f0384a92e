// Who is talking to us, as far as the door knows at this moment. What has not been said yet is absent; `stage` tells
// "not said yet" (a condition on it is unknown) from "never said" (the condition is false).

import type { Ip } from './ip.ts';

/** The steps of an SMTP session at which a door may ask, in order. */
export const stages = ['connect', 'helo', 'mail', 'rcpt'] as const;
export type Stage = (typeof stages)[number];

export const doorKinds = ['smtp', 'policy', 'milter'] as const;
export type DoorKind = (typeof doorKinds)[number];

export interface Client {
  readonly ip: Ip;
  /** 1..65535; absent where the door was not told. */
  readonly port?: number;
  /** The address of ours that it connected to; absent where the door was not told. */
  readonly serverIp?: Ip;
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
  /** It spoke before it was greeted, which no mail server does (RFC 5321 s3.1). Known where the door holds its greeting back. */
  readonly early?: true;
  /** Absent: no TLS, or the door was not told. */
  readonly tls?: Tls;
  /** What another program says about the client. Kept for comparison, never believed. */
  readonly hearsay?: { readonly clientName?: string; readonly reverseClientName?: string };
}

export interface Tls {
  /** As OpenSSL calls it: "TLSv1.3". */
  readonly protocol: string;
  /** Absent: the client showed none. */
  readonly certificate?: {
    /** A chain that we trust leads to it, and its time is not over. Otherwise anybody may have written it. */
    readonly verified: boolean;
    /** Its DNS names and common name, as they stand there: foreign bytes. */
    readonly names: readonly string[];
  };
}

/** Where users hand in their mail (RFC 6409 s3.1, RFC 8314 s3.3). A mail server has no business there. */
export const submissionPorts: readonly number[] = [587, 465];

const rank: Readonly<Record<Stage, number>> = { connect: 0, helo: 1, mail: 2, rcpt: 3 };

export function reached(client: Client, stage: Stage): boolean {
  return rank[client.stage] >= rank[stage];
}
