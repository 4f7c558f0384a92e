// OpenDKIM's miltertest speaks to the milter door: a mail server by other people, which sends what a Lua script says, step by
// step, and knows what the filter answered and asked for. Each script is one connection.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Client } from '../../src/core/client.ts';
import { forgedFieldsMax } from '../../src/core/limits.ts';
import { ourName } from '../support/doors.ts';
import { announcedAt, milterRules, type OpenMilter, openMilter, portOf } from '../support/milter-set.ts';
import { run, temporaryFolder, until } from '../support/processes.ts';
import { describeWith } from '../support/programs.ts';

/** What every script may use. A step that goes wrong ends it, with the line. */
const prelude = `
local results, ourName = "Authentication-Results", "${ourName}"
local function is(what, value, wanted)
  if value ~= wanted then error(what .. ": " .. tostring(value) .. ", not " .. tostring(wanted), 2) end
end
local function step(problem, wanted)
  is("step", problem, nil)
  is("reply", mt.getreply(conn), wanted or SMFIR_CONTINUE)
end
local function come(ip) step(mt.conninfo(conn, "client.example", ip)) end
local function greet(wanted) step(mt.helo(conn, "client.example"), wanted) end
local function mail(sender) step(mt.mailfrom(conn, "<" .. (sender or "a@client.example") .. ">", "SIZE=100")) end
local function rcpt(wanted) step(mt.rcptto(conn, "<b@test.example>"), wanted) end
local function eom(wanted) step(mt.eom(conn), wanted) end
local function inserted(name, value) is(value, mt.eom_check(conn, MT_HDRINSERT, name, value, 0), true) end
conn = mt.connect(at)
if conn == nil then error("cannot connect") end
`;

describeWith(['miltertest'], 'miltertest', () => {
  const folder = temporaryFolder();
  const logFile = join(folder.path, 'door.log');
  const socket = { kind: 'unix', path: join(folder.path, 'milter.sock') } as const;
  let policy = milterRules;
  let doors: readonly OpenMilter[];

  beforeAll(async () => {
    const parts = { logFile, policy: () => policy };
    doors = [await openMilter(parts), await openMilter({ ...parts, at: socket })];
  });
  afterAll(async () => {
    for (const { close } of doors) await close();
    folder.remove();
  });

  const tcp = () => doors[0] as OpenMilter;
  const overTcp = () => `inet:${portOf(tcp().at)}@127.0.0.1`;

  /** Fails with what went wrong in the script. */
  async function play(script: string, at = overTcp()): Promise<void> {
    const file = join(folder.path, 'script.lua');
    const end = 'if not good then print(problem) os.exit(1) end';
    writeFileSync(file, `local good, problem = pcall(function()${prelude}${script}\nend)\n${end}\n`);
    const { code, output } = await run('miltertest', ['-D', `at=${at}`, '-s', file]);
    expect([code, output]).toEqual([0, '']);
  }

  /** What was reported of the client of a script that is over. */
  async function clientOf(script: string): Promise<Client | undefined> {
    const before = tcp().decisions.length;
    await play(script);
    await until('it is reported', () => tcp().decisions.length > before);
    return tcp().decisions[before]?.evidence.client;
  }

  describe.each([
    ['TCP', overTcp],
    ['a UNIX socket', () => `unix:${socket.path}`],
  ])('over %s', (_, at) => {
    // Seen in 2.11.0: the second number it is given goes out as the protocol, the third as the actions.
    test.each([2, 3, 4, 5, 6, 99])('version %i that leaves nothing out: every step has its answer', (version) =>
      play(
        `
        is("negotiation", mt.negotiate(conn, ${version}, 0, nil), nil)
        come("127.0.0.4") greet() mail() rcpt()
        step(mt.unknown(conn, "NONSENSE"))
        step(mt.data(conn))
        step(mt.header(conn, "Subject", "x"))
        step(mt.header(conn, results, "other.example; spf=pass"))
        step(mt.header(conn, results, ourName .. "; iprev=pass"))
        step(mt.header(conn, "X-IPREVD-TAG", "x"))
        step(mt.eoh(conn))
        step(mt.bodystring(conn, "text\\r\\n"))
        step(mt.bodystring(conn, "more"))
        eom()
        inserted(results, ourName .. "; iprev=fail policy.iprev=127.0.0.4")
        inserted("X-Iprevd-Tag", "weak")
        inserted("X-Why", "not confirmed")
        is("deleted", mt.eom_check(conn, MT_HDRDELETE, results), true)
        is("deleted", mt.eom_check(conn, MT_HDRDELETE, "X-IPREVD-TAG"), true)
        is("deleted", mt.eom_check(conn, MT_HDRDELETE, "Subject"), false)
        is("quarantine", mt.eom_check(conn, MT_QUARANTINE), false)
        is("end", mt.disconnect(conn, true), nil)`,
        at(),
      ),
    );
  });

  test('as it is by itself: what the door does not want to hear of is left out', () =>
    play(`
      is("negotiation", mt.negotiate(conn, nil, nil, nil), nil)
      for _, left in ipairs({ SMFIP_NOBODY, SMFIP_NOEOH, SMFIP_NOUNKNOWN, SMFIP_NODATA, SMFIP_NR_HDR }) do
        is("left out", mt.test_option(conn, left), true)
      end
      for _, kept in ipairs({ SMFIP_NOCONNECT, SMFIP_NOHELO, SMFIP_NOMAIL, SMFIP_NORCPT, SMFIP_NOHDRS, SMFIP_HDR_LEADSPC }) do
        is("left out", mt.test_option(conn, kept), false)
      end
      for _, done in ipairs({ SMFIF_ADDHDRS, SMFIF_CHGHDRS, SMFIF_QUARANTINE, SMFIF_SETSYMLIST }) do
        is("action", mt.test_action(conn, done), true)
      end
      is("action", mt.test_action(conn, SMFIF_CHGBODY), false)
      come("127.0.0.2") greet() mail() rcpt()
      is("header", mt.header(conn, "Subject", "x"), nil)
      eom()
      inserted(results, ourName .. "; iprev=pass policy.iprev=127.0.0.2")
      is("tag", mt.eom_check(conn, MT_HDRINSERT, "X-Iprevd-Tag"), false)
      mt.disconnect(conn)`));

  test('a peer that may do nothing changes nothing', () =>
    play(`
      is("negotiation", mt.negotiate(conn, 6, 0, 0), nil)
      come("127.0.0.4") greet() mail("held@client.example") rcpt()
      step(mt.header(conn, "X-Iprevd-Tag", "x"))
      eom()
      for _, change in ipairs({ MT_HDRINSERT, MT_HDRDELETE, MT_QUARANTINE }) do
        is("change", mt.eom_check(conn, change), false)
      end
      mt.disconnect(conn)`));

  test('rejected and deferred at RCPT, in one message and the next', async () => {
    const script = (ip: string) => `come("${ip}") greet() mail() rcpt(SMFIR_REPLYCODE) rcpt(SMFIR_REPLYCODE)
      mail() rcpt(SMFIR_REPLYCODE) mt.disconnect(conn)`;
    const before = tcp().decisions.length;
    await play(script('127.0.0.3'));
    await play(script('127.0.0.7'));
    await until('both are reported', () => tcp().decisions.length === before + 2);
    expect(tcp().decisions.slice(before)).toMatchObject([
      { verdict: { action: 'reject', reply: { code: 550 } } },
      { verdict: { action: 'defer', reply: { code: 450 } } },
    ]);
  });

  test('announced at HELO: refused there, and at every command behind it', async () => {
    policy = announcedAt('helo');
    try {
      await play(`come("127.0.0.3") greet(SMFIR_REPLYCODE)
        step(mt.mailfrom(conn, "<>"), SMFIR_REPLYCODE)
        rcpt(SMFIR_REPLYCODE)
        mt.disconnect(conn)`);
    } finally {
      policy = milterRules;
    }
  });

  test('more forged fields than the bound: refused at the end, with our words', () =>
    play(`
      come("127.0.0.2") greet() mail() rcpt()
      for _ = 0, ${forgedFieldsMax} do is("header", mt.header(conn, "X-Iprevd-Tag", "x"), nil) end
      eom(SMFIR_REPLYCODE)
      is("reply", mt.eom_check(conn, MT_SMTPREPLY, "554", "5.6.0",
        "more than ${forgedFieldsMax} header fields that only this server may write"), true)
      is("inserted", mt.eom_check(conn, MT_HDRINSERT, results), false)
      mt.disconnect(conn)`));

  test('held: quarantine', () =>
    play(`
      come("127.0.0.2") greet() mail("held@client.example") rcpt() eom()
      is("quarantine", mt.eom_check(conn, MT_QUARANTINE), true)
      mt.disconnect(conn)`));

  test('several messages in a connection, one given up: each has its own fields', async () => {
    const before = tcp().decisions.length;
    await play(`
      come("127.0.0.4") greet()
      mail() rcpt() is("header", mt.header(conn, "X-Iprevd-Tag", "x"), nil) is("abort", mt.abort(conn), nil)
      for _ = 1, 2 do
        mail() rcpt() is("header", mt.header(conn, "Subject", "x"), nil)
        eom()
        inserted("X-Iprevd-Tag", "weak")
        is("deleted", mt.eom_check(conn, MT_HDRDELETE), false)
      end
      mt.disconnect(conn)`);
    expect(tcp().decisions).toHaveLength(before + 1);
  });

  test('what is known of the client: an IPv6 address and macros', async () => {
    const client = await clientOf(`
      mt.macro(conn, SMFIC_CONNECT, "{client_ptr}", "[IPv6:2001:db8:0:0:0:0:0:1]", "{daemon_port}", "25")
      come("2001:db8::1")
      mt.macro(conn, SMFIC_HELO, "{tls_version}", "TLSv1.3", "{verify}", "FAIL", "{cn_subject}", "a+20b")
      greet()
      mt.macro(conn, SMFIC_MAIL, "{auth_authen}", "user")
      mail() rcpt()
      mt.disconnect(conn)`);
    expect(client).toMatchObject({
      ip: '2001:db8::1',
      serverPort: 25,
      authenticated: true,
      tls: { protocol: 'TLSv1.3', certificate: { verified: false, names: ['a b'] } },
      hearsay: { clientName: 'client.example', reverseClientName: 'unknown' },
    });
  });

  test('a client without an Internet address goes on unjudged', () =>
    play(`
      come("unspec") greet() mail() rcpt()
      is("header", mt.header(conn, results, ourName .. "; iprev=pass"), nil)
      eom()
      is("deleted", mt.eom_check(conn, MT_HDRDELETE, results), true)
      is("inserted", mt.eom_check(conn, MT_HDRINSERT), false)
      mt.disconnect(conn)`));

  test('gone in the middle of a message, without a word: reported, and the next is served', async () => {
    expect(await clientOf('come("127.0.0.2") greet() mail() mt.disconnect(conn, false)')).toMatchObject({
      ip: '127.0.0.2',
      stage: 'mail',
      sender: 'a@client.example',
    });
    await play('come("127.0.0.2") greet() mail() rcpt() eom() mt.disconnect(conn)');
  });

  test('nothing was out of order', () => {
    expect(readFileSync(logFile, 'utf8')).toBe('');
  });
});
