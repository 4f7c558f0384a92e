import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decide } from '../../../../src/core/decide.ts';
import { iprevReasons } from '../../../../src/core/iprev.ts';
import { everyCase } from '../../../../src/core/lint/every-case.ts';
import { lint } from '../../../../src/core/lint/lint.ts';
import { type Formula, satisfiable } from '../../../../src/core/lint/satisfiable.ts';
import { domainLike, slowElsewhere } from '../../../../src/core/lint/slow-pattern.ts';
import { evidences, policies } from '../../../support/arbitraries.ts';
import { policyOf } from '../../../support/doors.ts';

const now = Date.parse('2026-11-21T00:00:00Z');

/** What is said about these rules, each a line, under `otherwise: accept` and what else is given. */
function said(rules: readonly string[], rest = ''): readonly string[] {
  const text = `rules:\n${rules.map((rule) => `  - ${rule}\n`).join('')}otherwise: accept\n${rest}`;
  return lint(policyOf(text), text, 'p.yaml', now).map(
    ({ severity, where, what }) => `${where.replace('p.yaml:', '')} ${severity}: ${what}`,
  );
}

describe('a rule that never holds', () => {
  test.each([
    ['{ iprev: pass, reason: no-ptr }'],
    ['{ reason: ptr-timeout, verified_name: a.example }'],
    ['{ reason: [ptr-empty, ptr-timeout], ptr: a.example }'],
    ['{ naming: generic, names: 0 }'],
    ['{ reason: mismatch, names: { at_least: 11 } }'],
    ['{ all: [{ names: { at_least: 3 } }, { names: { at_most: 2 } }] }'],
    ['{ all: [{ helo: a.example }, { helo: [b.example, c.example] }] }'],
    ['{ all: [{ helo: a.example }, { helo: { matches: "^b" } }] }'],
    ['{ helo: a.example, not: { helo: { under: example } } }'],
    ['{ all: [{ sender: "@a.example" }, { sender: { under: b.example } }] }'],
    ['{ sender: "", not: { sender: ["", x@a.example] } }'],
    ['{ all: [{ recipient: joe@a.example }, { not: { recipient: "joe@" } }] }'],
    ['{ all: [{ client_ip: 192.0.2.0/24 }, { client_ip: 198.51.100.7 }] }'],
    ['{ client_ip: 192.0.2.7, not: { client_ip: [10.0.0.0/8, 192.0.2.0/24] } }'],
    ['{ not: { client_ip: [0.0.0.0/0, "::/0"] } }'],
    ['{ verified_name: a.example, not: { ptr: { under: example } } }'],
    ['{ all: [{ helo_is: fqdn }, { helo_is: bare-ip }] }'],
    [
      '{ not: { helo_is: [absent, literal, other-literal, bare-ip, localhost, ours, not-fqdn, fqdn, unicode, invalid] } }',
    ],
    ['{ all: [{ door: smtp }, { door: [policy, check] }] }'],
    ['{ all: [{ port: 25 }, { port: [465, 587] }] }'],
    ['{ all: [{ early_talker: true }, { early_talker: false }] }'],
    ['{ early_talker: true, not: { early_talker: true } }'],
    ['{ helo_is: literal, helo_dns: client }'],
    ['{ all: [{ helo_dns: client }, { helo_dns: nowhere }] }'],
    ['{ not: { helo_dns: [client, elsewhere, other-family, nowhere, temperror, not-asked] } }'],
    ['{ certificate: none, alignment: { pair: certificate-helo } }'],
    ['{ certificate: unverified, alignment: { pair: certificate-ptr, level: exact } }'],
    ['{ helo_is: absent, alignment: { pair: helo-ptr, level: none } }'],
    ['{ iprev: fail, alignment: { pair: helo-ptr } }'],
    ['{ reason: no-ptr, alignment: { pair: sender-ptr, level: claimed } }'],
    ['{ all: [{ alignment: { pair: helo-ptr, level: none } }, { alignment: { pair: helo-ptr, level: exact } }] }'],
  ])('%s', (when) => {
    expect(said([`{ id: x, when: ${when}, tag: t }`])).toEqual([
      '2:5 warning: "x" can never hold: its conditions contradict each other',
    ]);
  });

  test.each([
    ['{ iprev: fail, names: { at_most: 10 } }'],
    ['{ all: [{ ptr: a.example }, { ptr: b.example }] }'], // a client has several names
    ['{ all: [{ verified_name: { under: a.example } }, { ptr: { under: b.example } }] }'],
    ['{ ptr: a.example, not: { verified_name: a.example } }'],
    ['{ reason: ptr-invalid, ptr: { glob: "* *" } }'],
    ['{ all: [{ sender: "joe@" }, { sender: { under: example } }] }'],
    ['{ client_ip: 192.0.2.0/24, not: { client_ip: 192.0.2.7 } }'],
    ['{ all: [{ sender: { list: a.txt } }, { sender: { under: example } }] }'],
    ['{ all: [{ time: { days: sat } }, { time: { days: sun, zone: Asia/Tokyo } }] }'],
    ['{ early_talker: true, iprev: pass }'],
  ])('but not %s', (when) => {
    expect(said([`{ id: x, when: ${when}, tag: t }`])).toEqual([]);
  });

  test('because of what stands elsewhere', () => {
    expect(
      said(
        [
          '{ id: user, when: { authenticated: true }, tag: t }',
          '{ id: at-submission, when: { port: [465, 587] }, tag: t }',
          '{ id: at-two-ports, when: { port: [25, 587] }, tag: t }',
          '{ id: inner, when: { client_ip: 10.1.2.3 }, tag: t }',
          '{ id: few, when: { helo_is: bare-ip }, score: 2 }',
          '{ id: much, when: { score: { at_least: 3 } }, tag: t }',
          '{ id: spared, when: { iprev: fail }, except: { when: { not: { iprev: pass } }, why: w }, tag: t }',
        ],
        'trusted: [10.0.0.0/8, 192.0.2.7]',
      ),
    ).toEqual([
      '2:5 warning: "user" can never hold: clients that logged in, or came to a submission port, pass before any rule',
      '3:5 warning: "at-submission" can never hold: clients that logged in, or came to a submission port, pass before any rule',
      '5:5 warning: "inner" can never hold: those it is about are trusted, and pass before any rule',
      '7:5 warning: "much" can never hold: the rules before it add up to 2 at most',
      '8:5 warning: "spared" can never hold: its exception spares them all',
    ]);
    expect(said(['{ id: user, when: { authenticated: true }, tag: t }'], 'authenticated: judge')).toEqual([]);
    // An exception that ends some day does not spare them for ever.
    const ending = '{ when: { iprev: fail }, why: w, until: 2027-12-31 }';
    expect(said([`{ id: x, when: { reason: stale }, except: ${ending}, tag: t }`])).toEqual([]);
  });
});

test.each([
  ['{ any: [{ iprev: pass }, { not: { reason: confirmed } }] }'],
  ['{ naming: [generic, custom, infrastructure, unknown] }'],
  ['{ iprev: [pass, fail, temperror, permerror] }'],
  ['{ not: { iprev: fail, reason: no-ptr } }'],
  ['{ time: { zone: Europe/Berlin } }'],
  ['[{ certificate: none }, { certificate: [verified, unverified] }]'],
  ['{ alignment: { pair: helo-ptr, level: [exact, organisation, claimed, none, unknown] } }'],
  ['{ score: { at_least: 0 } }'],
  ['[{ early_talker: false }, { early_talker: true }]'],
  ['[{ helo: a.example }, { not: { helo: { under: a.example } } }, { helo: { under: example } }]'],
])('a rule that always holds: %s', (when) => {
  expect(said([`{ id: x, when: ${when}, tag: t }`])).toEqual(['2:5 warning: "x" holds for every client']);
});

test('a rule without a condition, or of wide reach, says so already', () => {
  expect(said(['{ id: x, tag: t }', '{ id: y, when: { iprev: [pass, fail, permerror] }, tag: t }'])).toEqual([]);
});

describe('a rule that is never reached', () => {
  test.each([
    [
      'behind one that decides always',
      ['{ id: all, accept: true }', '{ id: x, when: { iprev: fail }, tag: t }'],
      '"all" decides for every client before it',
    ],
    [
      'of a reason whose result has decided',
      ['{ id: fail, when: { iprev: fail }, accept: true }', '{ id: x, when: { reason: stale, helo: a }, tag: t }'],
      'whoever it is about, "fail" has decided before',
    ],
    [
      'of an address in a network that has decided',
      [
        '{ id: net, when: { client_ip: [10.0.0.0/8, 192.0.2.0/24] }, accept: true }',
        '{ id: x, when: { client_ip: 192.0.2.7 }, tag: t }',
      ],
      'whoever it is about, "net" has decided before',
    ],
    [
      'of a mailbox at a domain that has decided',
      [
        '{ id: spam, when: { sender: { under: spam.example } }, accept: true }',
        '{ id: x, when: { sender: joe@a.spam.example }, tag: t }',
      ],
      'whoever it is about, "spam" has decided before',
    ],
    [
      'of a smaller score',
      [
        '{ id: s, when: { helo_is: bare-ip }, score: 5 }',
        '{ id: some, when: { score: { at_least: 2 } }, accept: true }',
        '{ id: x, when: { score: { at_least: 5 } }, tag: t }',
      ],
      'whoever it is about, "some" has decided before',
    ],
    [
      'behind several that decide together, and no more of them are named than that takes',
      [
        '{ id: a, when: { iprev: [pass, fail] }, accept: true }',
        '{ id: b, when: { helo: a.example }, accept: true }',
        '{ id: c, when: { naming: generic }, accept: true }',
        '{ id: d, when: { iprev: permerror, naming: [custom, infrastructure, unknown] }, accept: true }',
        '{ id: e, when: { iprev: temperror }, accept: true }',
        '{ id: x, tag: t }',
      ],
      'whoever it is about, "a", "c", "d" and "e" have decided before',
    ],
    [
      'of clients that speak early or do not, both of which have decided',
      [
        '{ id: early, when: { early_talker: true }, accept: true }',
        '{ id: others, when: { early_talker: false }, accept: true }',
        '{ id: x, when: { iprev: fail }, tag: t }',
      ],
      'whoever it is about, "early" and "others" have decided before',
    ],
    [
      'or two',
      [
        '{ id: a, when: { helo: a.example }, accept: true }',
        '{ id: b, when: { not: { helo: a.example } }, accept: true }',
        '{ id: x, tag: t }',
      ],
      'whoever it is about, "a" and "b" have decided before',
    ],
  ])('%s', (_, rules, why) => {
    const found = said(rules);
    expect(found.map((line) => line.replace(/^\S+ /, ''))).toContain(`warning: "x" is never reached: ${why}`);
    expect(found.filter((line) => line.includes('warning'))).toHaveLength(1);
  });

  test.each([
    ['monitored', 'mode: monitor, accept: true'],
    ['a share', 'percent: 50, accept: true'],
    ['for some time', 'until: 2027-12-31, accept: true'],
    ['but for an exception', 'except: { when: { helo: a }, why: w }, accept: true'],
    ['without deciding', 'tag: t'],
  ])('but not behind one that is %s', (_, how) => {
    expect(said([`{ id: a, when: { iprev: fail }, ${how} }`, '{ id: x, when: { reason: stale }, tag: t }'])).toEqual(
      [],
    );
  });
});

describe('refusals', () => {
  test('for good, of failed lookups alone', () => {
    expect(said(['{ id: x, when: { iprev: temperror }, reject: "no" }'])).toEqual([
      '2:5 warning: "x" never refuses with 550: it is about failed lookups alone, and is told as 450',
    ]);
    const ofForward = '{ id: x, when: { reason: [forward-timeout, forward-servfail] }, reject: "no" }';
    expect(said([ofForward])[0]).toContain('never refuses with 550');
    // Everybody else is refused for good too, so it stands.
    expect(said(['{ id: x, when: { iprev: temperror }, reject: "no" }', '{ id: all, reject: "no" }'])).toEqual([]);
    expect(said(['{ id: x, when: { iprev: temperror }, defer: "no" }'])).toEqual([]);
  });

  test('for good, of failed lookups too', () => {
    const too =
      '"x" refuses with 550 also where a lookup failed, and is told as 450 if another answer would have let the client in';
    expect(said(['{ id: x, when: { iprev: [permerror, temperror] }, reject: "no" }'])).toEqual([`2:5 warning: ${too}`]);
    expect(said(['{ id: x, when: { not: { iprev: pass } }, reject: "no" }'])).toEqual([`2:5 remark: ${too}`]);
    const before = '{ id: trouble, when: { iprev: temperror }, defer: "later" }';
    expect(said([before, '{ id: x, when: { not: { iprev: pass } }, reject: "no" }'])).toEqual([]);
    expect(said(['{ id: x, when: { client_ip: 192.0.2.7 }, reject: "no" }'])).toEqual([]);
    expect(said(['{ id: x, when: { early_talker: true }, reject: "no" }'])).toEqual([]);
  });

  test('for a generic name, for a HELO that is not its own', () => {
    expect(said(['{ id: x, when: { naming: generic }, reject: "no" }'])).toEqual([
      '2:5 remark: "x" refuses confirmed clients for a generic name alone',
    ]);
    expect(said(['{ id: x, when: { helo_is: [invalid, other-literal] }, defer: "no" }'])).toEqual([
      '2:5 remark: "x" refuses because the HELO name is not the client\'s own',
    ]);
    expect(
      said([
        '{ id: a, when: { naming: generic, iprev: permerror }, reject: "no" }', // too-many-names have names
        '{ id: x, when: { naming: generic, helo_is: bare-ip }, reject: "no" }',
        '{ id: y, when: { helo_is: [bare-ip, invalid] }, reject: "no" }',
      ]),
    ).toEqual([]);
  });

  test.each([
    ['{ helo_dns: elsewhere }', "the HELO name is not the client's own"],
    ['{ helo_dns: nowhere }', "the HELO name is not the client's own"],
    ['{ not: { helo_dns: [client, temperror] } }', "the HELO name is not the client's own"],
    ['{ alignment: { pair: helo-ptr, level: none } }', 'HELO and the PTR name are of different organisations'],
    ['{ not: { alignment: { pair: sender-ptr } } }', 'the sender is of another organisation than the server'],
    ['{ not: { certificate: verified } }', 'the client shows no certificate'],
  ])('for what honest servers are like: %s', (when, why) => {
    expect(said([`{ id: x, when: ${when}, reject: "no" }`])).toEqual([`2:5 remark: "x" refuses because ${why}`]);
    expect(said([`{ id: x, when: ${when}, tag: t }`])).toEqual([]);
    expect(said([`{ id: x, when: { all: [${when}, { iprev: fail }] }, reject: "no" }`])).toEqual([]);
  });

  test('for a lookup of HELO that failed', () => {
    expect(said(['{ id: x, when: { helo_dns: temperror }, reject: "no" }'])).toEqual([
      '2:5 warning: "x" refuses with 550 where the lookup of HELO\'s name failed, and is told as 450 if another answer would have let the client in',
    ]);
    expect(said(['{ id: x, when: { helo_dns: temperror }, defer: "no" }'])).toEqual([]);
  });

  test('before the recipient is known', () => {
    const rules = [
      '{ id: friend, when: { recipient: me@test.example }, accept: true }',
      '{ id: x, when: { iprev: fail }, reject: "no" }',
      '{ id: early, when: { early_talker: true }, reject: "no" }', // known from the first stage on
    ];
    const waits =
      '2:5 remark: "friend" asks for recipient, which is not known at mail: who comes to this rule waits until rcpt';
    expect(said(rules, 'announce: mail\n')).toEqual([
      waits,
      '6:11 remark: refusals are told at mail, before the recipient is known: postmaster@ and abuse@ are refused like any other',
    ]);
    expect(said(rules, 'announce: mail\npostmaster: judge\n')).toEqual([waits]);
    expect(said(rules)).toEqual([]);
  });
});

describe('dates, modes and exceptions', () => {
  test.each([
    ['until: 2026-11-20', 'warning: "x" held until 2026-11-20 and does nothing any more'],
    ['until: 2026-11-20T18:00Z', 'warning: "x" held until 2026-11-20T18:00Z and does nothing any more'],
    ['until: 2026-11-21', 'remark: "x" holds until 2026-11-21 only'],
    ['until: 2026-12-03', 'remark: "x" holds until 2026-12-03 only'],
    ['until: 2026-12-04', undefined],
    ['mode: off', 'remark: "x" is switched off'],
    ['percent: 0', 'remark: "x" is enforced for 0 % of the networks: for nobody'],
    ['mode: monitor', undefined],
  ])('%s', (how, expected) => {
    expect(said([`{ id: x, when: { iprev: fail }, ${how}, tag: t }`])).toEqual(
      expected === undefined ? [] : [`2:5 ${expected}`],
    );
  });

  test('exceptions', () => {
    const text = `{ id: x, when: { iprev: fail }, tag: t, except: [
      { when: { reason: no-ptr }, why: one },
      { when: { helo: a }, why: two, until: 2026-11-01 },
      { when: { helo: a }, why: three, until: 2026-11-30 },
      { when: { client_ip: 192.0.2.7 }, why: four },
      { when: { client_ip: 10.1.2.3 }, why: five } ] }`;
    expect(said([text], 'trusted: 10.0.0.0/8')).toEqual([
      '3:7 warning: the exception "one" of "x" can never matter: the rule holds for nobody whom it is about',
      '4:7 warning: the exception "two" of "x" held until 2026-11-01 and spares nobody any more',
      '5:7 remark: the exception "three" of "x" holds until 2026-11-30 only',
      '7:7 warning: the exception "five" of "x" can never matter: the rule holds for nobody whom it is about',
    ]);
  });
});

describe('patterns', () => {
  test('what is said of them', () => {
    expect(
      said([
        '{ id: a, when: { ptr: { matches: "example.com" } }, tag: t }',
        '{ id: b, when: { verified_name: { matches: "mail\\\\.example\\\\.com" } }, accept: true }',
        '{ id: c, when: { iprev: fail }, except: { when: { ptr: { matches: "c.example$" } }, why: w }, reject: "no" }',
        '{ id: d, when: { helo: { matches: ["^(a+)+$", "^mail[0-9]+\\\\.example\\\\.com$"] } }, tag: t }',
      ]),
    ).toEqual([
      '2:5 remark: the pattern "example.com" fits more than it seems: the dot is any character',
      '3:5 warning: the pattern "mail\\\\.example\\\\.com" fits more than it seems: mail.example.com.evil.example fits too',
      '4:45 warning: the pattern "c.example$" fits more than it seems: the dot is any character',
      '5:5 remark: the pattern "^(a+)+$" is harmless here, and may take for ever in an engine that tracks back',
    ]);
  });

  test.each([
    ['(a+)+', true],
    ['(.*)*', true],
    ['(a*)*', true],
    ['(a|a)*', true],
    ['(x|[a-z])+', true],
    ['(a?b?)*', true],
    ['(a{1,3})+', true],
    ['(a+){2,}', true],
    ['(aa|aaa)+', true],
    ['(a|b|ab)*', true],
    ['(\\.?[a-z0-9-]+)+', true],
    ['^(\\w+\\s?)*$', true],
    ['(?P<x>a+)*', true],
    ['(?i:A|\\x61)+', true],
    ['([a-z0-9-]+\\.)+example\\.com$', false],
    ['^[^.]+(\\.[^.]+)*$', false],
    ['(a|ab)*', false],
    ['((a|b)+c)+', false],
    ['(\\d+-)*\\d+', false],
    ['(a{2})+', false],
    ['a{2,}b+|.*.*', false],
    ['', false],
    ['[[:alpha:]]+', undefined],
    ['(\\pL+)+', undefined],
    ['(a{100})+', undefined],
  ])('slow elsewhere: %s', (source, expected) => {
    expect(slowElsewhere(source)).toBe(expected);
  });

  test.each([
    ['example.com', 'example.com'],
    ['.example.com', 'example.com'],
    ['@example.com$', 'example.com'],
    ['^mx\\.example\\.com', 'mx.example.com'],
    ['example\\.com$', 'example.com'],
    ['^mx\\.example\\.com$', undefined],
    ['\\.example\\.com$', undefined],
    ['@example\\.com$', undefined],
    ['^.*\\.example\\.com$', undefined],
    ['^mail\\.', undefined],
    ['dyn', undefined],
    ['mail[0-9]+.example.com', undefined],
  ])('looks like a domain and is wider: %s', (source, domain) => {
    expect(domainLike(source)?.domain).toBe(domain);
  });
});

describe('claims are certain', () => {
  // Each run judges twenty clients under one policy.
  const numRuns = Number(process.env.IPREVD_PROPERTY_RUNS ?? 300);
  // Rules that all decide, and nothing in their way: many of them are never reached.
  const deciding = policies.map(({ rules, ...policy }) => ({
    ...policy,
    rules: rules.map(({ id, when }) => ({
      id,
      when,
      except: [],
      mode: 'enforce' as const,
      percent: 100,
      actions: { decision: 'accept' as const },
    })),
  }));

  test('what is said never to happen does not', () => {
    const claims = /can never hold|is never reached|holds for every client|never refuses with/;
    const claimed = new Set<string>();
    fc.assert(
      fc.property(
        fc.oneof(policies, deciding),
        fc.array(evidences, { minLength: 20, maxLength: 20 }),
        (policy, clients) => {
          const notices = lint(policy, '', 'p.yaml', now).map(({ rule, what }) => [rule, claims.exec(what)?.[0]]);
          for (const evidence of clients) {
            const { trace, verdict } = decide(policy, evidence);
            for (const [rule, claim] of notices) {
              const { held, excepted } = trace.find((line) => line.rule === rule) ?? {};
              if (claim === 'can never hold' || claim === 'is never reached')
                expect([rule, held]).not.toEqual([rule, true]);
              if (claim === 'holds for every client') expect(held !== false || excepted !== undefined).toBe(true);
              if (claim === 'never refuses with' && verdict.rule === rule && 'reply' in verdict)
                expect(verdict.reply.code).toBeLessThan(500);
              if (claim !== undefined) claimed.add(claim);
            }
          }
        },
      ),
      { numRuns },
    );
    expect(claimed).toContain('can never hold');
    expect(claimed).toContain('is never reached');
  });

  test('every reason has its cases', () => {
    const seen = new Set(everyCase([]).map(({ findings }) => findings.iprev.reason));
    expect([...seen].sort()).toEqual([...iprevReasons].sort());
  });

  test.each<[Formula, boolean]>([
    [true, true],
    [{ any: [] }, false],
    [{ all: [] }, true],
    [{ all: ['a', { not: 'a' }] }, false],
    [{ all: [{ any: ['a', 'b'] }, { not: 'a' }, { not: 'b' }] }, false],
    [{ all: [{ any: ['a', 'b'] }, { any: [{ not: 'a' }, { not: 'b' }] }] }, true],
    [{ all: ['small', { not: 'large' }] }, false],
    [{ all: ['small', 'other'] }, false], // what excludes the large excludes what it implies
    [{ not: { any: ['large', { not: 'small' }] } }, false],
    [
      {
        all: [
          { any: ['a', 'b'] },
          { any: ['a', { not: 'b' }] },
          { any: [{ not: 'a' }, 'b'] },
          { not: { all: ['a', 'b'] } },
        ],
      },
      false,
    ],
  ])('%j', (formula, expected) => {
    const relations = new Map([
      ['small', { implies: ['large'], impliedBy: [], excludes: [] }],
      ['large', { implies: [], impliedBy: ['small'], excludes: ['other'] }],
      ['other', { implies: [], impliedBy: [], excludes: ['large'] }],
    ]);
    expect(satisfiable(formula, relations)).toBe(expected);
  });

  test('a search that takes too long claims nothing', () => {
    // Thirteen pigeons in twelve holes.
    const [pigeons, holes] = [Array.from({ length: 13 }, (_, i) => i), Array.from({ length: 12 }, (_, i) => i)];
    const everyone = pigeons.map((p): Formula => ({ any: holes.map((h) => `${p} ${h}`) }));
    const alone = holes.flatMap((h) =>
      pigeons.flatMap((p) =>
        pigeons.filter((q) => q < p).map((q): Formula => ({ not: { all: [`${p} ${h}`, `${q} ${h}`] } })),
      ),
    );
    expect(satisfiable({ all: [...everyone, ...alone] }, new Map())).toBeUndefined();
  });
});
