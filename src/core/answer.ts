// What one DNS question came to. The six outcomes stay apart from here to the log: "there is no such record" is
// something the world said, "nobody could tell" is not. A failed lookup is a value of this type, never thrown.

/** The questions we ask. */
export type RecordType = 'PTR' | 'A' | 'AAAA';

/**
 * Why nobody could tell. `network`: the packet could not be sent; `malformed`: what came back was no answer; `outage`: not
 * even asked, because the DNS as a whole is in trouble (see breaker.ts).
 */
export const dnsErrors = ['servfail', 'refused', 'timeout', 'network', 'malformed', 'outage'] as const;
export type DnsError = (typeof dnsErrors)[number];

/** An extended error (RFC 8914): the server's own word on why. `text` is printable ASCII and may be ''. */
export interface ExtendedError {
  readonly code: number;
  readonly text: string;
}

/** What a server says beside its answer. Absent: nothing. Recorded, and no reason to judge differently. */
export interface Remarks {
  /** The resolver validated the answer by DNSSEC (the AD bit, RFC 6840 s5.8). As good as the way to the resolver. */
  readonly ad?: true;
  readonly ede?: readonly ExtendedError[];
}

/** `ttl` in seconds: how long this may be believed. For the two negative kinds see RFC 2308 s5; errors have none. */
export type DnsAnswer<T> = Remarks &
  (
    | { readonly kind: 'records'; readonly records: readonly T[]; readonly ttl: number }
    | { readonly kind: 'nodata' | 'nxdomain'; readonly ttl: number }
    | { readonly kind: 'error'; readonly code: DnsError }
  );

/** There, or on its way: what is known is said at once, since a promise costs more than most of what is done with it. */
export type Soon<T> = T | Promise<T>;

export function dnsError(code: DnsError): DnsAnswer<never> {
  return { kind: 'error', code };
}

/** The outcome in the words a DNS operator would use; undefined when there are records to show instead. */
export function outcomeWord(answer: DnsAnswer<unknown>): string | undefined {
  switch (answer.kind) {
    case 'records':
      return undefined;
    case 'nodata':
      return 'no such record';
    case 'nxdomain':
      return 'NXDOMAIN';
    case 'error':
      return {
        servfail: 'SERVFAIL',
        refused: 'REFUSED',
        timeout: 'timeout',
        network: 'unreachable',
        malformed: 'malformed answer',
        outage: 'not asked, DNS outage',
      }[answer.code];
  }
}
