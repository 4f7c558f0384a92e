// Whom an operator wants audited: addresses, ranges, and files of lines "192.0.2.7 mail.example.org" with comments behind "#".
// Only these are ever looked up. Mistakes are Problems with their place; a range that is too large is one of them.

import { addressesOf, type Cidr, type Ip, isIpv4, networkOf, parseCidr, parseIp, printCidr, sizeOf } from '../ip.ts';
import { auditAddressesMax, documentOctetsMax } from '../limits.ts';
import { type Checked, type Problem, quote } from '../problem.ts';

export interface AuditedHost {
  readonly ip: Ip;
  /** What it says in HELO, as the operator wrote it; absent: nobody said. */
  readonly helo?: string;
}

/** It has the form of an address or a range, right or wrong, and not that of a file's name. */
export function looksLikeAddress(text: string): boolean {
  return /^(?:\d[\d.]*|[\da-f]*:[\da-f:.]*)(?:\/\d+)?$/i.test(text);
}

/** An address or a range, as it stands on a command line or in a file. `where`: for Problems. */
export function readHosts(text: string, where: string): Checked<readonly AuditedHost[]> {
  const fault = (what: string, hint: string): Checked<never> => ({ ok: false, problems: [{ where, what, hint }] });
  const range = parseCidr(text);
  if (range === undefined) {
    const meant = hostBitsSet(text);
    return meant === undefined
      ? fault(`${quote(text)} is neither an address nor a range`, 'write 192.0.2.7, 192.0.2.0/28 or 2001:db8::/120')
      : fault(`${quote(text)} is no range`, `did you mean ${meant}?`);
  }
  if (sizeOf(range) > auditAddressesMax)
    return fault(
      `${quote(text)} has more than ${auditAddressesMax} addresses`,
      `a range may be ${isIpv4(range.base) ? '/20' : '/116'} at most; name the servers that send, in a file`,
    );
  return { ok: true, value: [...addressesOf(range)].map((ip) => ({ ip })) };
}

export function readHostFile(text: string, file: string): Checked<readonly AuditedHost[]> {
  if (text.length > documentOctetsMax)
    return { ok: false, problems: [{ where: file, what: `larger than ${documentOctetsMax} octets` }] };
  const lines = text.split(/\r?\n/).map((line, i) => readLine(line, `${file}:${i + 1}`));
  return gathered(lines, file);
}

/** All of them, each once, or all problems. None at all, and too many together, are problems too. */
export function gathered(
  parts: readonly Checked<readonly AuditedHost[]>[],
  where: string,
): Checked<readonly AuditedHost[]> {
  const problems: Problem[] = parts.flatMap((part) => (part.ok ? [] : part.problems));
  const hosts = new Map(
    parts
      .flatMap((part) => (part.ok ? part.value : []))
      .map((host) => [`${host.ip} ${host.helo ?? ''}`, host] as const),
  );
  if (problems.length === 0 && hosts.size === 0) problems.push({ where, what: 'no address in it' });
  if (hosts.size > auditAddressesMax)
    problems.push({ where, what: `more than ${auditAddressesMax} addresses in all`, hint: 'audit them in parts' });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: [...hosts.values()] };
}

function readLine(line: string, where: string): Checked<readonly AuditedHost[]> {
  const bare = line.replace(/(?:^|\s)#.*$/, '');
  const [address, helo, more] = [...bare.matchAll(/\S+/g)];
  if (address === undefined) return { ok: true, value: [] };
  const at = `${where}:${address.index + 1}`;
  const read = readHosts(address[0], at);
  if (!read.ok || helo === undefined) return read;
  const fault = (index: number, what: string): Checked<never> => ({
    ok: false,
    problems: [
      { where: `${where}:${index + 1}`, what, hint: 'a line is an address and, if you know it, the name in HELO' },
    ],
  });
  if (more !== undefined) return fault(more.index, `${quote(more[0])} is one word too many`);
  if (parseIp(address[0]) === undefined) return fault(helo.index, 'a whole range has no HELO name');
  return { ok: true, value: read.value.map(({ ip }) => ({ ip, helo: helo[0] })) };
}

/** The range that was meant by one with host bits. */
function hostBitsSet(text: string): string | undefined {
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const base = parseIp(address);
  if (base === undefined || Number(bits) > (isIpv4(base) ? 32 : 128)) return undefined;
  const range: Cidr = networkOf({ base, bits: Number(bits) });
  return printCidr(range);
}
