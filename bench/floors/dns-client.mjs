// The floor: about the least that a DNS client on Node can do for a question. One UDP socket, ids counted up in a Map, the
// first packet with that id is the answer. No retries, no timer for each question, no defence against forgery, no EDNS: it
// is here to be measured against and must never ask a server that is not ours. A question whose answer does not come is
// rejected by a sweep, 2 to 3 seconds later.

import { createSocket } from 'node:dgram';

const typeA = 1;
const typePtr = 12;
const headerOctets = 12;
const sweepMs = 1_000;
const receiveOctets = 4 * 1024 * 1024;

/** `port` of 127.0.0.1. Names without final dot. At most 65536 questions in flight. */
export function makeFloorClient(port) {
  // One socket takes what comes back for all: the usual buffer of 208 KB is full after some 300 answers.
  const socket = createSocket({ type: 'udp4', recvBufferSize: receiveOctets });
  const connected = new Promise((resolve) => socket.connect(port, '127.0.0.1', resolve));
  const waiting = new Map();
  let lastId = 0;
  let sweeps = 0;

  socket.on('message', (packet) => {
    const id = packet.readUInt16BE(0);
    const asked = waiting.get(id);
    if (asked === undefined) return;
    waiting.delete(id);
    asked.resolve(readRecords(packet, asked.questionEnd, asked.type));
  });
  socket.on('error', () => {}); // nobody is there: the sweep tells
  const sweep = setInterval(() => {
    sweeps++;
    for (const [id, { since, reject }] of waiting) {
      if (sweeps - since < 3) continue;
      waiting.delete(id);
      reject(new Error('no answer'));
    }
  }, sweepMs);

  const ask = async (name, type) => {
    await connected;
    do lastId = (lastId + 1) & 0xffff;
    while (waiting.has(lastId));
    const query = encodeQuery(lastId, name, type);
    return new Promise((resolve, reject) => {
      waiting.set(lastId, { type, questionEnd: query.length, since: sweeps, resolve, reject });
      socket.send(query);
    });
  };
  return {
    ptr: (name) => ask(name, typePtr),
    a: (name) => ask(name, typeA),
    close() {
      clearInterval(sweep);
      socket.close();
    },
  };
}

function encodeQuery(id, name, type) {
  const packet = Buffer.allocUnsafe(headerOctets + name.length + 6);
  packet.writeUInt16BE(id, 0);
  packet.writeUInt16BE(0x0100, 2); // recursion desired
  packet.writeUInt32BE(0x00010000, 4);
  packet.writeUInt32BE(0, 8);
  let lengthAt = headerOctets;
  let at = headerOctets + 1;
  for (let i = 0; i < name.length; i++, at++) {
    const octet = name.charCodeAt(i);
    packet[at] = octet;
    if (octet !== 0x2e) continue;
    packet[lengthAt] = at - lengthAt - 1;
    lengthAt = at;
  }
  packet[lengthAt] = at - lengthAt - 1;
  packet[at] = 0;
  packet.writeUInt16BE(type, at + 1);
  packet.writeUInt16BE(1, at + 3);
  return packet;
}

function readRecords(packet, questionEnd, type) {
  const records = [];
  let at = questionEnd;
  for (let left = packet.readUInt16BE(6); left > 0; left--) {
    at = endOfName(packet, at);
    const data = at + 10;
    if (packet.readUInt16BE(at) === type) {
      records.push(
        type === typeA
          ? `${packet[data]}.${packet[data + 1]}.${packet[data + 2]}.${packet[data + 3]}`
          : readName(packet, data),
      );
    }
    at = data + packet.readUInt16BE(at + 8);
  }
  return records;
}

function endOfName(packet, start) {
  let at = start;
  while (packet[at] > 0 && packet[at] < 0xc0) at += packet[at] + 1;
  return packet[at] === 0 ? at + 1 : at + 2;
}

function readName(packet, start) {
  let name = '';
  let at = start;
  while (packet[at] > 0) {
    if (packet[at] >= 0xc0) {
      at = packet.readUInt16BE(at) & 0x3fff;
      continue;
    }
    const end = at + 1 + packet[at];
    const label = packet.latin1Slice(at + 1, end);
    name = name === '' ? label : `${name}.${label}`;
    at = end;
  }
  return name;
}
