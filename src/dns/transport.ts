// Packets to one DNS server and back: UDP from a fresh random port for each question (RFC 5452 s9.2), TCP when the answer
// was cut (RFC 7766 s5). The socket is connected, so the kernel drops what comes from any other address, and an
// unreachable server is known at once instead of at the deadline.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { type DnsAnswer, dnsError, type RecordType } from '../core/answer.ts';
import type { Ip } from '../core/ip.ts';
import { decodeResponse, encodeQuery, type Question } from './wire.ts';

export interface Server {
  readonly ip: Ip;
  readonly port: number;
}

/** Never rejects. `timeoutMs` covers UDP and the TCP that may follow. */
export async function askServer(
  server: Server,
  name: string,
  type: RecordType,
  timeoutMs: number,
): Promise<DnsAnswer<string>> {
  const started = performance.now();
  const question: Question = { id: randomInt(0x10000), name, type };
  const answer = await askUdp(server, question, timeoutMs);
  if (answer !== 'truncated') return answer;
  return askTcp(server, question, Math.max(1, timeoutMs - (performance.now() - started)));
}

function askUdp(server: Server, question: Question, timeoutMs: number): Promise<DnsAnswer<string> | 'truncated'> {
  return new Promise((resolve) => {
    const socket = createSocket(server.ip.includes(':') ? 'udp6' : 'udp4');
    const timer = setTimeout(() => finish(dnsError('timeout')), timeoutMs);
    const finish = (answer: DnsAnswer<string> | 'truncated') => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {}); // a late ICMP message about a socket that nobody waits for
      socket.close();
      resolve(answer);
    };
    socket.on('error', () => finish(dnsError('network')));
    socket.on('message', (packet) => {
      const decoded = decodeResponse(packet, question);
      if (decoded === undefined) return; // not for us, or forged: the right one may still come
      finish(decoded.truncated ? 'truncated' : decoded.answer);
    });
    socket.connect(server.port, server.ip, () => {
      socket.send(encodeQuery(question), (error) => {
        if (error) finish(dnsError('network'));
      });
    });
  });
}

function askTcp(server: Server, question: Question, timeoutMs: number): Promise<DnsAnswer<string>> {
  return new Promise((resolve) => {
    const socket = connect({ host: server.ip, port: server.port, noDelay: true });
    const timer = setTimeout(() => finish(dnsError('timeout')), timeoutMs);
    let received = Buffer.alloc(0);
    const finish = (answer: DnsAnswer<string>) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.on('error', () => finish(dnsError('network')));
    socket.on('close', () => finish(dnsError('malformed')));
    socket.on('connect', () => {
      const packet = encodeQuery(question);
      socket.write(Buffer.concat([Buffer.from([packet.length >> 8, packet.length & 255]), packet]));
    });
    socket.on('data', (chunk) => {
      // RFC 1035 s4.2.2: two octets of length, then the message; 65,535 octets at most, so this is bounded.
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const decoded = decodeResponse(received.subarray(2, 2 + received.readUInt16BE(0)), question);
      finish(decoded === undefined || decoded.truncated ? dnsError('malformed') : decoded.answer);
    });
  });
}
