// Mistakes in the files of an operator: each with its place and the nearest word, all in one go.

import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../../src/config.ts';
import { type Checked, printProblem } from '../../src/core/problem.ts';
import { readPolicy } from '../../src/core/schema.ts';
import { readZone } from '../../src/core/zone.ts';

const problemsOf = (checked: Checked<unknown>): string[] => (checked.ok ? [] : checked.problems.map(printProblem));

describe('configuration', () => {
  const config = (text: string) => problemsOf(readConfig(text, 'c.yaml'));
  const door = 'doors: [{ kind: policy, listen: 127.0.0.1:1 }]\n';

  test('the example of the documentation is right, and means what it says', () => {
    const checked = readConfig(
      `name: MX.example.org
doors:
  - { kind: smtp,   listen: "[::1]:2525", backend: mail.internal:25, proxy: ["::ffff:192.0.2.9"] }
  - { kind: policy, listen: unix:/run/iprevd/policy.sock }
dns: { servers: [127.0.0.1:5353, "::1", "[2001:db8::1]:54"], timeout: 500ms }
policy: policies/standard.yaml
log: { level: warn }
`,
      'c.yaml',
    );
    expect(checked).toEqual({
      ok: true,
      value: {
        name: 'mx.example.org',
        doors: [
          {
            kind: 'smtp',
            listen: { kind: 'tcp', host: '::1', port: 2525 },
            backend: { servers: [{ kind: 'tcp', host: 'mail.internal', port: 25 }] },
            proxy: ['192.0.2.9'],
          },
          { kind: 'policy', listen: { kind: 'unix', path: '/run/iprevd/policy.sock' } },
        ],
        dns: {
          servers: [
            { ip: '127.0.0.1', port: 5353 },
            { ip: '::1', port: 53 },
            { ip: '2001:db8::1', port: 54 },
          ],
          timeout: 500,
        },
        policy: 'policies/standard.yaml',
        log: { level: 'warn' },
      },
    });
  });

  test('the console listens nearby, where a browser goes', () => {
    const at = (listen: string) => config(`${door}console: { listen: "${listen}" }\n`);
    for (const near of ['127.0.0.1:10047', '[::1]:1', 'unix:/run/c.sock', '127.9.9.9:1'])
      expect([near, at(near)]).toEqual([near, []]);
    for (const far of ['0.0.0.0:10047', '[::]:10047', '192.0.2.1:1', '10.0.0.1:1', 'console.example:1'])
      expect([far, at(far)]).toEqual([far, [expect.stringContaining('can be reached from elsewhere')]]);
    expect(at('127.0.0.1:10080')).toEqual([expect.stringContaining('no browser connects to port 10080')]);
    expect(config(`${door}console: { listen: "127.0.0.1:1", edt: true }\n`)).toEqual([
      expect.stringContaining('did you mean "edit"'),
    ]);
  });

  test('a door with every setting there is', () => {
    const checked = readConfig(
      `doors:
  - kind: smtp
    listen: 0.0.0.0:25
    backend:
      servers: [mail.internal:25, "[2001:db8::1]:25", unix:/run/lmtp]
      protocol: lmtp
      identify: xforward
      tls: verify
      tls_name: Mail.example
      tls_ca: ca.pem
    proxy: [192.0.2.1, "2001:DB8::9"]
    xclient: ["::1"]
    greeting_delay: 30s
    bare_newline: normalize
    tls: { certificate: cert.pem, key: /etc/key.pem, ask_clients: true }
    received: true
    limits: { connections: 1, per_address: 2, per_network: 3, recipients: 1000, message: 64k }
    expect_private_clients: true
`,
      'c.yaml',
    );
    expect(checked).toEqual({
      ok: true,
      value: {
        doors: [
          {
            kind: 'smtp',
            listen: { kind: 'tcp', host: '0.0.0.0', port: 25 },
            backend: {
              servers: [
                { kind: 'tcp', host: 'mail.internal', port: 25 },
                { kind: 'tcp', host: '2001:db8::1', port: 25 },
                { kind: 'unix', path: '/run/lmtp' },
              ],
              protocol: 'lmtp',
              identify: 'xforward',
              tls: 'verify',
              tls_name: 'mail.example',
              tls_ca: 'ca.pem',
            },
            proxy: ['192.0.2.1', '2001:db8::9'],
            xclient: ['::1'],
            greeting_delay: 30_000,
            bare_newline: 'normalize',
            tls: { certificate: 'cert.pem', key: '/etc/key.pem', ask_clients: true },
            received: true,
            limits: { connections: 1, per_address: 2, per_network: 3, recipients: 1_000, message: 65_536 },
            expect_private_clients: true,
          },
        ],
      },
    });
  });

  test.each([
    ['{ dir: /var/lib/iprevd/journal }', { dir: '/var/lib/iprevd/journal' }],
    [
      '{ dir: journal, keep: 30d, max: 10GB, envelope: domains }',
      { dir: 'journal', keep: 2_592_000_000, max: 10_737_418_240, envelope: 'domains' },
    ],
  ])('a journal: %s', (text, journal) => {
    const checked = readConfig(`${door}journal: ${text}`, 'c.yaml');
    expect(checked.ok && checked.value.journal).toEqual(journal);
  });

  test.each([
    ['{}', '10: "dir" is missing'],
    ['{ dir: "" }', '17: a journal needs a folder'],
    ['{ dir: x, keep: 30 }', '26: "30" is not a time such as 5s or 500ms'],
    ['{ dir: x, keep: 30m }', '26: a journal is kept for 1h at least'],
    ['{ dir: x, max: 10TB }', '25: "10TB" is not a size such as 10GB, of at least 1024k'],
    ['{ dir: x, max: 10 }', '25: "10" is not a size such as 10GB, of at least 1024k'],
    ['{ dir: x, envelope: some }', '30: unknown word "some" (did you mean "none"?)'],
    ['{ dir: x, kepp: 30d }', '20: unknown key "kepp" (did you mean "keep"?)'],
  ])('a mistake in the journal: %s', (text, problem) =>
    expect(config(`${door}journal: ${text}`)).toEqual([`c.yaml:2:${problem}`]),
  );

  const doorOf = (more: string) => `doors: [{ kind: smtp, listen: 127.0.0.1:1, ${more} }]`;
  const server = { kind: 'tcp', host: '127.0.0.1', port: 2 };

  test.each([
    ['127.0.0.1:2', [server]],
    ['unix:/run/lmtp', [{ kind: 'unix', path: '/run/lmtp' }]],
    ['{ servers: 127.0.0.1:2 }', [server]],
    ['{ servers: [127.0.0.1:2] }', [server]],
  ])('a backend in short: %s', (text, servers) => {
    const checked = readConfig(doorOf(`backend: ${text}`), 'c.yaml');
    expect(checked.ok && checked.value.doors[0]).toMatchObject({ backend: { servers } });
  });

  test.each([
    ['1048576', 1_048_576],
    ['"65536"', 65_536],
    ['100k', 102_400],
    ['50M', 52_428_800],
    ['50MB', 52_428_800],
    ['1GB', 1_073_741_824],
  ])('a size: %s', (text, message) => {
    const checked = readConfig(doorOf(`backend: 127.0.0.1:2, limits: { message: ${text} }`), 'c.yaml');
    expect(checked.ok && checked.value.doors[0]).toMatchObject({ limits: { message } });
  });

  const noPlace = 'is not an address and port such as 127.0.0.1:2525 or [::1]:2525, or unix:/path';
  const noSize = 'is not a size such as 50M, of at least 64k';
  const boolean = 'expected true or false, found';
  test.each([
    ['backend: 5', '53: expected a map, found "5"'],
    ['backend: [127.0.0.1:2]', '53: expected a map, found "["127.0.0.1:2"]"'],
    ['backend: nowhere', `53: "nowhere" ${noPlace}`],
    ['backend: {}', '53: "servers" is missing'],
    ['backend: { servers: [] }', '64: a backend needs a server'],
    ['backend: { servers: nowhere }', `64: "nowhere" ${noPlace}`],
    ['backend: { servers: [127.0.0.1:2, nowhere] }', `78: "nowhere" ${noPlace}`],
    ['backend: { servers: 127.0.0.1:2, tsl: may }', '77: unknown key "tsl" (did you mean "tls"?)'],
    ['backend: { servers: 127.0.0.1:2, protocol: lmpt }', '87: unknown word "lmpt" (did you mean "lmtp"?)'],
    ['backend: { servers: 127.0.0.1:2, identify: xclent }', '87: unknown word "xclent" (did you mean "xclient"?)'],
    ['backend: { servers: 127.0.0.1:2, tls: yes }', '82: unknown word "yes" (known here: none, may, encrypt, verify)'],
    ['backend: { servers: 127.0.0.1:2, tls: verify, tls_name: "no name" }', '100: "no name" is not a host name'],
    ['backend: { servers: 127.0.0.1:2, tls_name: a.example }', '87: "tls_name" says nothing without "tls: verify"'],
    ['backend: { servers: 127.0.0.1:2, tls: verify, tls_ca: 5 }', '98: expected text, found "5"'],
    ['proxy: 127.0.0.1', '73: expected a list, found "127.0.0.1"'],
    ['proxy: [127.0.0.0/8]', '74: "127.0.0.0/8" is not an IP address'],
    ['xclient: [localhost]', '76: "localhost" is not an IP address'],
    ['greeting_delay: 31s', '82: clients do not wait longer than 30s for a greeting'],
    ['greeting_delay: 5', '82: "5" is not a time such as 5s or 500ms'],
    ['greeting_delay: -1s', '82: "-1s" is not a time such as 5s or 500ms'],
    ['bare_newline: normalise', '80: unknown word "normalise" (did you mean "normalize"?)'],
    ['received: yes', `76: ${boolean} "yes"`],
    ['tls: { certificate: a }', '71: "key" is missing'],
    ['tls: { key: a }', '71: "certificate" is missing'],
    ['tls: { certificate: a, key: b, ask_clients: maybe }', `110: ${boolean} "maybe"`],
    ['tls: { certificate: a, key: b, ca: c }', '97: unknown key "ca" (known here: certificate, key, ask_clients)'],
    ['limits: []', '74: expected a map, found "[]"'],
    ['limits: { connections: 0 }', '89: at least 1'],
    ['limits: { connections: 1.5 }', '89: expected int, found "1.5"'],
    ['limits: { per_address: many }', '89: expected a number, found "many"'],
    ['limits: { per_network: -1 }', '89: at least 1'],
    ['limits: { per_adress: 5 }', '76: unknown key "per_adress" (did you mean "per_address"?)'],
    ['limits: { recipients: 1001 }', '88: Too big: expected number to be <=1000'],
    ['limits: { message: 63k }', `85: "63k" ${noSize}`],
    ['limits: { message: 50MX }', `85: "50MX" ${noSize}`],
    ['limits: { message: 50.5M }', `85: "50.5M" ${noSize}`],
    ['limits: { message: -65536 }', `85: "-65536" ${noSize}`],
    ['limits: { message: 999999999999999 }', `85: "999999999999999" ${noSize}`],
    ['gretting_delay: 5s', '66: unknown key "gretting_delay" (did you mean "greeting_delay"?)'],
  ])('a mistake in an SMTP door: %s', (text, problem) => {
    const whole = text.startsWith('backend') ? text : `backend: 127.0.0.1:2, ${text}`;
    expect(config(doorOf(whole))).toEqual([`c.yaml:1:${problem}`]);
  });

  test('a milter door', () => {
    const checked = readConfig('doors: [{ kind: milter, listen: "unix:/x", socket: { mode: 0660 } }]', 'c.yaml');
    expect(checked.ok && checked.value.doors[0]).toMatchObject({ kind: 'milter', listen: { path: '/x' } });
  });

  test.each([
    ['{ mode: 0660, owner: postfix, group: 105 }', { mode: 0o660, owner: 'postfix', group: '105' }],
    ['{ mode: "0600" }', { mode: 0o600 }],
  ])('the socket of a policy door: %s', (text, socket) => {
    const checked = readConfig(`doors: [{ kind: policy, listen: "unix:/x", socket: ${text} }]`, 'c.yaml');
    expect(checked.ok && checked.value.doors[0]).toMatchObject({ socket });
  });

  test.each([
    ['unix:/x', '{ mode: 0888 }', '60: "888" is not a mode such as 0660'],
    ['unix:/x', '{ moed: 0660 }', '54: unknown key "moed" (did you mean "mode"?)'],
    ['127.0.0.1:1', '{ mode: 0660 }', '56: "socket" is for a UNIX socket, and this door has an address'],
  ])('a mistake in the socket of a policy door at %s: %s', (listen, text, problem) => {
    expect(config(`doors: [{ kind: policy, listen: "${listen}", socket: ${text} }]`)).toEqual([`c.yaml:1:${problem}`]);
  });

  test('an SMTP door without a backend', () => {
    expect(config('doors: [{ kind: smtp, listen: 127.0.0.1:1 }]')).toEqual(['c.yaml:1:9: "backend" is missing']);
  });

  test('everything that is wrong comes at once', () => {
    expect(
      config(`name: not a name
doors:
  - { kind: smpt, listen: 127.0.0.1:2525, backend: 127.0.0.1:10025 }
  - { kind: policy, lisen: 127.0.0.1:10045 }
  - { kind: smtp, listen: unix:/x, backend: { servers: [unix:/y, 127.0.0.1] } }
dns: { servers: [127.0.0.1:5353, example.org], timeout: 5 }
polcy: x
`),
    ).toEqual([
      'c.yaml:1:7: "not a name" is not a host name',
      'c.yaml:3:13: unknown word "smpt" (did you mean "smtp"?)',
      'c.yaml:4:5: "listen" is missing',
      'c.yaml:4:21: unknown key "lisen" (did you mean "listen"?)',
      'c.yaml:5:27: "unix:/x" must be an address and a port here',
      'c.yaml:5:66: "127.0.0.1" is not an address and port such as 127.0.0.1:2525 or [::1]:2525, or unix:/path',
      'c.yaml:6:34: "example.org" is not the address of a DNS server such as 127.0.0.1 or 127.0.0.1:5353',
      'c.yaml:6:57: "5" is not a time such as 5s or 500ms',
      'c.yaml:7:1: unknown key "polcy" (did you mean "policy"?)',
    ]);
  });

  test.each([
    ['', 'c.yaml:1:1: expected a map, found nothing'],
    ['doors: []', 'c.yaml:1:8: without a door nobody can come in'],
    ['name: x', 'c.yaml:1:1: "doors" is missing'],
    [`${door}dns: { timeout: 5ms }`, 'c.yaml:2:17: a DNS timeout lies between 100ms and 1m'],
    [`${door}dns: { servers: [127.0.0.1], zone: z.yaml }`, 'c.yaml:2:6: "servers" and "zone" exclude each other'],
    [`${door}log: { level: loud }`, 'c.yaml:2:15: unknown word "loud" (known here: debug, info, warn, error, silent)'],
    [
      'doors: [{ kind: policy, listen: 127.0.0.1:1 }, { kind: policy, listen: 127.0.0.1:1 }]',
      'c.yaml:1:72: another door listens on 127.0.0.1:1 already',
    ],
    [
      'doors: [{ kind: policy, listen: 127.0.0.1:99999 }]',
      'c.yaml:1:33: "127.0.0.1:99999" is not an address and port such as 127.0.0.1:2525 or [::1]:2525, or unix:/path',
    ],
    [`${door}name: a\nname: b`, 'c.yaml:3:1: this key stands twice in its map'],
    ['doors: [', 'c.yaml:1:9: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    [`# ${'x'.repeat(4 * 1024 * 1024)}\n${door}`, 'c.yaml: larger than 4194304 octets'],
    [
      'a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]',
      'c.yaml: aliases that expand without end',
    ],
  ])('%#: one mistake, one sentence', (text, problem) => expect(config(text)).toEqual([problem]));
});

describe('policy', () => {
  test('what a rule may say about names, dates and stages is checked word by word', () => {
    const text = `rules:
  - { id: a, when: { ptr: "*.example" }, tag: x }
  - { id: b, when: { ptr: { matches: "(?=x)" } }, tag: x }
  - { id: c, when: { helo: { unter: example } }, tag: x }
  - { id: d, when: { helo_is: fqnd }, tag: x }
  - { id: e, except: { when: { client_ip: 192.0.2.1 } }, tag: x }
  - { id: f, until: 2026-02-31, except: { when: { iprev: pass }, why: x, until: "2026-02-31T00:00Z" }, tag: x }
  - { id: g, percent: 101, tag: x }
  - { id: h, when: { time: { from: "8:00", zone: Berlin } }, tag: x }
  - { id: i, tag: { header: Subject, value: x } }
  - { id: j, tag: { header: X-A, value: "{nam}" } }
  - { id: k, hold: true }
  - { id: l, when: { ptr: { under: "not a domain" } }, tag: x }
  - { id: otherwise, tag: x }
otherwise: accept
announce: data
`;
    expect(problemsOf(readPolicy(text, 'p.yaml'))).toEqual([
      'p.yaml:2:27: "*.example" is meant as it is written (for a pattern write { glob: "*.example" })',
      'p.yaml:3:38: "(?=x)": "(?=" looks around, which cannot be done in linear time (write two conditions, one of them under "not")',
      'p.yaml:4:30: unknown key "unter" (did you mean "under"?)',
      'p.yaml:5:31: unknown word "fqnd" (did you mean "fqdn"?)',
      'p.yaml:6:22: "why" is missing',
      'p.yaml:7:81: "2026-02-31T00:00Z" is not a date such as 2026-12-31 or 2026-12-31T18:00Z',
      'p.yaml:7:21: "2026-02-31" is not a date such as 2026-12-31 or 2026-12-31T18:00Z',
      'p.yaml:8:23: Too big: expected number to be <=100',
      'p.yaml:9:36: "8:00" is not a time of day such as "08:00"',
      'p.yaml:9:50: "Berlin" is no time zone such as Europe/Berlin',
      'p.yaml:10:29: "Subject" is not a field name such as X-Reverse-DNS',
      'p.yaml:11:41: unknown field {nam} in the text (did you mean "name"?)',
      'p.yaml:13:36: "not a domain" is not a domain',
      'p.yaml:16:11: unknown word "data" (known here: connect, helo, mail, rcpt)',
      'p.yaml:12:20: "hold" is switched off (mail that is held waits for a person; if somebody looks, say allow_hold: true)',
      'p.yaml:14:11: the id "otherwise" is taken',
    ]);
  });

  const policy = (rules: string, otherwise = 'otherwise: accept') =>
    problemsOf(readPolicy(`rules:\n${rules}\n${otherwise}\n`, 'p.yaml'));

  test('everything that is wrong comes at once', () => {
    expect(
      policy(`
  - { id: a, when: { iprv: permerror }, reject: "no PTR for {ipp}" }
  - { id: b, when: { iprev: fial } }
  - { id: c, when: { iprev: [fail, permeror] }, tagg: x }
  - { id: d, when: { client_ip: 192.0.2.1/24 }, defer: { code: 250, text: x } }
  - { id: e, when: { client_ip: [192.0.2.1/33, foo] }, reject: { code: 550, status: 4.7.1, text: x }, accept: true }
  - { id: f, when: { not: { any: [{ iprev: pass }, { raeson: x }] } }, reject: { cod: 550, text: x } }`),
    ).toEqual([
      'p.yaml:3:22: unknown key "iprv" (did you mean "iprev"?)',
      'p.yaml:3:49: unknown field {ipp} in the text (did you mean "ip"?)',
      'p.yaml:4:29: unknown word "fial" (did you mean "fail"?)',
      'p.yaml:4:5: no action; give one of accept, tag, score, hold, defer, reject',
      'p.yaml:5:36: unknown word "permeror" (did you mean "permerror"?)',
      'p.yaml:5:49: unknown key "tagg" (did you mean "tag"?)',
      'p.yaml:6:33: "192.0.2.1/24" is not an address or a CIDR range (did you mean 192.0.2.0/24?)',
      "p.yaml:6:64: a refusal's code is 4xx or 5xx, not 250",
      'p.yaml:7:34: "192.0.2.1/33" is not an address or a CIDR range (the prefix is too long)',
      'p.yaml:7:48: "foo" is not an address or a CIDR range (write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32)',
      'p.yaml:7:85: status 4.7.1 and code 550 contradict each other',
      'p.yaml:7:64: "accept" has decided already; keep one of the two',
      'p.yaml:8:54: unknown key "raeson" (did you mean "reason"?)',
      'p.yaml:8:82: unknown key "cod" (did you mean "code"?)',
    ]);
  });

  test.each([
    ['  - { id: a, tag: x }\n  - { id: a, tag: y }', 'p.yaml:3:11: the id "a" is taken'],
    ['  - { id: otherwise, tag: x }', 'p.yaml:2:11: the id "otherwise" is taken'],
    ['  - { tag: x }', 'p.yaml:2:5: "id" is missing'],
    ['  - { id: a, tag: "Bad Tag" }', 'p.yaml:2:19: a tag is a word of a-z, 0-9 and "-", 64 at most'],
    ['  - { id: a, mode: monitr, tag: x }', 'p.yaml:2:20: unknown word "monitr" (did you mean "monitor"?)'],
    ['  - { id: a, score: high }', 'p.yaml:2:21: expected a number, found "high"'],
    ['  - { id: a, accept: false }', 'p.yaml:2:22: unknown word "false" (write "accept: true")'],
    [
      '  - { id: a, when: {}, tag: x }',
      'p.yaml:2:20: a condition cannot be empty; leave "when" out for a rule that always holds',
    ],
    ['  - { id: a, when: [], tag: x }', 'p.yaml:2:20: an empty list holds for nobody'],
    ['  - { id: a, when: { iprev: [] }, tag: x }', 'p.yaml:2:29: an empty list holds for nobody'],
    ['  - { id: a, when: { any: [] }, tag: x }', 'p.yaml:2:27: "any" needs a condition'],
    [
      '  - { id: a, defer: { code: 550, text: x } }',
      'p.yaml:2:29: "defer" takes a 4xx code; 550 is for good, write "reject"',
    ],
    ['  - { id: a, reject: { code: 450.5, text: x } }', "p.yaml:2:30: a refusal's code is 4xx or 5xx, not 450.5"],
    ['  - { id: a, reject: { code: 600, text: x } }', "p.yaml:2:30: a refusal's code is 4xx or 5xx, not 600"],
    ['  - { id: a, reject: { code: .nan, text: x } }', 'p.yaml:2:30: expected a number, found "null"'],
    ['  - { id: a, reject: { status: 5.7, text: x } }', 'p.yaml:2:32: expected text, found "5.7"'],
    ['  - { id: a, reject: { text: "" } }', 'p.yaml:2:30: a refusal needs a sentence for the sender'],
    ['  - { id: a, reject: { code: 550 } }', 'p.yaml:2:22: "text" is missing'],
    [
      `  - { id: a, when: ${'{ not: '.repeat(40)}{ iprev: pass }${' }'.repeat(40)}, tag: x }`,
      'p.yaml:2:20: nested deeper than 32',
    ],
  ])('%#: one mistake, one sentence', (rules, problem) => expect(policy(rules)).toEqual([problem]));

  test('without otherwise nobody knows what holds', () => {
    expect(problemsOf(readPolicy('rules: []', 'p.yaml'))).toEqual(['p.yaml:1:1: "otherwise" is missing']);
    expect(policy('  []', 'otherwise: acept')).toEqual(['p.yaml:3:12: unknown word "acept" (did you mean "accept"?)']);
  });

  test('the smallest policy of the documentation is right', () => {
    expect(
      policy(`
  - { id: no-ptr,      when: { iprev: permerror }, reject: "no PTR record for {ip}" }
  - { id: unconfirmed, when: { iprev: fail },      tag: unconfirmed }
  - { id: trouble,     when: { iprev: temperror }, defer: "reverse DNS could not be checked" }`),
    ).toEqual([]);
  });
});

describe('zone', () => {
  test.each([
    ['a.example: servfial', 'z.yaml:1:12: unknown outcome "servfial" (did you mean "servfail"?)'],
    ['192.0.2.7: []', 'z.yaml:1:12: an empty list; write nodata for a name without records'],
    [
      'a.example: { cname: b.example, xyz: y }',
      'z.yaml:1:32: unknown key "xyz" (known here: cname, a, aaaa, error, ede, text)',
    ],
    [
      '192.0.2.7: a.example\n7.2.0.192.in-addr.arpa: b.example',
      'z.yaml:2:25: "7.2.0.192.in-addr.arpa" and "192.0.2.7" are one name',
    ],
    ['a.example: { eror: servfail }', 'z.yaml:1:14: unknown key "eror" (did you mean "error"?)'],
    ['a.example: { error: servfail, ede: 70000 }', 'z.yaml:1:36: a number from 0 to 65535'],
    [
      'a.example: { cname: b.example, error: servfail }',
      'z.yaml:1:12: write { cname: name }, { a: …, aaaa: … } or { error: …, ede: …, text: … }',
    ],
    [
      'a.example: { cname: b.example, ede: 6 }',
      'z.yaml:1:12: write { cname: name }, { a: …, aaaa: … } or { error: …, ede: …, text: … }',
    ],
    [
      'a.example: { error: servfail, text: x }',
      'z.yaml:1:12: write { cname: name }, { a: …, aaaa: … } or { error: …, ede: …, text: … }',
    ],
    ['a.example: a.example\nA.Example.: b.example', 'z.yaml:2:13: "A.Example." and "a.example" are one name'],
  ])('%#: one mistake, one sentence', (text, problem) =>
    expect(problemsOf(readZone(text, 'z.yaml'))).toEqual([problem]),
  );
});
