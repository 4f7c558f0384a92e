// One sentence for each key of the policy file, as an editor shows it; docs/policy.md has the long form.

export type KeyWords = Readonly<Record<string, string>>;

const actionWords = {
  tag: 'Marks the message with this word, or with a header field of your own; the walk goes on.',
  score: 'Adds to the score, which is logged and which score: { at_least: … } asks about; the walk goes on.',
  hold: 'Puts the message aside where the mail server can; wants allow_hold: true. The walk goes on.',
  accept: 'Decides: let the client in.',
  defer: 'Decides: try again later, 450 4.7.25 with this text unless a map says otherwise.',
  reject: 'Decides: refused for good, 550 5.7.25 with this text unless a map says otherwise.',
} satisfies KeyWords;

const refusalWords = {
  code: 'The SMTP code, 4xx or 5xx.',
  status: 'The enhanced code (RFC 3463), which begins with the same digit.',
  if_permit:
    'Of defer at the policy door: only if what Postfix checks afterwards would let the client in (DEFER_IF_PERMIT).',
  text: 'The sentence for the sender; may name {ip}, {ptr}, {name}, {iprev}, {reason} and {helo}.',
} satisfies KeyWords;

const nameWords = {
  under: 'This domain and everything below it; of a mail address its domain.',
  glob: '"*" stands for any characters, "?" for one; the whole must fit.',
  matches: 'A regular expression of RE2, found anywhere unless ^ and $ tie it down.',
  list: 'A file of domains, one a line: these and the names below them.',
} satisfies KeyWords;

const addressWords = { list: 'A file of addresses and CIDR ranges, one a line.' } satisfies KeyWords;

/**
 * What stands under which key; "" is the file itself, `rules` a rule, `condition` any condition. The order of keys is that of
 * the canonical form (policy-format.ts).
 */
export const policyWords = {
  '': {
    rules: 'Read in order for each client; the first that decides ends the walk.',
    otherwise: 'What holds when no rule decided.',
    announce: 'The first stage at which a refusal is told; rcpt unless it says otherwise.',
    postmaster: 'accept (default): postmaster@ and abuse@ take mail from everybody; judge: they do not.',
    authenticated:
      'accept (default): clients that logged in, or came to port 587 or 465, pass before any rule; judge: the rules hold for them.',
    trusted: 'Addresses and ranges that pass before any rule.',
    allow_hold: 'Rules may hold messages, since somebody looks at them.',
    tests: 'What the policy must do, for iprevd policy test.',
  },
  rules: {
    id: 'The word that names the rule in logs and in check.',
    when: 'The condition; left out, the rule always holds. A list means any of its members.',
    except: 'Whom the rule spares though "when" holds.',
    mode: 'enforce (default); monitor: recorded and passed over; off: not looked at.',
    percent: 'Enforced for so many of a hundred networks, always the same ones, and monitored for the others.',
    until: 'The last day on which the rule holds, in UTC (2026-12-31), or a moment (2026-12-31T18:00Z).',
    ...actionWords,
  },
  otherwise: actionWords,
  except: {
    when: 'Who is spared.',
    why: 'The reason, for whoever finds this exception in a year.',
    until: 'The last day of the exception, in UTC (2026-12-31), or a moment (2026-12-31T18:00Z).',
  },
  condition: {
    iprev: 'The result of forward-confirmed reverse DNS (RFC 8601 s2.7.3).',
    reason: 'Why the result is what it is.',
    client_ip: "The client's address is this one, in this CIDR range, or on a list.",
    ptr: 'One of the names that the PTR records claim fits, confirmed or not.',
    verified_name: 'One of the confirmed names fits.',
    names: 'So many host names stand in the PTR records.',
    naming: "Whether every one of the client's PTR names is a provider's template, or what its name is instead.",
    helo: 'The name in HELO fits.',
    helo_is: 'The name in HELO is of this form.',
    helo_dns: 'What the DNS says of the name in HELO: it leads to the client, elsewhere, nowhere; no reason to refuse.',
    alignment: 'Two of the names belong together: HELO, PTR, certificate, sender.',
    certificate: "The client's TLS certificate: verified, unverified or none.",
    sender:
      'The sender fits; "" is the null sender, "@example.com" anybody there, "postmaster@" that mailbox anywhere.',
    recipient: 'The recipient fits; "@example.com" is anybody there, "postmaster@" that mailbox anywhere.',
    authenticated: 'Whether the client logged in; only asked under authenticated: judge.',
    early_talker: 'Whether the client spoke before it was greeted; only an SMTP door with a greeting_delay can tell.',
    door: 'Where the client came in.',
    port: 'The port of ours that the client connected to, where the door knows it.',
    score: 'What the rules before this one have added up to.',
    time: 'When the client came.',
    all: 'Every one of these holds.',
    any: 'At least one of these holds.',
    not: 'This does not hold.',
  },
  alignment: {
    pair: 'Which two: helo-ptr, certificate-ptr, certificate-helo, sender-ptr.',
    level: "How far: exact or organisation if left out; claimed is somebody's word.",
  },
  ptr: nameWords,
  verified_name: nameWords,
  helo: nameWords,
  sender: nameWords,
  recipient: nameWords,
  client_ip: addressWords,
  trusted: addressWords,
  naming: {
    label: 'What the name is taken for.',
    kind: "Of a provider's template: what kind of name it is.",
    tier: "Of a provider's template: how sure that is.",
  },
  names: { at_least: 'So many or more.', at_most: 'So many or fewer.' },
  score: { at_least: 'So much or more.' },
  time: {
    days: 'Days of the week; every day if left out.',
    from: 'The time of day at which it begins, "08:00"; midnight if left out.',
    until: 'The time of day at which it ends; over midnight if that is not later.',
    zone: 'A time zone such as Europe/Berlin; UTC if left out.',
  },
  tag: {
    header: 'The name of the header field; begins with "X-".',
    value: 'Its value; may name {ip}, {ptr}, {name}, {iprev}, {reason} and {helo}.',
  },
  defer: refusalWords,
  reject: refusalWords,
  tests: {
    name: 'What this test is about.',
    client: 'Who comes.',
    zone: 'What the DNS says: address to names, name to addresses, or one word for an outcome; what is missing is nxdomain.',
    our_name: 'Our own name, for helo_is: ours.',
    expect: 'What must become of the client; one word is its action.',
  },
  client: {
    ip: 'The address that connects.',
    helo: 'What it says in HELO.',
    sender: 'The sender, "" for the null sender.',
    recipient: 'The recipient.',
    authenticated: 'Whether it logged in.',
    early: 'Whether it speaks before it is greeted.',
    certificate: 'The certificate that it shows over TLS.',
    server_ip: 'The address of ours that it connects to, for helo_is: ours.',
    door: 'Where it comes in; check if left out.',
    port: 'The port of ours that it connects to.',
    at: 'When it comes (2026-12-31T18:00Z); now if left out.',
  },
  certificate: { names: 'The names in it.', verified: 'Whether we trust it; true if left out.' },
  zone: {
    cname: 'The name of which this one is an alias.',
    a: 'Its IPv4 addresses, or one word for an outcome.',
    aaaa: 'Its IPv6 addresses, or one word for an outcome.',
    error: 'How its lookup fails.',
    ede: 'The extended error that the server adds (RFC 8914), a number.',
    text: 'The text of the extended error.',
  },
  expect: {
    action: 'What becomes of the client.',
    rule: 'Who decides or, for tag, the first rule that tags.',
    tags: 'All tags, in any order.',
    code: 'The SMTP code of the reply.',
    reply: 'Stands somewhere in the reply, its codes included.',
  },
} as const satisfies Readonly<Record<string, KeyWords>>;
