// The log: JSON lines on standard output, one `decision` for each session. Foreign bytes (HELO, PTR, addresses) are
// escaped here once and for all; what is written is printable ASCII.

import { type Logger, pino } from 'pino';
import { aligned } from './core/alignment.ts';
import type { Client } from './core/client.ts';
import type { IprevResult } from './core/iprev.ts';
import { printMoment } from './core/moment.ts';
import { printable, printableName } from './core/name.ts';
import { wouldHaveHit } from './core/record.ts';
import { type Decision, refuses } from './core/verdict.ts';

export type { Logger };
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Writes without delay, so that a crash loses nothing that was said before it. */
export function makeLog(level: LogLevel, destination: number | string = 1): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, new Lines(pino.destination({ dest: destination, sync: true, mkdir: true })));
}

/**
 * In front of what writes the log. Decisions are put off to the end of this turn of the event loop and written in one go, since a
 * system call costs more than a verdict; any other line takes them along. A process that is killed loses those of one turn.
 */
class Lines {
  readonly #to: pino.DestinationStream;
  #decisions = '';
  readonly #flush = (): void => {
    const lines = this.#decisions;
    this.#decisions = '';
    if (lines !== '') this.#to.write(lines);
  };

  constructor(to: pino.DestinationStream) {
    this.#to = to;
  }

  write(line: string): void {
    this.#flush();
    this.#to.write(line);
  }

  decision(line: string): void {
    if (this.#decisions === '') setImmediate(this.#flush);
    this.#decisions += line;
  }

  flushAtExit(): void {
    process.once('exit', this.#flush);
  }
}

/**
 * The fields of a decision line. Absent means: not known, or none. `would` lists monitored rules that held, `heard` is the
 * client's name by the mail server that asks, where that came to something else, `alignment` how far HELO and PTR go together.
 */
export function decisionFields({ evidence, findings, verdict, trace }: Decision, ms: number): Record<string, unknown> {
  const { client, ptr } = evidence;
  const foreign = (text: string | undefined) => (text === undefined ? undefined : printable(text));
  return {
    ref: evidence.id,
    door: evidence.door,
    client: client.ip,
    port: client.port,
    stage: client.stage,
    helo: foreign(client.helo),
    sender: foreign(client.sender),
    recipient: foreign(client.recipient),
    early: client.early,
    tls: client.tls?.protocol,
    ptr: ptr.kind === 'records' ? ptr.records.map((name) => printableName(name)) : [],
    iprev: findings.iprev.result,
    reason: findings.iprev.reason,
    name: findings.iprev.result === 'pass' ? findings.iprev.name : undefined,
    naming: findings.naming.label,
    helo_is: findings.helo.form,
    helo_dns: findings.helo.dns,
    alignment: aligned('helo-ptr', evidence, findings).level,
    certificate: client.tls === undefined ? undefined : findings.certificate,
    heard: disagrees(client, findings.iprev.result) ? foreign(client.hearsay?.clientName) : undefined,
    stale: evidence.stale,
    masked: evidence.masked,
    rule: verdict.rule,
    action: verdict.action,
    tags: verdict.tags.length > 0 ? verdict.tags : undefined,
    headers: verdict.headers,
    hold: verdict.hold,
    score: verdict.score === 0 ? undefined : verdict.score,
    reply: refuses(verdict) ? `${verdict.reply.code} ${verdict.reply.enhanced}` : undefined,
    softened: refuses(verdict) ? verdict.softened : undefined,
    would: wouldHaveHit(trace),
    ms: Math.round(ms),
  };
}

/**
 * The mail server that asks has looked the client up too, and came to something else. "unknown" is its word for no confirmed
 * name; where it does not even know a PTR name of a client that has one, it did not look (smtpd_peername_lookup=no) or could not.
 */
function disagrees({ hearsay: { clientName, reverseClientName } = {} }: Client, result: IprevResult): boolean {
  if (clientName === undefined) return false;
  return clientName === 'unknown' ? result === 'pass' && reverseClientName !== 'unknown' : result !== 'pass';
}

/**
 * For a log of makeLog. There is a line for each session, so it does not pass through the logger, which looks at each field
 * whether somebody wants it written in another way: that took longer than the verdict.
 */
export function logDecision(log: Logger): (decision: Decision, ms: number) => void {
  const { [pino.symbols.streamSym]: lines } = log as unknown as Record<symbol, Lines>;
  lines?.flushAtExit();
  return (decision, ms) => {
    if (!log.isLevelEnabled('info')) return;
    const fields = JSON.stringify(decisionFields(decision, ms)).slice(1, -1);
    lines?.decision(`{"level":"info","time":"${printMoment(Date.now())}",${fields},"msg":"decision"}\n`);
  };
}
