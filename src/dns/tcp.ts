// One question over TCP (RFC 7766), on a connection of its own: for answers that are too large for a packet, and for
// questions that UDP brought back in another letter case. Rare, so nothing is kept open.

import { connect } from 'node:net';
import { type DnsAnswer, dnsError, type RecordType } from '../core/answer.ts';
import { randomWords } from './random.ts';
import type { Server } from './resolver.ts';
import { decodeResponse, encodeQuery } from './wire.ts';

const random = randomWords();

/** Never rejects. */
export function askTcp(
  server: Server,
  name: string,
  type: RecordType,
  edns: boolean,
  timeoutMs: number,
): Promise<DnsAnswer<string>> {
  // The connection is secret enough: no mixed case, which is what some servers cannot give back.
  const query = encodeQuery({ id: random() & 0xffff, caseMask: 0, name, type, edns });
  return new Promise((resolve) => {
    const socket = connect({ host: server.ip, port: server.port, noDelay: true });
    const timer = setTimeout(() => finish(dnsError('timeout')), timeoutMs);
    const pieces: Buffer[] = [];
    let received = 0;
    let expected = Number.POSITIVE_INFINITY;
    const finish = (answer: DnsAnswer<string>) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.on('error', () => finish(dnsError('network')));
    socket.on('close', () => finish(dnsError('malformed')));
    socket.on('connect', () =>
      socket.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 255]), query])),
    );
    socket.on('data', (piece) => {
      pieces.push(piece);
      received += piece.length;
      if (expected === Number.POSITIVE_INFINITY && received >= 2) expected = 2 + Buffer.concat(pieces).readUInt16BE(0);
      // RFC 1035 s4.2.2: two octets of length, then the message; 65,535 octets at most, so this is bounded.
      if (received < expected) return;
      const decoded = decodeResponse(Buffer.concat(pieces).subarray(2, expected), query, type);
      finish(decoded?.answer ?? dnsError('malformed'));
    });
  });
}
