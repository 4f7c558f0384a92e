// A log of Postfix (smtpd, postscreen) as sessions that can be judged: who connected, the name that Postfix confirmed, HELO and
// envelope where a refusal tells them, and what became of it. What the log does not tell is marked, never guessed: "unknown"
// may be no PTR record, a name that leads elsewhere or a failed lookup, so nothing of the DNS is recorded then. Lines of other
// programs are passed over. Pure; each session is handed out when its end is seen.

import { dnsError } from './answer.ts';
import type { Session } from './backtest/judge.ts';
import type { Part } from './condition.ts';
import type { Evidence } from './evidence.ts';
import { type Ip, parseIp } from './ip.ts';
import { outcomeCodesMax, postfixSessionsMax } from './limits.ts';
import { claimedName, hostName } from './name.ts';

export interface PostfixLog {
  /**
   * One line, without its end. `where` stands for the session that it begins where Postfix gives it no queue id. False: it is no
   * line of smtpd or postscreen.
   */
  line(text: string, where: string): boolean;
  /** Hands out what has no end in the log. */
  end(): void;
}

/** `latest`: when the file was written last, in milliseconds since 1970: lines without a year are not younger. */
export function postfixLog(latest: number, onSession: (session: Session) => void): PostfixLog {
  const open = new Map<string, Open>();
  const close = (key: string): void => {
    const known = open.get(key);
    open.delete(key);
    if (known !== undefined && !(known.isPostscreen && known.codes.length === 0)) onSession(sessionOf(known));
  };
  const begin = (key: string, one: Open): void => {
    close(key);
    const [oldest] = open.keys();
    if (open.size >= postfixSessionsMax && oldest !== undefined) close(oldest);
    open.set(key, one);
  };
  return {
    line(text, where) {
      const read = lineForm.exec(bare(text));
      if (read === null) return false;
      const { stamp = '', program = '', pid = '', said = '' } = read.groups ?? {};
      const isPostscreen = program.endsWith('/postscreen');
      const peer = peerForm.exec(said)?.groups;
      const ip = peer === undefined ? undefined : parseIp(peer.ip ?? '');
      const key = isPostscreen ? `${pid} ${peer?.ip} ${peer?.port}` : pid;
      if (/^connect from /i.test(said)) {
        const at = momentOf(stamp, latest);
        if (ip === undefined || at === undefined) return true;
        begin(key, { ip, at, where, isPostscreen, program, ...named(peer?.name), codes: [], accepted: 0 });
        return true;
      }
      const known = open.get(key);
      if (known === undefined || (ip !== undefined && ip !== known.ip)) return true;
      take(known, said);
      if (/^disconnect /i.test(said)) close(key);
      return true;
    },
    end() {
      for (const key of [...open.keys()]) close(key);
    },
  };
}

/** "Nov 26 04:10:00 host postfix/smtpd[123]: …", or an ISO 8601 time in front, as rsyslog and journalctl -o short-iso write. */
const lineForm =
  /^(?<stamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)) \S+ (?<program>[\w-]+(?:\/[\w-]+)*\/(?:smtpd|postscreen))\[(?<pid>\d+)\]: (?<said>.*)$/;
/** "from mx.example[192.0.2.7]:4711", "CONNECT from [192.0.2.7]:4711", "DISCONNECT [192.0.2.7]:4711", "client=mx.example[192.0.2.7]". */
const peerForm =
  /(?:^| from |^[0-9A-Za-z]+: client=|^DISCONNECT )(?<name>[^\s[\],=]*)\[(?<ip>[0-9a-fA-F.:]+)\](?::(?<port>\d+))?/;

/** A machine that lost its power leaves octets of zero, some programs a mark at the beginning, CR, or all of UTF-16. */
function bare(text: string): string {
  return /[\0\r\ufeff\ufffd]/.test(text) ? text.replace(/^[\ufeff\ufffd]+|\0+|\r$/g, '') : text;
}

interface Open {
  readonly ip: Ip;
  readonly at: string;
  readonly where: string;
  readonly isPostscreen: boolean;
  readonly program: string;
  /** Confirmed by Postfix. Absent: "unknown", or it did not look. */
  readonly name?: string;
  queueId?: string | undefined;
  authenticated?: true;
  early?: true;
  helo?: string;
  sender?: string;
  recipient?: string;
  /** Of the refusals, in order. */
  readonly codes: number[];
  accepted: number;
}

function named(name: string | undefined): { readonly name?: string } {
  const host = hostName(name ?? '');
  return name === 'unknown' || host === undefined ? {} : { name: host };
}

function take(known: Open, said: string): void {
  const refusal = /^[0-9A-Za-z]+: (?:milter-)?reject: [A-Z-]+ from \S+: ([45])(?:(\d\d)|\.\d+\.\d+) /.exec(said);
  if (refusal !== null) {
    const [, digit = '', rest = '50'] = refusal;
    if (known.codes.length < outcomeCodesMax) known.codes.push(Number(digit + rest));
    const { helo, from, to } = envelopeOf(said);
    if (helo !== undefined) known.helo ??= helo;
    if (from !== undefined) known.sender ??= from;
    if (to !== undefined) known.recipient ??= to;
    return;
  }
  const taken = /^([0-9A-Za-z]+): client=/.exec(said);
  if (taken !== null) {
    known.queueId ??= taken[1];
    if (/, sasl_username=/.test(said)) known.authenticated = true;
    return;
  }
  if (said.startsWith('PREGREET ')) known.early = true;
  // "data=2/3": two of three were taken.
  if (said.startsWith('disconnect ')) known.accepted = count(said, 'data') + count(said, 'bdat');
}

/**
 * What stands at the end of a refusal, behind words that may quote the client, as HELO may: where it seems to stand there twice,
 * nobody knows which is Postfix's.
 */
function envelopeOf(said: string): { readonly helo?: string; readonly from?: string; readonly to?: string } {
  const mark = '; from=<';
  const at = said.indexOf(mark);
  if (at < 0 || at !== said.lastIndexOf(mark)) return {};
  const found = /^; from=<(?<from>.*?)>,? to=<(?<to>.*?)>,? proto=\w+(?:,? helo=<(?<helo>.*)>)?$/.exec(said.slice(at));
  return found?.groups ?? {};
}

function count(said: string, command: string): number {
  return Number(new RegExp(`(?:^| )${command}=(\\d{1,6})`).exec(said)?.[1] ?? 0);
}

function sessionOf(known: Open): Session {
  const { ip, at, name, helo, sender, recipient, codes, accepted } = known;
  const port = known.program.includes('submission') ? 587 : known.program.includes('smtps') ? 465 : undefined;
  const lacks = new Set<Part>(['tls', 'door', 'names', ...(port === undefined ? (['port'] as const) : [])]);
  for (const [part, value] of [
    ['helo', helo],
    ['sender', sender],
    ['recipient', recipient],
  ] as const)
    if (value === undefined) lacks.add(part);
  const nobodyKnows = dnsError('timeout');
  const heloName = hostName(helo ?? '');
  const evidence: Evidence = {
    v: 1,
    id: known.queueId ?? known.where,
    at,
    door: 'policy',
    client: {
      ip,
      stage: 'rcpt',
      authenticated: known.authenticated === true,
      ...(port === undefined ? {} : { serverPort: port }),
      ...(helo === undefined ? {} : { helo }),
      ...(sender === undefined ? {} : { sender }),
      ...(recipient === undefined ? {} : { recipient }),
      ...(known.early ? { early: true } : {}),
    },
    ...answersOf(name, ip),
    ...(heloName === undefined ? {} : { helo: { name: heloName, addresses: nobodyKnows } }),
  };
  return {
    v: 1,
    evidence,
    envelope: 'full',
    verdict: { action: actionOf(codes, accepted), rule: 'postfix' },
    outcome: { rcpt: codes, dot: Array<number>(Math.min(accepted, outcomeCodesMax)).fill(250) },
    lacks,
    ...(name === undefined ? { dnsNotRecorded: true } : {}),
  };
}

/** Postfix has looked a name up both ways before it writes it down. */
function answersOf(name: string | undefined, ip: Ip): Pick<Evidence, 'ptr' | 'forward'> {
  const host = hostName(name ?? '');
  if (host === undefined) return { ptr: dnsError('timeout'), forward: [] };
  const ttl = 0;
  return {
    ptr: { kind: 'records', records: [claimedName(host)], ttl },
    forward: [{ name: host, addresses: { kind: 'records', records: [ip], ttl } }],
  };
}

/** Who sent nothing and heard no refusal has left. */
function actionOf(codes: readonly number[], accepted: number): Session['verdict']['action'] {
  if (accepted > 0) return 'accept';
  if (codes.length === 0) return 'pending';
  return codes.some((code) => code >= 500) ? 'reject' : 'defer';
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const dayMs = 86_400_000;

/** ISO 8601 in UTC. A time without a year is one of this machine's zone, of the last year in which it does not lie ahead. */
function momentOf(stamp: string, latest: number): string | undefined {
  if (/^\d/.test(stamp)) {
    const at = Date.parse(stamp.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
    return Number.isNaN(at) ? undefined : new Date(at).toISOString();
  }
  const month = months.indexOf(stamp.slice(0, 3));
  const [day, hour, minute, second] = (stamp.slice(4).match(/\d+/g) ?? []).map(Number);
  const year = new Date(latest).getFullYear();
  const moment = (of: number) => new Date(of, month, day, hour, minute, second).getTime();
  const at = moment(year) > latest + dayMs ? moment(year - 1) : moment(year);
  return month < 0 || Number.isNaN(at) ? undefined : new Date(at).toISOString();
}
