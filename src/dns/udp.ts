// UDP to one server, over a few sockets that the questions in flight share. A socket for each question would be the safest
// port (RFC 5452 s9.2) and costs several times the question itself; so each question takes one of sixteen random ports at
// random, and a port is given up for a new one after some hundreds of questions. The sockets are connected: the kernel
// drops what comes from any other address, and says at once when nobody is there.

import { createSocket, type Socket } from 'node:dgram';
import { dnsError, type RecordType } from '../core/answer.ts';
import { udpPortsMax, udpQuestionsPerPort } from '../core/limits.ts';
import { randomWords } from './random.ts';
import type { Server } from './resolver.ts';
import { type Decoded, decodeResponse, encodeQuery } from './wire.ts';

export interface Udp {
  /**
   * Asks once. Never rejects: silence is an answer of kind "error", code "timeout". `again` says how else to ask, see
   * wire.ts. `name` is lower case, without final dot.
   */
  ask(name: string, type: RecordType, edns: boolean, timeoutMs: number): Promise<Decoded>;
  close(): void;
}

interface Port {
  readonly socket: Socket;
  /** Questions in flight by their id. */
  readonly waiting: Map<number, Waiting>;
  /** How many more it takes before a new port replaces it. */
  left: number;
  /** Until the socket is connected, what to send then. */
  unsent: Buffer[] | undefined;
}

interface Waiting {
  readonly query: Buffer;
  readonly type: RecordType;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (decoded: Decoded) => void;
}

export function openUdp(server: Server): Udp {
  const ports: (Port | undefined)[] = Array.from({ length: udpPortsMax });
  let closed = false;
  const random = randomWords();

  const settle = (port: Port, id: number, decoded: Decoded): void => {
    const asked = port.waiting.get(id);
    if (asked === undefined) return;
    port.waiting.delete(id);
    clearTimeout(asked.timer);
    asked.resolve(decoded);
    if (port.left === 0 && port.waiting.size === 0) port.socket.close();
  };
  const failAll = (port: Port): void => {
    port.left = 0;
    for (const id of port.waiting.keys()) settle(port, id, { answer: dnsError('network') });
  };
  const openPort = (): Port => {
    const socket = createSocket(server.ip.includes(':') ? 'udp6' : 'udp4');
    const port: Port = { socket, waiting: new Map(), left: udpQuestionsPerPort, unsent: [] };
    socket.on('error', () => failAll(port)); // ICMP: nobody is there
    socket.on('message', (packet) => {
      if (packet.length < 2) return;
      const id = packet.readUInt16BE(0);
      const asked = port.waiting.get(id);
      const decoded = asked && decodeResponse(packet, asked.query, asked.type);
      // What is not for us may be forged: the right one may still come.
      if (decoded !== undefined) settle(port, id, decoded);
    });
    socket.connect(server.port, server.ip, () => {
      for (const query of port.unsent ?? []) send(port, query);
      port.unsent = undefined;
    });
    return port;
  };
  const send = (port: Port, query: Buffer): void => {
    port.socket.send(query, 0, query.length, (error) => {
      if (error) failAll(port);
    });
  };
  const portFor = (slot: number): Port => {
    const known = ports[slot];
    if (known !== undefined && known.left > 0) return known;
    const fresh = openPort();
    ports[slot] = fresh;
    return fresh;
  };

  return {
    ask(name, type, edns, timeoutMs) {
      if (closed) return Promise.resolve({ answer: dnsError('network') });
      const bits = random();
      const port = portFor((bits >>> 16) % udpPortsMax);
      let id = bits & 0xffff;
      while (port.waiting.has(id)) id = random() & 0xffff;
      const query = encodeQuery({ id, caseMask: random(), name, type, edns });
      port.left--;
      return new Promise((resolve) => {
        const timer = setTimeout(() => settle(port, id, { answer: dnsError('timeout') }), timeoutMs);
        port.waiting.set(id, { query, type, timer, resolve });
        if (port.unsent !== undefined) port.unsent.push(query);
        else send(port, query);
      });
    },
    close() {
      closed = true;
      for (const port of ports) {
        if (port === undefined || (port.left === 0 && port.waiting.size === 0)) continue;
        if (port.waiting.size === 0) port.socket.close();
        else failAll(port);
      }
      ports.fill(undefined);
    },
  };
}
