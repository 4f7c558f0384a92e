// What the page takes to judge recorded sessions after a keystroke: the worker in Chromium, from the text to the numbers. Sessions alike are judged once, so two kinds: as a mail server sees them, where clients come again, and
// the worst, where no two are alike.
//
//     node bench/console.mjs [--sessions 100000]

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { access } from '../dist/console/access.js';
import { send } from '../dist/console/answer.js';
import { readAssets } from '../dist/console/assets.js';
import { recordedSessions } from '../dist/console/recorded.js';
import { decide } from '../dist/core/decide.js';
import { recordLine } from '../dist/core/record-line.js';
import { readPolicy } from '../dist/core/schema.js';
import { machine } from './support/machine.mjs';
import { median } from './support/statistics.mjs';

const { values } = parseArgs({ options: { sessions: { type: 'string', default: '100000' } } });
const sessions = Number(values.sessions);
const token = 'a-token-for-this-benchmark-and-nothing-else';
const text = readFileSync(fileURLToPath(new URL('../policies/standard.yaml', import.meta.url)), 'utf8');
const policy = readPolicy(text, 'standard.yaml').value;
const keystrokes = 7;

/** As much of it as the frame of the page reads. */
const overview = {
  name: 'bench',
  isReady: true,
  actions: { accept: 0, tag: 0, defer: 0, reject: 0, pending: 0 },
  doors: [],
  policy: { problems: [] },
};

process.stdout.write(`${machine()}\n`);
for (const [what, clients] of [
  ['clients that come again', sessions / 50],
  ['no two alike', sessions],
]) {
  const { octets, kept, judged } = await measure(clients);
  process.stdout.write(
    `${what.padEnd(26)} ${kept} sessions, ${(octets / 1e6).toFixed(0)} MB of evidence: judged in ${judged} ms\n`,
  );
}

async function measure(clients) {
  const recorded = recordedSessions({ sessionsMax: sessions });
  for (let i = 0; i < sessions; i++) recorded.add(sessionOf(i, i % clients));
  const body = `${[...recorded.pieces()].join('')}{"kind":"end","problems":[]}\n`;
  const answers = {
    '/api/evidence': body,
    '/api/overview': JSON.stringify(overview),
    '/api/policy': JSON.stringify({ file: 'standard.yaml', text, version: '', lists: {}, leftOut: {} }),
  };
  const assets = readAssets();
  const may = access({ kind: 'tcp', host: '127.0.0.1', port: 0 }, token);
  const server = createServer(({ url = '/', method, headers }, response) => {
    const asset = assets.get(url);
    if (may({ method, path: url, headers, isOpen: asset !== undefined })) return void response.writeHead(403).end();
    send(response, asset ?? { status: 200, type: 'application/json', body: answers[url] ?? '{}' }, true);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/#token=${token}`);
    await page.getByRole('link', { name: 'Try' }).click();
    await page.getByText('This is the policy in force.').waitFor({ timeout: 120_000 });
    const area = page.getByRole('textbox', { name: 'Policy' });
    const judged = [];
    for (let i = 0; i < keystrokes; i++) {
      await area.fill(`${text.replace(/tag: unconfirmed/, 'reject: "no"')}# ${i}${'.'.repeat(i)}\n`);
      const status = page.locator('.try .about');
      await page.waitForTimeout(100);
      await until(
        async () =>
          (await page.locator('.summary').innerText()).includes('would have been different') &&
          !(await isSame(status, judged)),
      );
      judged.push(Number(/in ([\d,]+) ms/.exec(await status.innerText())?.[1].replace(',', '')));
    }
    return {
      octets: body.length,
      kept: recorded.size,
      judged: Math.round(median(judged)),
    };
  } finally {
    await browser.close();
    server.close();
  }
}

/** The figure is still that of the keystroke before. */
async function isSame(status, judged) {
  return judged.length > 0 && (await status.innerText()).includes(` in ${judged.at(-1)} ms`);
}

async function until(isTrue) {
  for (let i = 0; i < 2_000; i++) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function sessionOf(i, client) {
  const ip = `${11 + (client >> 16)}.${(client >> 8) & 255}.${client & 255}.${1 + (client % 250)}`;
  const name =
    client % 7 === 0
      ? `${ip.replaceAll('.', '-')}.dyn.isp${client % 40}.example`
      : `mx${client}.sender${client % 900}.example`;
  const kind = client % 10;
  const ptr = kind === 0 ? { kind: 'nxdomain', ttl: 300 } : { kind: 'records', records: [name], ttl: 300 };
  const addresses = { kind: 'records', records: [kind === 1 ? '192.0.2.1' : ip], ttl: 300 };
  const evidence = {
    v: 1,
    id: `1ng${i.toString(36).padStart(8, '0')}`,
    at: new Date(1_790_000_000_000 + i * 500).toISOString(),
    door: 'smtp',
    client: {
      ip,
      port: 1_024 + (i % 60_000),
      stage: 'rcpt',
      authenticated: false,
      helo: name,
      sender: `a@sender${client % 900}.example`,
      recipient: 'you@test.example',
    },
    ptr,
    forward: kind === 0 ? [] : [{ name, addresses }],
  };
  return recordLine(decide(policy, evidence), { envelope: 'full' }, { rcpt: [250], dot: [250] });
}
