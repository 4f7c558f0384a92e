// The command as a person types it: words, exit codes, and the eight clients of the demo.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { makeRefs } from '../../src/ref.ts';
import { cli, freePort, projectFolder, run, start, temporaryFolder, until } from '../support/processes.ts';
import { lineOf } from '../support/records.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const iprevd = (...args: string[]) => run('node', [cli, ...args]);
const file = (name: string, text: string): string => {
  writeFileSync(join(folder.path, name), text);
  return join(folder.path, name);
};
const zone = 'deploy/demo/zone.yaml';

describe('check', () => {
  test('for a person', async () => {
    const { code, output } = await iprevd('check', '127.0.0.8', '--zone', zone, '--policy', 'strict', '--helo', 'x\ny');
    expect(code).toBe(0);
    expect(output).toBe(`client   127.0.0.8, HELO x\\x0ay
asked    PTR 8.0.0.127.in-addr.arpa  broken.customer.example, mail.customer.example
         A broken.customer.example   SERVFAIL
         A mail.customer.example     127.0.0.8  confirms the client
iprev    pass (confirmed): mail.customer.example
naming   custom: "mail" is a word for mail
helo     invalid
rules    ✘ early-talker  reject 554 5.5.1
         ✘ no-ptr        reject 550 5.7.25
         ✘ unconfirmed   reject 550 5.7.25
         ✘ trouble       defer 450 4.7.25
         ✘ generic-name  tag generic-name
         ✔ otherwise     accept
verdict  accept, by otherwise

remedy   helo-invalid, for the server operator. In HELO the server calls itself
         "x\\x0ay", which is neither a host name nor an address literal. RFC 5321
         s4.1.1.1 wants its full host name there. Who runs the mail server sets
         it to mail.customer.example, which leads back already: myhostname or
         smtp_helo_name in Postfix, primary_hostname in Exim, confDOMAIN_NAME in
         Sendmail, the FQDN of the send connector in Exchange.

         To see whether it is mended:
           dig +short mail.customer.example A
`);
  });

  test('HELO and how the names go together', async () => {
    const names = ['--helo', 'www.customer.example', '--sender', 'a@customer.example'];
    const { output } = await iprevd('check', '127.0.0.8', '--zone', zone, ...names);
    expect(output).toContain(`
helo     fqdn: www.customer.example has no address
aligned  helo-ptr    organisation  www.customer.example, mail.customer.example
         sender-ptr  organisation  customer.example, mail.customer.example
`);
    const ours = await iprevd(
      'check',
      '127.0.0.8',
      '--zone',
      zone,
      '--helo',
      'MX.us.example',
      '--our-name',
      'mx.us.example',
      '--json',
    );
    expect(JSON.parse(ours.output).findings).toMatchObject({
      helo: { form: 'ours', dns: 'nowhere', reason: 'nxdomain', name: 'mx.us.example' },
      alignment: { 'helo-ptr': { level: 'none' }, 'sender-ptr': { level: 'unknown' } },
      certificate: 'none',
    });
  });

  test('a refusal shows its reply, a softened one says why', async () => {
    const policy = file(
      'soft.yaml',
      'rules: [{ id: r, when: { not: { iprev: pass } }, reject: "no" }]\notherwise: accept\n',
    );
    const { output } = await iprevd('check', '127.0.0.7', '--zone', zone, '--policy', policy);
    expect(output).toMatch(
      /^verdict {2}defer, by r\nreply {4}450 4\.7\.25 no \[PTR 7\.0\.0\.127\.in-addr\.arpa: SERVFAIL\] \(ref \w{11}\)\n {9}The policy says 5xx; a lookup failed/m,
    );
  });

  test('for a program', async () => {
    const { output } = await iprevd('check', '127.0.0.4', '--zone', zone, '--policy', 'strict', '--json');
    const decision = JSON.parse(output);
    expect(Object.keys(decision)).toEqual(['client', 'evidence', 'findings', 'verdict', 'trace', 'remedies']);
    expect(decision).toMatchObject({
      client: { ip: '127.0.0.4' },
      evidence: { v: 1, door: 'check', ptr: { kind: 'records', records: ['mail.elsewhere.example'] } },
      findings: { iprev: { result: 'fail', reason: 'mismatch' } },
      verdict: {
        action: 'reject',
        rule: 'unconfirmed',
        tags: [],
        reply: { code: 550, enhanced: '5.7.25', text: expect.any(String) },
      },
    });
    expect(decision.trace.slice(1, 3)).toEqual([
      { rule: 'no-ptr', mode: 'enforce', held: false, does: 'reject 550 5.7.25' },
      { rule: 'unconfirmed', mode: 'enforce', held: true, does: 'reject 550 5.7.25' },
    ]);
  });

  test('a resolver that is down is an answer, not an error', async () => {
    const { code, output } = await iprevd('check', '192.0.2.1', '--server', `127.0.0.1:${await freePort()}`, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(output).findings.iprev).toEqual({ result: 'temperror', reason: 'ptr-network' });
  });
});

describe('remedies', () => {
  test('check --letter: a letter to send, or a word that there is none to write', async () => {
    const { code, output } = await iprevd('check', '127.0.0.3', '--zone', zone, '--policy', 'demo', '--letter');
    expect(code).toBe(0);
    expect(output).toMatch(
      /^Subject: the DNS of your mail server 127\.0\.0\.3\n\nDear postmaster,\n\non \d{4}-\d\d-\d\d \d\d:/,
    );
    expect(output).toContain('hears from us:\n  550 5.7.25');
    expect(output).toContain('\n  PTR 3.0.0.127.in-addr.arpa: NXDOMAIN\n');
    expect(output).toContain('\n  3.0.0.127.in-addr.arpa. 3600 IN PTR mail.example.org.\n');
    expect(output).toContain('\n  dig +short -x 127.0.0.3\n');
    expect(output.split('\n').filter((line) => line.length > 78 && !/ IN | add |^ {2}550 /.test(line))).toEqual([]);
    expect(await iprevd('check', '127.0.0.2', '--zone', zone, '--letter')).toEqual({
      code: 0,
      output: '127.0.0.2: nothing to mend, so there is no letter to write\n',
    });
  });

  test('remedy: from what came back, from a reason, or all of them', async () => {
    const line = '550 5.7.25 no PTR record for 127.0.0.3 [PTR 3.0.0.127.in-addr.arpa: NXDOMAIN] (ref 1ng2ewjmsa2)';
    for (const words of [[line], line.split(' ')]) {
      const { code, output } = await iprevd('remedy', ...words, '--json');
      expect([code, JSON.parse(output)]).toMatchObject([0, [{ reason: 'no-ptr', owner: 'address owner' }]]);
    }
    const { output } = await iprevd('remedy', 'stale', '--ip', '2001:db8::9', '--name', 'mx.sender.example');
    expect(output).toContain(`9.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa. 3600 IN PTR mx.sender.example.`);
    expect((await iprevd('remedy', '--markdown')).output).toContain('\n## ptr-servfail\n');
  });

  test('audit: exit code by the worst, lines for a pipe, a list from standard input', async () => {
    const list = (name: string, text: string) => file(name, text);
    const fine = list('fine.txt', '127.0.0.2 mail.good.example # ours\n2001:db8::25 six.example\n');
    expect(await iprevd('audit', fine, '127.0.0.8', '--zone', zone)).toEqual({
      code: 0,
      output: `address\tname\tiprev\tnaming\thelo\thelo is\tresult\twhy
127.0.0.2\tmail.good.example\tconfirmed\tcustom\tmail.good.example\tclient\tfine\t-
2001:db8::25\tsix.example\tconfirmed\tcustom\tsix.example\tclient\tfine\t-
127.0.0.8\tmail.customer.example\tconfirmed\tcustom\t-\t-\tfine\t-
`,
    });
    expect(await iprevd('audit', '127.0.0.7', '--zone', zone)).toMatchObject({ code: 75 });
    const short = await iprevd('audit', '127.0.0.0/29', '--zone', zone, '--table');
    expect(short).toMatchObject({ code: 1, output: expect.stringContaining('The same records for the others:') });
    expect((await iprevd('audit', '127.0.0.6', '--zone', zone, '--allow', 'generic-name')).code).toBe(0);
    const piped = await run('sh', [
      '-c',
      `echo 127.0.0.3 | "${process.execPath}" "${cli}" audit - --zone ${zone} --json`,
    ]);
    expect([piped.code, JSON.parse(piped.output).hosts[0].result]).toEqual([1, 'short']);
  });
});

describe('classify', () => {
  const names = '192.0.2.7\t192-0-2-7.dyn.isp.example\nfoo\n-\tmx.example\n';

  test('a file, or standard input; 65 if a line could not be read', async () => {
    const { code, output } = await iprevd('classify', file('names.tsv', names));
    expect(code).toBe(65);
    expect(output).toContain(`${join(folder.path, 'names.tsv')}:2: no name (a line is an address, a tab and a name`);
    expect(output).toContain('{"ip":"-","name":"mx.example","label":"custom","kind":null,"tier":"none",');
    const piped = await run('sh', ['-c', `printf -- '-\\tmx.example\\n' | node ${cli} classify --json`]);
    expect(piped.code).toBe(0);
    expect(JSON.parse(piped.output)).toMatchObject({ ip: '-', label: 'custom' });
  });

  test('a file that cannot be read is 66', async () => {
    const { code, output } = await iprevd('classify', join(folder.path, 'nothing'));
    expect([code, output]).toEqual([66, `iprevd: ${join(folder.path, 'nothing')} cannot be read: no such file\n`]);
  });

  test('whoever reads no more ends it in peace', async () => {
    const long = file('long.tsv', '192.0.2.7\t192-0-2-7.dyn.isp.example\n'.repeat(20_000));
    const { code, output } = await run('sh', ['-c', `node ${cli} classify ${long} | head -n 1`]);
    expect([code, output.split('\n').length]).toEqual([0, 2]);
  });
});

describe('policy', () => {
  test('diff: a table that can be read out loud; 1 if they differ, 0 if not', async () => {
    const { code, output } = await iprevd('policy', 'diff', 'standard', 'strict');
    expect(code).toBe(1);
    expect(output).toContain('a name that does not lead back (fail)');
    expect(output).toContain('tag unconfirmed → reject 550 5.7.25');
    expect(output).toContain('everything else: the same');
    expect((await iprevd('policy', 'diff', 'strict', 'strict')).code).toBe(0);
  });

  test('lint: 0 for remarks, 78 for what is wrong, with its place', async () => {
    expect(await iprevd('policy', 'lint', 'standard', 'strict', 'observe', 'demo')).toMatchObject({ code: 0 });
    const odd = file(
      'odd.yaml',
      'rules:\n  - { id: a, when: { iprev: temperror }, reject: "no" }\notherwise: accept\n',
    );
    const { code, output } = await iprevd('policy', 'lint', odd);
    expect([code, output]).toEqual([0, expect.stringContaining('odd.yaml:2:5: warning: "a" never refuses with 550')]);
    expect((await iprevd('policy', 'lint', '--strict', odd)).code).toBe(78);
    const wrong = file(
      'wrong.yaml',
      'rules: [{ id: a, when: { ptr: { matches: "(?=x)" } }, tag: x }]\notherwise: accept\n',
    );
    const found = await iprevd('policy', 'lint', wrong);
    expect([found.code, found.output]).toEqual([78, expect.stringContaining('wrong.yaml:1:42')]);
  });

  test('test: the shipped policies do what they say, and no rule is left out', async () => {
    for (const name of ['observe', 'standard', 'strict', 'demo']) {
      const { code, output } = await iprevd('policy', 'test', name);
      expect([name, code]).toEqual([name, 0]);
      const [, reached, rules] = /0 failed, (\d+) of (\d+) rules reached/.exec(output) ?? [];
      expect([name, reached]).toEqual([name, rules]);
    }
    const fails = file(
      'fails.yaml',
      `rules: []
otherwise: accept
tests: [{ name: nobody, client: { ip: 192.0.2.7 }, zone: { 192.0.2.7: nxdomain }, expect: reject }]
`,
    );
    expect(await iprevd('policy', 'test', fails)).toMatchObject({
      code: 1,
      output: expect.stringContaining('✘ nobody'),
    });
  });
});

describe('policy files for people and editors', () => {
  test('fmt: the shipped ones are in their form; another is brought into it and means the same', async () => {
    for (const name of ['observe', 'standard', 'strict', 'demo'])
      expect(await iprevd('policy', 'fmt', '--check', `policies/${name}.yaml`)).toEqual({ code: 0, output: '' });
    const odd = file('form.yaml', "rules:\n  - {tag: 'x',   id: a}   # why\notherwise:   accept\n");
    expect((await iprevd('policy', 'fmt', '--check', odd)).code).toBe(1);
    expect((await iprevd('policy', 'fmt', '--write', odd)).code).toBe(0);
    expect(readFileSync(odd, 'utf8')).toBe('rules:\n  - { id: a, tag: "x" } # why\notherwise: accept\n');
    expect((await iprevd('policy', 'fmt', '--check', '--write', odd)).code).toBe(64);
  });

  test('schema: JSON, closed, with a sentence for each key', async () => {
    const { code, output } = await iprevd('policy', 'schema');
    const schema = JSON.parse(output);
    expect(code).toBe(0);
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(Object.keys(schema.properties)).toEqual(
      expect.arrayContaining(['rules', 'otherwise', 'announce', 'trusted']),
    );
  });
});

describe('mistakes', () => {
  const bad = file('bad.yaml', 'doors: [{ kind: smpt }]\nxyz: 1\n');
  test.each([
    [['check', '300.1.1.1'], 64, '"300.1.1.1" is not an IP address'],
    [['check'], 64, "missing required argument 'ip'"],
    [['chek'], 64, 'Did you mean check?'],
    [['check', '192.0.2.1', '--server', 'x'], 64, '"x" is not the address of a DNS server'],
    [['check', '192.0.2.1', '--server', '127.0.0.1', '--zone', zone], 64, '--zone and --server exclude each other'],
    [['check', '192.0.2.1', '--letter', '--json'], 64, "cannot be used with option '--json'"],
    [['audit'], 64, "missing required argument 'hosts'"],
    [['audit', '10.0.0.0/8'], 64, 'has more than 4096 addresses'],
    [['audit', '192.0.2.7/28'], 64, 'did you mean 192.0.2.0/28?'],
    [['audit', 'no-such-list'], 66, 'no-such-list: no such file'],
    [
      ['audit', file('l.txt', '192.0.2.1\n192.0.2.x\n')],
      65,
      'l.txt:2:1: "192.0.2.x" is neither an address nor a range',
    ],
    [['audit', '192.0.2.1', '--allow', 'generic'], 64, '"generic" is not a reason'],
    [['remedy'], 64, 'paste the refusal in quotes, or name a reason'],
    [['remedy', 'nop-tr'], 64, 'did you mean "no-ptr"?'],
    [['remedy', '550 5.7.1 go away'], 64, 'this is no refusal of iprevd (paste it whole'],
    [['check', '192.0.2.1', '--policy', 'nope'], 78, 'nope: no such file (looked for nope and policies/nope.yaml)'],
    [['check', '192.0.2.1', '--zone', bad], 78, 'unknown outcome "1" (known here: nxdomain, nodata'],
    [['serve', '--config', '/nonexistent/iprevd.yaml'], 78, '/nonexistent/iprevd.yaml: no such file'],
    [
      ['demo', '--config', file('one.yaml', 'doors: [{ kind: policy, listen: 127.0.0.1:0 }]\n')],
      78,
      'the demo plays through two smtp doors',
    ],
    [['check', '192.0.2.1', '--policy', folder.path], 78, 'is a folder, not a file'],
    [['serve', '--config', bad], 78, ':1:17: unknown word "smpt" (did you mean "smtp"?)'],
    [['serve', '--log-level', 'loud'], 64, 'Allowed choices are debug, info, warn, error, silent'],
  ])('%j exits %d', async (args, exitCode, words) => {
    const { code, output } = await iprevd(...args);
    expect(output).toContain(words);
    expect(code).toBe(exitCode);
    expect(output).not.toMatch(/^\s+at /m); // no stack trace
  });

  test('mistakes in configuration, policy and zone come together', async () => {
    file('p.yaml', 'rules: []\n');
    file('z.yaml', 'a.example: servfial\n');
    const config = file(
      'three.yaml',
      'doors: [{ kind: policy, listen: 127.0.0.1:0 }]\npolicy: p.yaml\ndns: { zone: z.yaml }\n',
    );
    const { code, output } = await iprevd('serve', '--config', config);
    expect(code).toBe(78);
    expect(
      output
        .trim()
        .split('\n')
        .map((line) => line.replace(folder.path, '').replace(/^\//, '')),
    ).toEqual([
      'p.yaml:1:1: "otherwise" is missing',
      'z.yaml:1:12: unknown outcome "servfial" (did you mean "servfail"?)',
    ]);
  });

  test('a port in use is one sentence, and no other door stays open', async () => {
    const port = await freePort();
    const config = file(
      'twice.yaml',
      `doors: [{ kind: policy, listen: 127.0.0.1:0 }, { kind: policy, listen: 127.0.0.1:${port} }]\n`,
    );
    const first = start('node', [cli, 'serve', '--config', config]);
    await until('the first listens', () => first.output().match(/listening/g)?.length === 2);
    const { code, output } = await iprevd('serve', '--config', config);
    expect(code).toBe(69);
    expect(output).toContain(`iprevd: cannot listen on 127.0.0.1:${port}: another program is there already`);
    expect(await first.stop()).toBe(0);
  });

  test('help answers on every level', async () => {
    for (const args of [
      ['--help'],
      ['check', '--help'],
      ['audit', '--help'],
      ['remedy', '--help'],
      ['serve', '--help'],
      ['demo', '--help'],
    ]) {
      const { code, output } = await iprevd(...args);
      expect(code).toBe(0);
      expect(output).toContain('Usage: iprevd');
    }
  });
});

test('SIGHUP reads the policy again, in the running service', async () => {
  const policy = file('hup.yaml', 'rules: []\notherwise: accept\n');
  const port = await freePort();
  const config = file('hup-config.yaml', `doors: [{ kind: policy, listen: 127.0.0.1:${port} }]\npolicy: ${policy}\n`);
  const service = start('node', [cli, 'serve', '--config', config]);
  try {
    await until('it listens', () => service.output().includes('"listening"'));
    // The file has not changed, so only the signal can be the reason.
    service.child.kill('SIGHUP');
    await until('it is read', () => service.output().includes('policy is in force'));
  } finally {
    expect(await service.stop('SIGTERM')).toBe(0);
  }
});

test('the policies that come with iprevd, and the examples, are right', async () => {
  for (const policy of readdirSync(join(projectFolder, 'policies'))) {
    expect((await iprevd('check', '127.0.0.2', '--zone', zone, '--policy', `policies/${policy}`)).code).toBe(0);
  }
});

test('the demo: eight clients, eight lines, the right verdicts, and the log beside them', async () => {
  const ports = await Promise.all([freePort(), freePort(), freePort(), freePort(), freePort()]);
  const original = readFileSync(join(projectFolder, 'deploy/demo/iprevd.yaml'), 'utf8');
  const moved = [2525, 2526, 2527, 10045, 10047].reduce(
    (text, port, i) => text.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${ports[i]}`),
    original,
  );
  file('zone.yaml', readFileSync(join(projectFolder, zone), 'utf8'));
  const running = start('node', [
    cli,
    'demo',
    '--config',
    file('demo.yaml', moved),
    '--folder',
    join(folder.path, 'var'),
  ]);
  await until('the demo says what next', () => running.output().includes('Ctrl-C ends it.'));
  const shown = running.output().split('\n').slice(1, 9);
  expect(shown.map((line) => line.replace(/ {2,}/g, '|').replace(/(stored as|ref) .*/, '$1'))).toEqual([
    'confirmed|127.0.0.2|mail.good.example|pass confirmed|accept|otherwise|250 2.0.0 stored as',
    'no PTR|127.0.0.3|-|permerror no-ptr|reject|no-ptr|550 5.7.25 no PTR record for 127.0.0.3 [PTR 3.0.0.127.in-addr.arpa: NXDOMAIN] (ref',
    'mismatch|127.0.0.4|mail.elsewhere.example|fail mismatch|tag|unconfirmed|250 2.0.0 stored as',
    'stale name|127.0.0.5|old.gone.example|fail stale|tag|unconfirmed|250 2.0.0 stored as',
    'generic name|127.0.0.6|127-0-0-6.dyn.isp.example|pass confirmed|tag|generic-name 250 2.0.0 stored as',
    'SERVFAIL|127.0.0.7|-|temperror ptr-servfail|defer|trouble|450 4.7.25 reverse DNS of 127.0.0.7 could not be checked [PTR 7.0.0.127.in-addr.arpa: SERVFAIL] (ref',
    'second PTR|127.0.0.8|mail.customer.example (2)|pass confirmed|accept|otherwise|250 2.0.0 stored as',
    'IPv6|2001:db8::25|six.example|pass confirmed|accept|otherwise|250 2.0.0 stored as',
  ]);
  expect(readdirSync(join(folder.path, 'var/maildir/new'))).toHaveLength(6);
  const decisions = readFileSync(join(folder.path, 'var/iprevd.log'), 'utf8').match(/"msg":"decision"/g);
  expect(decisions).toHaveLength(8);
  expect(running.output()).toMatch(/The console: http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}\n/);
  expect(await running.stop('SIGINT')).toBe(0);
});

test('lookup in a journal that was copied here wants no configuration, but one that is named has to be there', async () => {
  const copied = join(folder.path, 'copied');
  mkdirSync(copied);
  const came = Date.parse('2026-11-21T06:34:58.000Z');
  const ref = makeRefs(() => came, 7)();
  writeFileSync(join(copied, '2026-11-21T06.jsonl'), lineOf({ id: ref, at: new Date(came).toISOString() }));
  const { code, output } = await iprevd('lookup', ref, '--journal', copied);
  expect(output).toContain('No configuration was found');
  expect(code).toBe(0);
  expect((await iprevd('lookup', ref, '--journal', copied, '--config', join(copied, 'none.yaml'))).code).toBe(78);
});
