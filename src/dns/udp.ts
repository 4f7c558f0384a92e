// UDP to one server, over a few sockets that the questions in flight share. A socket for each question would be the safest
// port (RFC 5452 s9.2) and costs several times the question itself; so each question takes one of four random ports at
// random, and a port is given up for a new one after some hundreds of questions. The sockets are connected: the kernel
// drops what comes from any other address, and says at once when nobody is there.

import { createSocket, type Socket } from 'node:dgram';
import { dnsError, type RecordType } from '../core/answer.ts';
import { udpBufferOctets, udpPortsMax, udpQuestionsPerPort } from '../core/limits.ts';
import { randomWords } from './random.ts';
import type { Server } from './resolver.ts';
import { type Decoded, decodeResponse, encodeQuery } from './wire.ts';

export interface Udp {
  /**
   * Asks once and calls `done` once: silence is an answer of kind "error", code "timeout". `again` says how else to ask,
   * see wire.ts. `name` is lower case, without final dot; `deadline` on the clock of performance.now(). A callback, because
   * this is the hottest place of the program.
   */
  ask(name: string, type: RecordType, edns: boolean, deadline: number, done: (decoded: Decoded) => void): void;
  /** Gives up its ports as soon as what is in flight is answered: this server is not asked any more. */
  retire(): void;
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
  closed: boolean;
}

interface Waiting {
  readonly query: Buffer;
  readonly type: RecordType;
  readonly deadline: number;
  readonly done: (decoded: Decoded) => void;
}

/** How late a timeout may be told. */
const sweepMs = 25;

export function openUdp(server: Server): Udp {
  /** The ports that take questions; `open` has those too that only wait for their last answers. */
  const ports: (Port | undefined)[] = Array.from({ length: udpPortsMax });
  const open = new Set<Port>();
  let closed = false;
  /** Questions of this turn of the event loop: sent together at its end, so that the server is woken once for all. */
  let outbox: { readonly port: Port; readonly query: Buffer }[] = [];
  const flush = (): void => {
    const batch = outbox;
    outbox = [];
    for (const { port, query } of batch) {
      if (port.unsent !== undefined) port.unsent.push(query);
      else if (port.waiting.size > 0) port.socket.send(query);
    }
  };
  const random = randomWords();

  let inFlight = 0;
  /** One clock for all questions, while there are any: a timer for each would cost a tenth of the question. */
  let sweeper: NodeJS.Timeout | undefined;
  const sweep = (): void => {
    const now = performance.now();
    for (const port of open) {
      for (const [id, { deadline }] of port.waiting)
        if (deadline <= now) settle(port, id, { answer: dnsError('timeout') });
    }
    if (inFlight > 0) return;
    clearInterval(sweeper);
    sweeper = undefined;
  };

  const settle = (port: Port, id: number, decoded: Decoded): void => {
    const asked = port.waiting.get(id);
    if (asked === undefined) return;
    port.waiting.delete(id);
    inFlight--;
    asked.done(decoded);
    closeIfDone(port);
  };
  const closeIfDone = (port: Port): void => {
    if (port.left > 0 || port.waiting.size > 0 || port.closed) return;
    port.closed = true;
    open.delete(port);
    port.socket.close();
  };
  /** Takes no more questions, and answers those it has. */
  const giveUp = (port: Port): void => {
    port.left = 0;
    for (const id of port.waiting.keys()) settle(port, id, { answer: dnsError('network') });
    closeIfDone(port);
  };
  const openPort = (): Port => {
    const socket = createSocket({ type: server.ip.includes(':') ? 'udp6' : 'udp4', recvBufferSize: udpBufferOctets });
    const port: Port = { socket, waiting: new Map(), left: udpQuestionsPerPort, unsent: [], closed: false };
    open.add(port);
    // No way there, or ICMP says that nobody is; Linux tells it on reading, so no send needs a callback of its own.
    socket.on('error', () => giveUp(port));
    socket.on('message', (packet) => {
      if (packet.length < 2) return;
      const id = packet.readUInt16BE(0);
      const asked = port.waiting.get(id);
      const decoded = asked && decodeResponse(packet, asked.query, asked.type);
      // What is not for us may be forged: the right one may still come.
      if (decoded !== undefined) settle(port, id, decoded);
    });
    socket.once('connect', () => {
      for (const query of port.unsent ?? []) socket.send(query);
      port.unsent = undefined;
    });
    // Without a callback here: one would be called with the error too, instead of the event above.
    socket.connect(server.port, server.ip);
    return port;
  };
  const portFor = (slot: number): Port => {
    const known = ports[slot];
    if (known !== undefined && known.left > 0) return known;
    const fresh = openPort();
    ports[slot] = fresh;
    return fresh;
  };

  return {
    ask(name, type, edns, deadline, done) {
      if (closed) {
        // Not at once: each answer makes room for the next in line, and the line may be long.
        setImmediate(done, { answer: dnsError('network') });
        return;
      }
      const bits = random();
      const port = portFor((bits >>> 16) % udpPortsMax);
      let id = bits & 0xffff;
      while (port.waiting.has(id)) id = random() & 0xffff;
      const query = encodeQuery({ id, caseMask: random(), name, type, edns });
      port.left--;
      port.waiting.set(id, { query, type, deadline, done });
      if (inFlight++ === 0) sweeper ??= setInterval(sweep, sweepMs);
      if (outbox.length === 0) setImmediate(flush);
      outbox.push({ port, query });
    },
    retire() {
      for (const port of open) {
        port.left = 0;
        closeIfDone(port);
      }
    },
    close() {
      closed = true;
      for (const port of open) giveUp(port);
      sweep();
      ports.fill(undefined);
    },
  };
}
