// How long the worst packets that we can think of hold up the event loop: 64 KB over TCP each, read by the codec as a resolver
// reads them. The slowest of many runs of each, in milliseconds, after a warm-up; the goal is less than 10. Wants the build in
// dist. It is no test: 0 when it ran to its end.
//
//     node bench/worst.mjs [--json]

import { parseArgs } from 'node:util';
import { decodeResponse, encodeQuery } from '../dist/dns/wire.js';
import { machine } from './support/machine.mjs';

const goalMs = 10;
const runs = 30;
const largest = 65_535;
const asked = { id: 1, caseMask: 0, name: '7.2.0.192.in-addr.arpa', type: 'PTR', edns: false };
const query = encodeQuery(asked);
const toQuestion = Buffer.from([0xc0, 12]);

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });

const oddLabel = Buffer.concat([Buffer.from([63]), Buffer.alloc(63, 0x80)]);
const oddName = Buffer.concat([
  oddLabel,
  oddLabel,
  oddLabel,
  Buffer.from([60]),
  Buffer.alloc(60, 0x80),
  Buffer.from([0]),
]);
const packets = {
  'PTR records, as many as fit': filled((i) => record(toQuestion, 12, name(`n${i}`))),
  'PTR records into one long odd name': filled((i) =>
    i === 0 ? record(toQuestion, 12, oddName) : record(toQuestion, 12, pointer(query.length + 12)),
  ),
  'owners that point into a long odd name': filled((i) =>
    i === 0
      ? record(toQuestion, 16, oddName)
      : record(Buffer.concat([Buffer.from([1, i & 255]), pointer(query.length + 12)]), 12, name('x')),
  ),
  'owners of 255 octets, none of them ours': filled(() => record(oddName, 12, name('x'))),
  'a chain of aliases, each owner a name of its own': filled((i) =>
    record(i === 0 ? toQuestion : name(`a${i}`), 5, name(`a${i + 1}`)),
  ),
  'aliases of our own name only': filled((i) => record(toQuestion, 5, name(`a${i}`))),
  'pointers to pointers': chained(),
  'a count of 65,535 and nothing behind it': counted(
    Buffer.concat([head(0), Buffer.alloc(largest - query.length)]),
    65_535,
  ),
  'EDE options without end': withOptions(),
  'random octets behind the question': counted(Buffer.concat([head(0), noise(largest - query.length)]), 5_000),
};

const rows = Object.entries(packets).map(([what, packet]) => {
  const times = [];
  for (let run = -3; run < runs; run++) {
    const begun = performance.now();
    decodeResponse(packet, query, 'PTR');
    if (run >= 0) times.push(performance.now() - begun);
  }
  return { what, octets: packet.length, worstMs: Math.max(...times) };
});
const ok = rows.every(({ worstMs }) => worstMs < goalMs);

process.stdout.write(
  values.json
    ? `${JSON.stringify({ machine: machine(), goalMs, rows, ok }, undefined, 2)}\n`
    : `${machine()}
The slowest of ${runs} readings of each packet, in milliseconds (goal: less than ${goalMs})

${rows.map(({ what, octets, worstMs }) => `${worstMs.toFixed(2).padStart(6)}  ${what}, ${octets} octets`).join('\n')}
`,
);

function head(answers) {
  const octets = Buffer.from(query);
  octets.writeUInt16BE(0x8180, 2);
  octets.writeUInt16BE(answers, 6);
  return octets;
}

function counted(packet, answers) {
  packet.writeUInt16BE(answers, 6);
  return packet;
}

function record(owner, type, data) {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(60, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

/** One label. */
function name(label) {
  return Buffer.concat([Buffer.from([label.length]), Buffer.from(label), Buffer.from([0])]);
}

function pointer(to) {
  return Buffer.from([0xc0 | (to >> 8), to & 255]);
}

/** As many records as fit into the largest packet. */
function filled(make) {
  const records = [];
  let left = largest - query.length;
  for (let i = 0; ; i++) {
    const next = make(i);
    left -= next.length;
    if (left < 0) return Buffer.concat([head(records.length), ...records]);
    records.push(next);
  }
}

/** Each record's data points to the data of the one before. */
function chained() {
  let at = query.length + 12;
  return filled((i) => {
    const made = record(toQuestion, 12, i === 0 ? name('x') : pointer(Math.min(at, 0x3fff)));
    if (i > 0 && at + made.length < 0x3fff) at += made.length;
    return made;
  });
}

function withOptions() {
  const option = Buffer.from([0, 15, 0, 3, 0, 1, 0x41]);
  const options = Buffer.concat(Array.from({ length: Math.floor(65_000 / option.length) }, () => option));
  const opt = record(Buffer.from([0]), 41, options);
  const packet = Buffer.concat([head(0), opt]);
  packet.writeUInt16BE(1, 10);
  return packet;
}

/** The same octets each time. */
function noise(length) {
  const octets = Buffer.alloc(length);
  let state = 8601;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    octets[i] = state >>> 16;
  }
  return octets;
}
