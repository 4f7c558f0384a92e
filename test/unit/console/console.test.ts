// The console from outside: what a program, a scraper, a browser or an attacker hears from a running service.

import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ClientGroup, EvidenceEnd, LiveLine, Overview, PolicyView } from '../../../src/console/wire.ts';
import { documentOctetsMax, triedWaitingMax } from '../../../src/core/limits.ts';
import type { SessionRecord } from '../../../src/core/record.ts';
import { type Consoled, consolePolicy, startConsoled } from '../../support/console.ts';
import { openDnsServer } from '../../support/dns-server.ts';
import { until } from '../../support/processes.ts';
import { lineOf } from '../../support/records.ts';

let it: Consoled;
beforeAll(async () => {
  it = await startConsoled();
});
afterAll(() => it.stop());

const overview = async (): Promise<Overview> => JSON.parse((await it.get('/api/overview')).body);

describe('who is let in', () => {
  test.each([
    ['nobody', { authorization: '' }, 401, 'no token'],
    ['a wrong token', { authorization: 'Bearer wrong' }, 403, 'wrong token'],
    ['a foreign Host, with the token', { host: 'evil.example' }, 403, 'foreign host'],
    ['another site, with the token', { origin: 'https://evil.example' }, 403, 'cross-site request'],
    ['a browser on behalf of another site', { 'sec-fetch-site': 'cross-site' }, 403, 'cross-site request'],
  ])('%s', async (_, headers: Record<string, string>, status, why) => {
    const logged = it.log().length;
    for (const path of ['/api/overview', '/metrics']) {
      const heard = await it.get(path, headers);
      expect([path, heard.status, heard.body]).toEqual([path, status, `${why}\n`]);
    }
    expect((await it.send('PUT', '/api/policy', '{}', headers)).status).toBe(status);
    expect(it.log().slice(logged)).toContain(`"why":"${why}"`);
  });
  test('the log is not filled by it, and is told what was asked escaped', async () => {
    for (let i = 0; i < 60; i++)
      await it.get('/%1b[31m\u00e4'.replace('\u00e4', '%e4'), { authorization: 'Bearer no' });
    const refused = it.log().split('console request refused').length - 1;
    expect(refused).toBeLessThan(45);
    expect(it.log()).toContain('are not logged');
    expect(it.log()).not.toMatch(/[^\x20-\x7e\n]/);
  });
});

test('the page and its files are there for everybody, health too, each with the same strict headers', async () => {
  const nobody = { authorization: '' };
  const page = await it.get('/', nobody);
  expect(page.status).toBe(200);
  const named = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
  expect(named).toEqual(['/icon.svg', '/uplot.css', '/style.css', '/main.js']);
  for (const path of ['/', ...named, '/judge.js', '/livez', '/readyz']) {
    const { status, headers } = await it.get(path, nobody);
    expect([path, status]).toEqual([path, 200]);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
    });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(headers['content-security-policy']).not.toContain('unsafe');
  }
});

test('nothing else of the disk can be asked for, and nothing in another way', async () => {
  for (const path of [
    '/../package.json',
    '/..%2fpackage.json',
    '/assets.js',
    '//etc/passwd',
    '/%00',
    '/api/../main.js',
  ])
    expect([path, (await it.get(path)).status]).toEqual([path, 404]);
  for (const method of ['DELETE', 'POST', 'OPTIONS', 'PATCH'])
    expect((await it.send(method, '/api/overview', '')).status).toBe(405);
  expect(await it.send('HEAD', '/livez', '')).toMatchObject({ status: 200, body: '' });
});

test('counts of what has come, by action, rule, client, reason and lookup', async () => {
  for (const address of ['192.0.2.1', '192.0.2.4', '192.0.2.5', '192.0.2.7']) await it.client(address);
  const seen = await overview();
  expect(seen.actions).toEqual({ accept: 1, tag: 1, defer: 1, reject: 1, pending: 0 });
  expect(seen.rules.map(({ rule, mode, enforced }) => [rule, mode, enforced])).toEqual([
    ['no-ptr', 'enforce', 1],
    ['unconfirmed', 'enforce', 1],
    ['trouble', 'enforce', 1],
    ['otherwise', undefined, 2],
  ]);
  expect(Object.fromEntries(seen.groups.map(({ group, sessions }: ClientGroup) => [group, sessions]))).toEqual({
    'mx.example': 1,
    '192.0.2.0/24': 3,
  });
  expect(seen.lookups.servfail).toBe(1);
  expect(seen.gathered.miss + seen.gathered.hit).toBe(4);
  expect(seen.doors).toMatchObject([{ kind: 'policy' }]);
  expect(seen).toMatchObject({ isReady: true, outage: false, recorded: 4, policy: { problems: [] } });
});

test('metrics say the same, and never an address or a name, whatever clients say', async () => {
  await it.client('192.0.2.6', '"}\\n evil{a="<script>');
  const { body, headers } = await it.get('/metrics');
  expect(headers['content-type']).toContain('text/plain');
  expect(body).toContain('iprevd_decisions_total{door="policy",action="defer"} 1\n');
  expect(body).toContain('iprevd_rule_hits_total{rule="unconfirmed",mode="enforce"} 1\n');
  expect(body).toContain('iprevd_iprev_reasons_total{reason="ptr-invalid"} 1\n');
  expect(body).toContain('iprevd_ready 1\n');
  expect(body).toMatch(/iprevd_evidence_seconds_count 5\n/);
  expect(body).not.toMatch(/192\.0\.2|<script|evil|mx\.example/);
  const ours = body.split('\n').filter((line) => line.startsWith('iprevd_'));
  expect(ours.length).toBeLessThan(150);
});

test('live: who watches is told each decision, whole, and of one range if it wants', async () => {
  const response = await fetch(`http://127.0.0.1:${it.port}/api/live?client=192.0.2.4/30`, {
    headers: { authorization: `Bearer ${it.token}` },
  });
  let text = '';
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const reading = (async () => {
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) text += part.value;
  })();
  for (const address of ['192.0.2.1', '192.0.2.5', '192.0.2.9']) await it.client(address);
  await until('the beat has come', () => text.split('\n').length > 3);
  const told = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LiveLine);
  expect(told.flatMap((line) => (line.kind === 'decision' ? [line.decision.evidence.client.ip] : []))).toEqual([
    '192.0.2.5',
  ]);
  await reader?.cancel();
  await reading;
  expect((await it.get('/api/live?client=nonsense')).status).toBe(400);
});

/** The records that came, and the last line. */
function evidenceIn(body: string): { records: SessionRecord[]; end: EvidenceEnd } {
  const lines = body.split('\n').slice(0, -1);
  const end = JSON.parse(lines.pop() ?? '') as EvidenceEnd;
  return { records: lines.map((line) => JSON.parse(line) as SessionRecord), end };
}

test('evidence: each session as the journal would keep it, so that it can be judged again', async () => {
  const { records, end } = evidenceIn((await it.get('/api/evidence')).body);
  expect(end).toEqual({ kind: 'end', problems: [] });
  expect(records.length).toBe((await overview()).recorded);
  expect(records[1]).toMatchObject({
    v: 1,
    envelope: 'full',
    evidence: { client: { ip: '192.0.2.4' }, ptr: { records: ['mail.elsewhere.example'] } },
    verdict: { action: 'tag', rule: 'unconfirmed', tags: ['unconfirmed'] },
  });
});

describe('evidence of the journal', () => {
  let kept: Consoled;
  beforeAll(async () => {
    kept = await startConsoled(undefined, undefined, undefined, 'journal: { dir: journal, keep: 36500d }\n');
    mkdirSync(join(kept.folder, 'journal'), { recursive: true });
    // Of a process before this one, and of its last moment.
    const at = (second: number) => `2020-01-01T05:00:${String(second).padStart(2, '0')}.000Z`;
    const old = Array.from({ length: 30 }, (_, i) => lineOf({ id: `old${i}`, at: at(i) })).join('');
    writeFileSync(join(kept.folder, 'journal', '2020-01-01T05.jsonl'), `${old}{"v":1,"evi`);
    for (const address of ['192.0.2.1', '192.0.2.4']) await kept.client(address);
    await until('they are written', async () => (await ask('sessions=32')).records.length === 32);
  });
  afterAll(() => kept.stop());
  const ask = async (query: string) => evidenceIn((await kept.get(`/api/evidence?from=journal&${query}`)).body);

  test('the newest first, from before the start too, and what cannot be read', async () => {
    const { records, end } = await ask('');
    expect(records.map(({ evidence: { client, id } }) => (id.startsWith('old') ? id : client.ip)).slice(0, 4)).toEqual([
      '192.0.2.4',
      '192.0.2.1',
      'old29',
      'old28',
    ]);
    expect(end).toEqual({
      kind: 'end',
      problems: [expect.stringContaining('2020-01-01T05.jsonl: ends in the middle')],
    });
    expect(records[0]).toMatchObject({ envelope: 'none', verdict: { action: 'tag', rule: 'unconfirmed' } });
  });

  test('so many, or since then; that there are older ones is said', async () => {
    const some = await ask('sessions=5');
    expect([some.records.length, some.end.cut]).toEqual([5, 'sessions']);
    const today = await ask(`since=${new Date(Date.now() - 3_600_000).toISOString()}`);
    expect([today.records.length, today.end]).toEqual([2, { kind: 'end', problems: [] }]);
  });

  test('many at once, and some who go away: one after the other, each whole', async () => {
    const gone = new AbortController();
    const headers = { authorization: `Bearer ${kept.token}` };
    const url = `http://127.0.0.1:${kept.port}/api/evidence?from=journal`;
    const leaving = fetch(url, { headers, signal: gone.signal }).catch(() => undefined);
    const answers = Array.from({ length: 12 }, () => kept.get('/api/evidence?from=journal'));
    gone.abort();
    await leaving;
    const heard = await Promise.all(answers);
    const good = heard.filter(({ status }) => status === 200);
    expect(good.length).toBeGreaterThanOrEqual(triedWaitingMax);
    for (const { body } of good) expect(evidenceIn(body).records).toHaveLength(32);
    expect(heard.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
    expect((await ask('sessions=1')).records).toHaveLength(1);
  });

  test('nonsense is said so, and so is that none is kept', async () => {
    for (const query of ['sessions=0', 'sessions=x', 'sessions=1.5', 'since=yesterday'])
      expect([query, (await kept.get(`/api/evidence?from=journal&${query}`)).status]).toEqual([query, 400]);
    expect(await it.get('/api/evidence?from=journal')).toMatchObject({ status: 404, body: 'no journal is kept\n' });
  });
});

test('check: how a client would be judged now; nonsense is said so', async () => {
  const heard = await it.send('POST', '/api/check', JSON.stringify({ ip: ' 192.0.2.4 ', helo: 'mx.example' }));
  expect(JSON.parse(heard.body)).toMatchObject({
    evidence: { door: 'check', ourName: 'mx.test.example', helo: { name: 'mx.example' } },
    verdict: { action: 'tag', rule: 'unconfirmed' },
  });
  for (const body of ['', '{', '[]', '{"ip":"nobody"}', '{"ip":7}', `{"ip":"192.0.2.1","helo":"${'x'.repeat(600)}"}`])
    expect([body, (await it.send('POST', '/api/check', body)).status]).toEqual([body, 400]);
  expect((await overview()).recorded).toBe(8); // a question is no session
});

test('too long a body is not read to its end', async () => {
  expect((await it.send('POST', '/api/check', 'x'.repeat(5_000))).status).toBe(413);
  const huge = JSON.stringify({ text: 'x'.repeat(2 * documentOctetsMax), version: '' });
  expect((await it.send('PUT', '/api/policy', huge)).status).toBe(413);
});

test('a policy is saved, and the next client gets the new answer; one with mistakes changes nothing', async () => {
  const view: PolicyView = JSON.parse((await it.get('/api/policy')).body);
  expect(view).toMatchObject({ text: consolePolicy, lists: {}, leftOut: {} });
  expect(view.readOnly).toBeUndefined();
  const text = consolePolicy.replace('tag: unconfirmed', 'reject: "not you, {ip}"');
  const wrong = await it.send('PUT', '/api/policy', JSON.stringify({ ...view, text: text.replace('fail', 'fial') }));
  expect([wrong.status, JSON.parse(wrong.body).problems.join()]).toEqual([
    422,
    expect.stringContaining('did you mean "fail"'),
  ]);
  expect(await it.client('192.0.2.4')).not.toContain('550');
  const saved = await it.send('PUT', '/api/policy', JSON.stringify({ ...view, text }));
  expect([saved.status, JSON.parse(saved.body).ok]).toEqual([200, true]);
  expect(await it.client('192.0.2.4')).toContain('action=550 5.7.25 not you, 192.0.2.4');
  const again = await it.send('PUT', '/api/policy', JSON.stringify({ ...view, text }));
  expect([again.status, again.body]).toEqual([422, expect.stringContaining('changed meanwhile')]);
  expect(it.log()).toContain('policy was saved from the console');
  expect((await it.get('/metrics')).body).toContain('iprevd_policy_reloads_total{result="good"} 1\n');
});

test('a connection that says nothing, or too much, is ended; others are served meanwhile', async () => {
  const socket = connect(it.port, '127.0.0.1');
  let heard = '';
  socket.on('error', () => undefined).on('data', (chunk) => (heard += chunk));
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(40_000)}\r\n`);
  await closed;
  expect(heard).toContain('431');
  expect((await it.get('/livez')).status).toBe(200);
});

test('on a UNIX socket, and not to be saved from unless it says so', async () => {
  const quiet = await startConsoled('', 'unix:FOLDER/console.sock');
  try {
    expect((await quiet.get('/api/overview', { host: 'localhost' })).status).toBe(200);
    expect((await quiet.get('/api/overview', { host: 'console.example' })).status).toBe(403);
    const view: PolicyView = JSON.parse((await quiet.get('/api/policy')).body);
    expect(view.readOnly).toContain('"edit: true"');
    expect((await quiet.send('PUT', '/api/policy', JSON.stringify(view))).status).toBe(403);
  } finally {
    await quiet.stop();
  }
});

test('while it ends it is alive and not ready', async () => {
  const silent = await openDnsServer(() => []);
  const ending = await startConsoled(
    '',
    '127.0.0.1:0',
    `servers: ["${silent.server.ip}:${silent.server.port}"], timeout: 1s`,
  );
  const waiting = ending.client('192.0.2.1'); // a request under way, which may finish
  await until('it has come', async () => silent.asked.length > 0);
  const stopped = ending.stop(5_000);
  expect([(await ending.get('/readyz')).status, (await ending.get('/livez')).status]).toEqual([503, 200]);
  expect(await waiting).toContain('action=450');
  await stopped;
  await silent.close();
});
