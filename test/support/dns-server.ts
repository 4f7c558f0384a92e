// A DNS server on loopback whose every answer a test writes, as a packet or as octets; UDP and TCP on one port. Encoded
// by dns-packet, so that our own codec is read against somebody else's.

import { createSocket, type RemoteInfo } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { decode, encode, type Packet } from 'dns-packet';
import type { Server } from '../../src/dns/resolver.ts';
import { ipOf } from './evidence.ts';

export interface Asked {
  readonly via: 'udp' | 'tcp';
  readonly id: number;
  readonly name: string;
  readonly type: string;
}

/** Packets to send in this order; none for silence. A plain packet gets the question, its id and the QR bit. */
export type Behaviour = (asked: Asked) => readonly (Packet | Buffer)[];

export interface DnsServer {
  readonly server: Server;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

export const responseFlags = 0x8180; // QR, recursion desired and available

export async function openDnsServer(behave: Behaviour): Promise<DnsServer> {
  const asked: Asked[] = [];
  const answer = (via: 'udp' | 'tcp', octets: Buffer): readonly Buffer[] => {
    const { id = 0, questions = [] } = decode(octets);
    const question = { via, id, name: questions[0]?.name ?? '', type: String(questions[0]?.type) };
    asked.push(question);
    return behave(question).map((packet) =>
      Buffer.isBuffer(packet)
        ? packet
        : encode({ type: 'response', id, questions, ...packet, flags: packet.flags ?? 0x0180 }),
    );
  };
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (octets) => {
      for (const packet of answer('tcp', octets.subarray(2))) {
        socket.write(Buffer.concat([Buffer.from([packet.length >> 8, packet.length & 255]), packet]));
      }
    });
  });
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4');
  udp.on('message', (octets: Buffer, from: RemoteInfo) => {
    for (const packet of answer('udp', octets)) udp.send(packet, from.port, from.address);
  });
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
  return {
    server: { ip: ipOf('127.0.0.1'), port },
    asked,
    close: async () => {
      udp.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => tcp.close(resolve));
    },
  };
}
