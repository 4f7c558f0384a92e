// The three that are measured, in one shape: open() gives a contender that has nothing in its cache, whose ptr(name) and
// a(name) come to the records of the answer. Nobody could tell: a rejection. The server said there is nothing: no records.

import { Resolver } from 'node:dns/promises';
import { cached } from '../../dist/dns/cache.js';
import { stubResolver } from '../../dist/dns/stub.js';
import { makeFloorClient } from '../floors/dns-client.mjs';

/** All ask the server at `port` of 127.0.0.1. */
export function makeContenders(port) {
  const servers = [{ ip: '127.0.0.1', port }];
  const stub = stubResolver(() => servers, 5_000);
  const floor = makeFloorClient(port);
  return {
    ours: {
      open() {
        const resolver = cached(stub);
        return {
          ptr: (name) => resolver.lookup(name, 'PTR').then(recordsOf),
          a: (name) => resolver.lookup(name, 'A').then(recordsOf),
        };
      },
      close: () => stub.close(),
    },
    node: {
      open() {
        // A new one each time, because Node's resolver has a cache too.
        const resolver = new Resolver();
        resolver.setServers([`127.0.0.1:${port}`]);
        return {
          ptr: (name) => resolver.resolvePtr(name).catch(noRecords),
          a: (name) => resolver.resolve4(name).catch(noRecords),
        };
      },
      close() {},
    },
    floor: { open: () => floor, close: () => floor.close() },
  };
}

function recordsOf(answer) {
  if (answer.kind === 'records') return answer.records;
  if (answer.kind === 'error') throw new Error(answer.code);
  return [];
}

function noRecords(error) {
  if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') return [];
  throw error;
}
