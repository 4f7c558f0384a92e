// How fast recorded sessions are judged again under a policy of fifty rules, reading and unpacking included, and the most memory
// it takes: `iprevd backtest` on a journal that is made up in a temporary folder. `busy`: clients that come again, the busiest
// most often, as a mail server sees them; `distinct`: no client comes twice, so that nothing is saved by having seen one. Wants
// the build in dist. It is no test: 0 when it ran to its end.
//
//     node bench/backtest.mjs [--sessions N] [--json]

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { fiftyRules, recordedClient } from './support/fifty-rules.mjs';
import { machine } from './support/machine.mjs';

const goal = { perSecond: 150_000, rssMb: 300 };
const { values } = parseArgs({
  options: { sessions: { type: 'string', default: '1000000' }, json: { type: 'boolean', default: false } },
});
const sessions = Number(values.sessions);
const clients = Math.ceil(sessions / 20);
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'iprevd-backtest-'));
try {
  const policy = join(folder, 'fifty.yaml');
  writeFileSync(policy, fiftyRules());
  const results = [];
  for (const [name, packed, client] of [
    ['busy, plain', false, busyClient],
    ['busy, gzip', true, busyClient],
    ['distinct, plain', false, (i) => i],
  ]) {
    process.stderr.write(`${name}: writing ...\r`);
    const octets = writeJournal(join(folder, name), packed, client);
    process.stderr.write(`${name}: judging ...\r`);
    results.push({ name, octets, ...(await judge(policy, join(folder, name))) });
    rmSync(join(folder, name), { recursive: true });
  }
  const ok = results[0].perSecondAndCore >= goal.perSecond && results.every(({ rssMb }) => rssMb < goal.rssMb);
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ machine: machine(), sessions, results, goal, ok }, undefined, 2)}\n`
      : `${machine()}
${sessions} recorded sessions under 50 rules; ${clients} clients where they come again
${results.map(line).join('\n')}
goal: at least ${goal.perSecond} for each core, less than ${goal.rssMb} MB
`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function line({ name, octets, perSecond, perSecondAndCore, cpuSeconds, rssMb }) {
  return `${name.padEnd(16)} ${(octets / 2 ** 20).toFixed(0).padStart(5)} MB: ${Math.round(perSecond)} sessions/s, ${Math.round(perSecondAndCore)} for each second of a core (${cpuSeconds.toFixed(1)} s in all), ${rssMb.toFixed(0)} MB RSS`;
}

/** The cube makes few of them busy: a tenth of the clients have nearly half of the sessions. */
function busyClient(i) {
  const share = ((Math.imul(i + 1, 0x9e3779b1) >>> 0) / 2 ** 32) ** 3;
  return Math.floor(share * clients);
}

/** In segments of an hour, as the service writes them. */
function writeJournal(path, packed, client) {
  mkdirSync(path);
  const hours = 24;
  let octets = 0;
  for (let hour = 0; hour < hours; hour++) {
    const begun = `2026-11-21T${String(hour).padStart(2, '0')}`;
    const lines = [];
    for (let i = Math.floor((sessions * hour) / hours); i < Math.floor((sessions * (hour + 1)) / hours); i++)
      lines.push(JSON.stringify(record(i, client(i), `${begun}:${String(i % 60).padStart(2, '0')}:00.000Z`)));
    const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    octets += text.length;
    writeFileSync(join(path, `${begun}.jsonl${packed ? '.gz' : ''}`), packed ? gzipSync(text) : text);
  }
  return octets;
}

/** As the SMTP door records it with `envelope: none`. */
function record(i, client, at) {
  const { ip, name, ptr, forward } = recordedClient(client);
  const answered = { kind: 'records', records: [ip], ttl: 60 + (i % 240) };
  const verdict = { action: 'accept', rule: 'otherwise' };
  return {
    v: 1,
    evidence: {
      v: 1,
      id: (i + 1_679_616).toString(36),
      at,
      door: 'smtp',
      client: {
        ip,
        port: 1_024 + (i % 60_000),
        serverIp: '192.0.2.25',
        serverPort: 25,
        helo: name,
        stage: 'rcpt',
        authenticated: false,
        tls: { protocol: 'TLSv1.3' },
      },
      ptr: 'ttl' in ptr ? { ...ptr, ttl: 60 + (i % 240) } : ptr,
      forward: forward.map(({ name: of, addresses }) => ({
        name: of,
        addresses: { ...addresses, ttl: 60 + (i % 240) },
      })),
      ourName: 'mx.test.example',
      helo: { name, addresses: answered },
    },
    envelope: 'none',
    verdict,
    outcome: { rcpt: [250], dot: [250] },
  };
}

async function judge(policy, journal) {
  const code = `
    import fs from 'node:fs';
    const { argv } = process;
    argv.splice(1, argv.length, 'backtest', '--policy', ${JSON.stringify(policy)}, '--json', ${JSON.stringify(journal)});
    const begun = performance.now();
    process.on('exit', () => {
      const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
      fs.writeSync(2, JSON.stringify({ ms: performance.now() - begun, cpuMs: (userCPUTime + systemCPUTime) / 1000, rssMb: maxRSS / 1024 }));
    });
    await import(${JSON.stringify(cli)});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  for (const [name, stream] of [
    ['out', child.stdout],
    ['err', child.stderr],
  ])
    stream.setEncoding('utf8').on('data', (text) => {
      said[name] += text;
    });
  await once(child, 'close');
  if (!said.out.startsWith('{')) throw new Error(`no result: ${said.out}${said.err}`);
  const judged = JSON.parse(said.out).sessions;
  if (judged !== sessions) throw new Error(`${judged} of ${sessions} sessions were judged: ${said.err}`);
  const { ms, cpuMs, rssMb } = JSON.parse(said.err);
  return {
    perSecond: judged / (ms / 1_000),
    perSecondAndCore: judged / (cpuMs / 1_000),
    cpuSeconds: cpuMs / 1_000,
    rssMb,
  };
}
