// The one interface behind which the DNS lies: a question in, an answer out. The network (stub.ts), a zone in a file
// (zone.ts) and the cache in front of either (cache.ts) all have this shape, and so have the fakes of the tests.

import type { DnsAnswer, RecordType, Soon } from '../core/answer.ts';
import type { Ip } from '../core/ip.ts';

export interface Resolver {
  /**
   * `name` without final dot, in any case. Records come in the order of the answer: for PTR names in presentation form
   * (see ClaimedName), for A and AAAA canonical addresses. Never rejects: trouble is an answer of kind "error".
   */
  lookup(name: string, type: RecordType): Soon<DnsAnswer<string>>;
}

/** A DNS server that is asked for recursion. */
export interface Server {
  readonly ip: Ip;
  readonly port: number;
}
