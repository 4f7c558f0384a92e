// The Authentication-Results field (RFC 8601): ours, as one line, and the recognition of fields that claim to be ours.
// Strings here are octets (latin1): a header of a message is bytes, whatever it says it is.

import type { Findings } from './findings.ts';
import { isHeloName } from './helo.ts';
import type { Ip } from './ip.ts';
import type { Decision } from './verdict.ts';

export const authResultsName = 'Authentication-Results';
/** The field that carries one tag to whoever filters behind us. */
export const tagFieldName = 'X-Iprevd-Tag';

/**
 * "Authentication-Results: mx.example; iprev=pass policy.iprev=192.0.2.1", without line end. Tags, if any, follow as
 * policy.tag properties. RFC 8601 s2.2 makes a value a MIME token or a quoted string, and a colon is in no token.
 */
export function authResults(authservId: string, findings: Findings, ip: Ip, tags: readonly string[] = []): string {
  const address = ip.includes(':') ? `"${ip}"` : ip;
  const labels = tags.map((tag) => ` policy.tag=${tag}`).join('');
  return `${authResultsName}: ${authservId}; iprev=${findings.iprev.result} policy.iprev=${address}${labels}`;
}

export function tagField(tag: string): string {
  return `${tagFieldName}: ${tag}`;
}

/**
 * What a message gets on top for the decisions on its accepted recipients: results first, then a field for each tag, then those
 * of the policy. `canHold`: the door puts held messages aside; where it cannot, "hold" is a tag. [] without a decision.
 */
export function messageFields(accepted: readonly Decision[], authservId: string, canHold: boolean): readonly string[] {
  const [first] = accepted;
  if (first === undefined) return [];
  const tags = new Set(accepted.flatMap(({ verdict }) => verdict.tags));
  if (!canHold && accepted.some(({ verdict }) => verdict.hold)) tags.add('hold');
  const own = new Set(accepted.flatMap(({ verdict }) => verdict.headers ?? []));
  return [authResults(authservId, first.findings, first.evidence.client.ip), ...[...tags].map(tagField), ...own];
}

/**
 * The trace field (RFC 5321 s4.4), without line end. HELO stands there only if it is a host name or an address literal: what
 * else a client says is for the log. The confirmed name is in it, no other.
 */
export function receivedField({ evidence, findings }: Decision, ourName: string, protocol: string): string {
  const { client, id, at } = evidence;
  const literal = client.ip.includes(':') ? `IPv6:${client.ip}` : client.ip;
  const said = client.helo ?? '';
  const helo = isHeloName(said) ? said : `[${literal}]`;
  const name = findings.iprev.result === 'pass' ? findings.iprev.name : 'unknown';
  const date = `${new Date(at).toUTCString().slice(0, -3)}+0000`;
  return `Received: from ${helo} (${name} [${literal}]) by ${ourName} (iprevd) with ${protocol} id ${id}; ${date}`;
}

/**
 * True for a whole field (continuation lines included) that must not pass from outside: an Authentication-Results under
 * our authserv-id, one that cannot be parsed, one of an unknown version (RFC 8601 s5), one of our tags, or one that the policy
 * writes itself (`policyFields`: their names in lower case).
 */
export function claimsToBeOurs(
  field: string,
  authservId: string,
  policyFields: ReadonlySet<string> = new Set(),
): boolean {
  const colon = field.indexOf(':');
  // RFC 5322 s4.5: obsolete syntax has white space before the colon, and parsers take it.
  const name = field.slice(0, colon).trimEnd().toLowerCase();
  if (name === tagFieldName.toLowerCase() || policyFields.has(name)) return true;
  if (name !== authResultsName.toLowerCase()) return false;
  const head = readAuthservId(field.slice(colon + 1));
  return head === undefined || head.version !== '1' || bareId(head.id) === bareId(authservId);
}

function bareId(id: string): string {
  return id.toLowerCase().replace(/\.$/, '');
}

/** RFC 8601 s2.2: [CFWS] authserv-id [CFWS version] [CFWS] ";"; undefined if it does not begin like that. */
function readAuthservId(value: string): { id: string; version: string } | undefined {
  let rest = skipCfws(value);
  const id = rest === undefined ? undefined : readValue(rest);
  if (rest === undefined || id === undefined) return undefined;
  rest = skipCfws(rest.slice(id.octets));
  const version = rest === undefined ? undefined : /^\d+/.exec(rest)?.[0];
  if (rest !== undefined && version !== undefined) rest = skipCfws(rest.slice(version.length));
  if (rest === undefined || (rest !== '' && !rest.startsWith(';'))) return undefined;
  return { id: id.text, version: version ?? '1' };
}

function readValue(text: string): { text: string; octets: number } | undefined {
  const quoted = /^"((?:[^"\\\r\n]|\\[^\r\n]|\r?\n[ \t])*)"/.exec(text);
  if (quoted !== null)
    return { text: (quoted[1] ?? '').replace(/\r?\n/g, '').replace(/\\(.)/g, '$1'), octets: quoted[0].length };
  const token = /^[^\s;()<>@,:\\"/[\]?=]+/.exec(text);
  return token === null ? undefined : { text: token[0], octets: token[0].length };
}

/** White space and comments, nested; undefined when a comment does not end. */
function skipCfws(text: string): string | undefined {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (depth > 0 && char === '\\') i++;
    else if (char === '(') depth++;
    else if (depth > 0 && char === ')') depth--;
    else if (depth === 0 && !/\s/.test(char)) return text.slice(i);
  }
  return depth === 0 ? '' : undefined;
}
