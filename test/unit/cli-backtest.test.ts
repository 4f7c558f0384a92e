// `iprevd backtest` and `iprevd report` as a person types them: what can be read is used, what cannot is said with its place.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from '@jest/globals';
import { decide } from '../../src/core/decide.ts';
import { recordOf } from '../../src/core/record.ts';
import { policyOf } from '../support/doors.ts';
import { type Answer, evidenceOf } from '../support/evidence.ts';
import { cli, projectFolder, run, runApart, temporaryFolder } from '../support/processes.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const iprevd = (...args: string[]) => run('node', [cli, ...args]);
const apart = (...args: string[]) => runApart('node', [cli, ...args]);

const file = (name: string, content: string | Buffer): string => {
  writeFileSync(join(folder.path, name), content);
  return join(folder.path, name);
};
const watching = policyOf(
  'rules: [{ id: no-ptr, mode: monitor, when: { iprev: permerror }, reject: "no" }]\notherwise: accept\n',
);
const refusing = policyOf('rules: [{ id: no-ptr, when: { iprev: permerror }, reject: "no" }]\notherwise: accept\n');

let refs = 0;
function line(ip: string, ptr: Answer, day = '26', policy = watching): string {
  const evidence = {
    ...evidenceOf({ ip, ptr }),
    id: `ref${++refs}`,
    at: `2026-11-${day}T10:00:00.000Z`,
    door: 'smtp' as const,
  };
  const outcome = policy === watching ? { rcpt: [250], dot: [250] } : undefined;
  return JSON.stringify(recordOf(decide(policy, evidence), { envelope: 'none' }, outcome));
}

const journal = file(
  'journal.jsonl',
  [
    line('192.0.2.7', 'nxdomain'),
    '\u001b[2J{',
    line('192.0.2.8', 'nodata'),
    '{"v":7}',
    line('192.0.2.9', 'timeout').slice(0, 90),
  ].join('\n'),
);

test('for a program, with what cannot be read on standard error', async () => {
  const { code, output } = await iprevd('backtest', '--policy', 'strict', '--json', journal);
  expect(code).toBe(0);
  const at = output.indexOf('{\n');
  expect(output).not.toContain('\u001b');
  for (const said of [
    `${journal}:2: no JSON`,
    `${journal}:4: a record of version 7`,
    `${journal}:5: no JSON, and the file ends in it`,
  ])
    expect(output).toContain(said);
  expect(JSON.parse(output.slice(at, output.lastIndexOf('}') + 1))).toMatchObject({
    sessions: 2,
    changed: 2,
    matrix: { accept: { accept: 0, tag: 0, defer: 0, reject: 2 } },
    newly_refused_accepted: [{ organisation: '192.0.2.0/24', sessions: 2, refs: ['ref1', 'ref2'] }],
    newly_accepted: [],
    suggestions: [{ rule: 'no-ptr', sessions: 2 }],
  });
});

test('for a person: whom it hits comes first', async () => {
  const { output } = await iprevd('backtest', '--policy', 'strict', journal);
  const lines = output.split('\n').filter((text) => !text.startsWith('/'));
  expect(lines.slice(0, 3).join('\n')).toMatch(
    /^NEWLY REFUSED, though the mail server took their mail: 2\n {2}organisation +sessions +refs\n {2}192\.0\.2\.0\/24 +2 +ref1 ref2$/,
  );
  expect(output).toContain(
    '- { when: { client_ip: [192.0.2.7, 192.0.2.8] }, why: "2 good sessions, 2026-11-26", until: ',
  );
  expect(output).toContain('2 sessions, 2 judged otherwise\n3 problems with lines or files');
});

test('--fail-on is 1 if it holds, and 64 with the valid figures if it is none', async () => {
  const fail = (comparison: string) => iprevd('backtest', '--policy', 'strict', '--fail-on', comparison, journal);
  expect((await fail('newly_refused_accepted > 0')).code).toBe(1);
  expect((await fail('newly_refused_accepted > 2')).code).toBe(0);
  const wrong = await fail('refused > 0');
  expect(wrong.code).toBe(64);
  expect(wrong.output).toContain('newly_refused_accepted, newly_refused, newly_accepted');
});

test('the same policy on both sides is an empty diff; --since and --until', async () => {
  const same = await iprevd('backtest', '--policy', 'strict', '--against', 'strict', '--json', journal);
  expect(JSON.parse(same.output.slice(same.output.indexOf('{\n'), same.output.lastIndexOf('}') + 1))).toMatchObject({
    changed: 0,
  });
  const none = await iprevd('backtest', '--policy', 'strict', '--until', '2026-11-25', journal);
  expect(none.output).toContain('0 sessions');
  expect((await iprevd('backtest', '--policy', 'strict', '--since', 'yesterday', journal)).code).toBe(64);
});

test('a packed file that ends early is used as far as it goes', async () => {
  const whole = gzipSync(Array.from({ length: 3_000 }, (_, i) => line(`198.51.100.${i % 250}`, 'nxdomain')).join('\n'));
  const cut = file('cut.jsonl.gz', whole.subarray(0, whole.length - 2_000));
  const { code, output } = await iprevd('backtest', '--policy', 'strict', cut);
  expect(code).toBe(0);
  expect(output).toMatch(/cut\.jsonl\.gz:\d+: cannot be read on/);
  expect(Number(/^(\d+) sessions/m.exec(output)?.[1])).toBeGreaterThan(500);
});

describe('sources of which nothing comes', () => {
  const empty = join(folder.path, 'empty');
  mkdirSync(empty);
  const none = file('none.jsonl', '');
  const garbage = file('garbage.jsonl', '?\n');
  const both = ['backtest', 'report'];

  test.each(both)('%s: not there is 66 and a sentence, nothing on standard output', async (verb) => {
    for (const [sources, said] of [
      [['/nowhere'], '/nowhere: no such file or folder\n'],
      [['/nowhere', none], '/nowhere: no such file or folder\n'],
      [[garbage], `${garbage}:1: no JSON\n`],
      [[join(none, 'x')], `${join(none, 'x')}: is no folder, or lies below something that is none\n`],
    ] as const)
      expect(await apart(verb, '--policy', 'strict', '--json', ...sources)).toEqual({
        code: 66,
        out: '',
        err: `${said}iprevd: nothing could be read of ${sources.join(', ')}\n`,
      });
  });

  test.each(both)('%s: where one of several is missing the result says so', async (verb) => {
    const { code, out, err } = await apart(verb, '--policy', 'strict', '/nowhere', journal);
    expect([code, err]).toEqual([0, expect.stringContaining('/nowhere: no such file or folder\n')]);
    expect(out).toContain('\nnot read: /nowhere: no such file or folder\n');
    expect(out).not.toMatch(/^0 sessions/m);
  });

  test.each(both)('%s: nothing recorded yet is no error, and said', async (verb) => {
    const text = await apart(verb, '--policy', 'strict', empty, none);
    expect([text.code, text.err]).toEqual([0, '']);
    expect(text.out.replaceAll('\n', ' ')).toContain(
      `${empty} has no records: nothing has been recorded there yet ${none} is empty `,
    );
    const { code, out, err } = await apart(verb, '--policy', 'strict', '--json', empty);
    expect([code, err]).toEqual([0, `iprevd: ${empty} has no records: nothing has been recorded there yet\n`]);
    expect(JSON.parse(out)).toMatchObject({ sessions: 0 });
  });

  test('sessions of another time than was asked for', async () => {
    const { out } = await apart('backtest', '--policy', 'strict', '--until', '2026-11-25', journal);
    expect(out).toContain(`\n0 sessions, 0 judged otherwise\n`);
    expect(out).toContain(`\n${journal} holds no session of that time\n`);
    const hours = join(folder.path, 'hours');
    mkdirSync(hours);
    writeFileSync(join(hours, '2026-11-26T10.jsonl'), `${line('192.0.2.7', 'nxdomain')}\n`);
    const later = await apart('report', '--since', '2026-12-20', hours);
    expect([later.code, later.out.replaceAll('\n', ' ')]).toEqual([
      0,
      expect.stringContaining(
        `${hours} holds no session of that time; it reaches from 2026-11-26 10:00 to 2026-11-26 11:00 UTC `,
      ),
    ]);
  });

  test('who may not read it is told so', async () => {
    const secret = file('secret.jsonl', `${line('192.0.2.7', 'nxdomain')}\n`);
    chmodSync(secret, 0);
    expect(await runApart('node', [cli, 'backtest', '--policy', 'strict', secret], { asNobody: true })).toEqual({
      code: 66,
      out: '',
      err: `${secret}: permission denied\niprevd: nothing could be read of ${secret}\n`,
    });
  });
});

test('nothing to read is 66, wrong words are 64', async () => {
  expect((await iprevd('backtest', '--policy', 'strict', '/nowhere')).code).toBe(66);
  expect((await iprevd('backtest', '--policy', 'strict', '--resolve', journal)).code).toBe(64);
  expect((await iprevd('backtest', '--policy', 'strict', '--postfix-log', journal, '--server', '127.0.0.1')).code).toBe(
    64,
  );
  expect((await iprevd('backtest', journal)).code).toBe(64);
  expect((await iprevd('backtest', '--policy', 'nothing.yaml', journal)).code).toBe(78);
});

test('the log of a Postfix, packed or not', async () => {
  const log = join(projectFolder, 'test/fixtures/postfix-3.7.11-maillog.txt');
  const { output } = await iprevd('backtest', '--policy', 'strict', '--postfix-log', log);
  expect(output).toMatch(/^ +accept +tag +defer +reject +not recorded$/m);
  expect(output).toMatch(/^ {2}defer +0 +0 +0 +0 +2$/m);
  expect(output).toContain('--resolve looks them up now');
  const packed = await apart(
    'backtest',
    '--policy',
    'strict',
    '--json',
    '--postfix-log',
    file('mail.log.1.gz', gzipSync('x\n')),
    log,
  );
  expect(packed.err).toBe(`${join(folder.path, 'mail.log.1.gz')}: holds no line of smtpd or postscreen of a Postfix\n`);
  expect(JSON.parse(packed.out)).toMatchObject({ sessions: 6, not_recorded: 3 });
});

test('a log as other programs and accidents leave it', async () => {
  const text = readFileSync(join(projectFolder, 'test/fixtures/postfix-3.7.11-maillog.txt'), 'latin1');
  const judged = async (content: string | Buffer) => {
    const { code, out, err } = await apart(
      ...['backtest', '--policy', 'strict', '--json', '--postfix-log', file('odd.log', content)],
    );
    return [code, err, JSON.parse(out).sessions];
  };
  expect(await judged(text)).toEqual([0, '', 6]);
  expect(await judged(text.replaceAll('\n', '\r\n'))).toEqual([0, '', 6]);
  expect(await judged(`\ufeff${text}`)).toEqual([0, '', 6]);
  expect(await judged(Buffer.from(`\ufeff${text}`, 'utf16le'))).toEqual([0, '', 6]);
  expect(await judged(`${'\0'.repeat(4_096)}${text}`)).toEqual([0, '', 6]);
});

test('what is no log is said', async () => {
  const judged = async (path: string) => {
    const { code, out, err } = await apart('backtest', '--policy', 'strict', '--postfix-log', path);
    return [code, out === '', err];
  };
  const none = (path: string, why: string) => [66, true, `${path}: ${why}\niprevd: nothing could be read of ${path}\n`];
  expect(await judged(folder.path)).toEqual(none(folder.path, 'is a folder, not a log'));
  expect(await judged('/nowhere')).toEqual(none('/nowhere', 'no such file'));
  expect(await judged(journal)).toEqual(
    none(
      journal,
      'holds no line of smtpd or postscreen of a Postfix (it looks like a journal: name it without --postfix-log)',
    ),
  );
  const empty = file('empty.log', '');
  const { code, out, err } = await apart('backtest', '--policy', 'strict', '--postfix-log', empty);
  expect([code, err, out]).toEqual([0, '', expect.stringContaining(`\n${empty} is empty\n`)]);
});

test('a time that is none, and a range the wrong way round', async () => {
  const wrong = (...args: string[]) => apart('backtest', '--policy', 'strict', ...args, journal);
  expect(await wrong('--since', '2026-11-20', '--until', '2026-11-10')).toEqual({
    code: 64,
    out: '',
    err: 'iprevd: --since 2026-11-20T00:00Z is not before --until 2026-11-11T00:00Z\n',
  });
  expect((await wrong('--since', '2026-11-20T08:00')).err).toBe(
    'iprevd: "2026-11-20T08:00" is neither a time ago (30m, 12h, 7d, 2w) nor a date (2026-11-20, 2026-11-20T08:00Z)\n',
  );
});

test('labels as a spreadsheet writes them, and a history with a mark at its beginning', async () => {
  for (const [name, text] of [
    ['crlf.csv', '\ufeffref,label\r\n"ref1",spam\r\nref3,Ham\r\n'],
    ['history.json', '\ufeff[{"ip":"192.0.2.7","action":"reject"},{"ip":"192.0.2.8","action":"no action"}]'],
  ] as const) {
    const { err, out } = await apart('backtest', '--policy', 'strict', '--labels', file(name, text), journal);
    expect(err).not.toContain(name);
    expect(out).toMatch(/^labelled: . ham, 1 spam$/m);
  }
});

test('labels; a file without any is 65', async () => {
  const labels = file('labels.csv', 'ref1,spam\nref2,ham\n');
  const { output } = await iprevd('backtest', '--policy', 'strict', '--labels', labels, journal);
  expect(output).toContain('labelled: 1 ham, 1 spam');
  expect(output).toMatch(/^ {2}no-ptr .* 50\.0 % +100\.0 %$/m);
  expect((await iprevd('backtest', '--policy', 'strict', '--labels', file('none.csv', '?\n'), journal)).code).toBe(65);
});

test('report: refused today and not before, first', async () => {
  const days = file(
    'days.jsonl',
    [
      line('192.0.2.7', 'nxdomain', '25', refusing),
      line('192.0.2.9', 'nxdomain', '26', refusing),
      line('198.51.100.1', 'nodata', '26', refusing),
      line('203.0.113.1', 'timeout', '26', refusing),
      line('203.0.113.2', 'nodata', '26'),
    ].join('\n'),
  );
  const policy = file(
    'report.yaml',
    `rules:
  - { id: no-ptr, when: { iprev: permerror }, except: { when: { ptr: x.example }, why: "moving \\e[2J", until: 2099-01-01 }, reject: "no" }
  - { id: never, when: { iprev: fail }, tag: never }
otherwise: accept
`,
  );
  const args = ['report', '--since', '2026-11-26', '--policy', policy, days];
  const { output } = await iprevd(...args);
  expect(output).toMatch(/^iprevd: 4 sessions since 2026-11-26 00:00 UTC\n/);
  expect(output).toMatch(
    /Refused, and not in the days before\n-+\n +1 {2}198\.51\.100\.0\/24 by no-ptr \(ref ref\d+\)\n/,
  );
  expect(output).toMatch(/Refused before as well\n-+\n +1 {2}192\.0\.2\.0\/24/);
  expect(output).toContain('ptr-timeout, 25.0 %');
  expect(output).toMatch(/Rules that never held\n-+\n {2}never\n/);
  for (const text of output.split('\n')) expect(text.length).toBeLessThanOrEqual(72);
  expect(output).not.toContain('\u001b');
  const { output: json } = await iprevd(...args, '--json');
  expect(JSON.parse(json)).toMatchObject({
    sessions: 4,
    actions: { accept: 2, reject: 2 },
    new_refusals: [{ organisation: '198.51.100.0/24', sessions: 1, rules: ['no-ptr'] }],
    rules: [
      { rule: 'no-ptr', decided: 2, monitored: 1 },
      { rule: 'otherwise', decided: 2, monitored: 0 },
    ],
    dns: { temperror: { 'ptr-timeout': 1 }, stale: 0 },
    never_fired: ['never'],
    ending: [],
  });
});
