// A DNS server in a process of its own that answers each question after so many milliseconds: PTR of a.b.c.d.in-addr.arpa is
// host-d-c-b-a.mail.example, A of that name is the address, A of any other name is 192.0.2.1. Run as a program it is the
// server; startSlowDns() runs it. The child ends with close() or when its parent does.

import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { decode, encode } from 'dns-packet';

const self = fileURLToPath(import.meta.url);

export async function startSlowDns(delayMs) {
  const child = spawn(process.execPath, [self, `${delayMs}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  return { port: Number(line), close: () => child.stdin.end() };
}

if (process.argv[1] === self) {
  const delayMs = Number(process.argv[2]);
  const socket = createSocket('udp4');
  socket.on('message', (packet, { port, address }) => {
    setTimeout(() => socket.send(answer(packet), port, address), delayMs);
  });
  socket.bind(0, '127.0.0.1', () => process.stdout.write(`${socket.address().port}\n`));
  process.stdin.resume().on('end', () => process.exit(0)); // the parent has gone
}

function answer(packet) {
  const { id, questions } = decode(packet);
  const [{ name, type }] = questions;
  const reverse = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/i.exec(name)?.slice(1);
  const host = /^host-(\d+)-(\d+)-(\d+)-(\d+)\./i.exec(name)?.slice(1);
  const data = reverse ? `host-${reverse.toReversed().join('-')}.mail.example` : (host?.join('.') ?? '192.0.2.1');
  const answers = reverse || type === 'A' ? [{ name, type, ttl: 3_600, data }] : [];
  return encode({ type: 'response', id, flags: 0x0180, questions, answers });
}
