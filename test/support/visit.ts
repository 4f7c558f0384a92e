// One client with one message comes to each of the three doors: to the SMTP door itself, to the others through a mail server
// that does with their answers what Postfix does. What it hears and what becomes of its message has one form for all three,
// so that they can be compared.

import type { TcpEndpoint } from '../../src/core/endpoint.ts';
import { outcomeOf, play } from '../../src/demo/player.ts';
import type { Frame } from '../../src/doors/milter/codec.ts';
import { ask, request } from './delegation.ts';
import { dialMilter, say } from './mail-server.ts';
import type { Sink } from './sink.ts';

export interface Visitor {
  readonly ip: string;
  readonly port: number;
  /** Said one after another. */
  readonly helo: readonly string[];
  /** Without angle brackets; '' is the null sender. */
  readonly mail: string;
  readonly rcpt: readonly string[];
  /** Under which name it has logged in; '' for none. The SMTP door, which offers no AUTH, hears nothing of it. */
  readonly sasl: string;
  /** The common name of its certificate, which the mail server trusts; '' for none. The SMTP door hears nothing of it here. */
  readonly certificate: string;
  /** The fields of its message. */
  readonly header: readonly string[];
}

export interface Visit {
  /** The reply that settled it: its first refusal, or else one that begins with 250. */
  readonly outcome: string;
  /** The recipients that were not refused. */
  readonly taken: readonly string[];
  /** Of the message, as it would be kept; [] where there was none. */
  readonly header: readonly string[];
  /** Why the message is kept back; absent: it is not. */
  readonly held?: string;
}

/** The backend of the door is `sink`; the door takes us for a proxy. */
export async function visitSmtp(door: TcpEndpoint, sink: Sink, visitor: Visitor): Promise<Visit> {
  const { ip, helo, mail, rcpt, header } = visitor;
  const before = sink.messages.length;
  const message = [...header, '', 'text'];
  const played = await play({ ...door, from: ip, proxied: true, helo, mail, rcpt, message });
  const wire = sink.messages[before]?.wire.toString('latin1') ?? '';
  return {
    outcome: outcomeOf(played),
    taken: rcpt.filter((_, i) => played.rcpt[i]?.startsWith('2')),
    header: linesOf(wire.split('\r\n\r\n')[0] ?? ''),
  };
}

/** `answers`: what the policy door said at each RCPT, where Postfix asks unless it is told otherwise. */
export async function visitPolicy(
  door: TcpEndpoint,
  { ip, port, helo, mail, rcpt, sasl, certificate, header }: Visitor,
): Promise<Visit & { readonly answers: readonly string[] }> {
  const about = {
    client_address: ip,
    client_port: String(port),
    helo_name: octets(helo.at(-1) ?? ''),
    sender: mail,
    sasl_username: sasl,
    ...(certificate === ''
      ? {}
      : { encryption_protocol: 'TLSv1.3', ccert_subject: certificate, ccert_fingerprint: '00' }),
    instance: `${port}.1`,
  };
  const asked = rcpt.map((recipient, i) => request({ ...about, recipient, recipient_count: String(i) }));
  const answers = (await ask(door, asked.join(''), rcpt.length)).split('\n\n').filter(Boolean);
  const actions = answers.map((answer) => answer.replace(/^action=/, ''));
  // access(5): DEFER_IF_PERMIT is told with Postfix's own code, and nobody else refuses here.
  const refusals = actions.map((action) => action.replace(/^DEFER_IF_PERMIT /, '450 ')).filter(isRefusal);
  const taken = rcpt.filter((_, i) => /^(?:DUNNO|PREPEND|HOLD)\b/.test(actions[i] ?? ''));
  const said = (verb: string) =>
    actions.filter((action) => action.startsWith(`${verb} `)).map((action) => action.slice(verb.length + 1));
  const [held] = said('HOLD');
  return {
    answers,
    outcome: refusals[0] ?? '250 taken',
    taken,
    header: taken.length === 0 ? [] : [...said('PREPEND'), ...header],
    ...(held === undefined ? {} : { held }),
  };
}

export async function visitMilter(door: TcpEndpoint, visitor: Visitor): Promise<Visit> {
  const { ip, port, helo, mail, rcpt, sasl, certificate, header } = visitor;
  const filter = await dialMilter(door);
  const refusals: string[] = [];
  const taken: string[] = [];
  let changes: readonly Frame[] = [];
  /** True: the client hears 250. */
  const passes = async (packet: Buffer): Promise<boolean> => {
    changes = await filter.ask(packet);
    const reply = replyOf(changes.at(-1));
    if (reply !== undefined) refusals.push(reply);
    return reply === undefined;
  };
  const greet = async (): Promise<boolean> => {
    for (const name of helo) if (!(await passes(say.helo(octets(name))))) return false;
    return true;
  };
  await passes(say.client(ip, port));
  if (await greet()) {
    if (certificate !== '') filter.tell(say.macros('M', { '{tls_version}': 'TLSv1.3', '{cert_subject}': certificate }));
    if (sasl !== '') filter.tell(say.macros('M', { '{auth_authen}': sasl }));
    if (await passes(say.mail(mail)))
      for (const address of rcpt) if (await passes(say.rcpt(address))) taken.push(address);
  }
  if (taken.length > 0) {
    for (const field of header) filter.tell(say.header(...nameAndValue(field)));
    await passes(say.bare('E'));
  }
  await filter.quit();
  const held = changes
    .find(({ command }) => command === 'q')
    ?.data.toString('latin1')
    .replace(/\0$/, '');
  return {
    outcome: refusals[0] ?? '250 taken',
    taken,
    header: taken.length === 0 ? [] : changes.reduce(changed, header),
    ...(held === undefined ? {} : { held }),
  };
}

/** In UTF-8 (RFC 6531), for what writes a character as an octet. */
function octets(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Undefined: go on. */
function replyOf(answer: Frame | undefined): string | undefined {
  if (answer?.command === 'c') return undefined;
  if (answer?.command === 'y') return answer.data.toString('latin1').replace(/\0$/, '').replaceAll('%%', '%');
  return '451 4.7.1 Service unavailable - try again later'; // milter8.c
}

/** A header after one change; what is no change of the header leaves it. */
function changed(header: readonly string[], { command, data }: Frame): readonly string[] {
  if (command !== 'i' && command !== 'm') return header;
  const index = data.readUInt32BE(0);
  const [name = '', value = ''] = data.toString('latin1', 4).split('\0');
  if (command === 'i') return header.toSpliced(index, 0, `${name}: ${value}`);
  const places = header.flatMap((field, i) => (nameAndValue(field)[0].toLowerCase() === name.toLowerCase() ? [i] : []));
  const doomed = places[index - 1];
  return doomed === undefined ? header : header.toSpliced(doomed, 1);
}

function nameAndValue(field: string): [string, string] {
  const colon = field.indexOf(':');
  return [field.slice(0, colon), field.slice(colon + 1).trimStart()];
}

function isRefusal(reply: string): boolean {
  return /^[45]/.test(reply);
}

function linesOf(text: string): readonly string[] {
  return text.split('\r\n').filter(Boolean);
}
