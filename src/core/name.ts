// Names from the DNS. A ClaimedName is what a PTR record says, in the presentation form of RFC 1035 s5.1 (a dot inside a
// label is "\.", an odd byte "\DDD"), lower case, without the final dot. It is somebody's word: only a HostName may be
// looked up, and only iprev.ts makes a VerifiedName. `printable` is the one place where foreign bytes are made safe to show.

declare const claimedBrand: unique symbol;
declare const hostBrand: unique symbol;
declare const verifiedBrand: unique symbol;
/** What a PTR says; Postfix calls it reverse_client_name. */
export type ClaimedName = string & { readonly [claimedBrand]: true };
/** A claimed name that has the form of a host name. */
export type HostName = ClaimedName & { readonly [hostBrand]: true };
/** A host name whose address records hold the client's address; Postfix calls it client_name. */
export type VerifiedName = HostName & { readonly [verifiedBrand]: true };

/** RFC 1035 s2.3.4: 255 octets on the wire leave 253 characters. */
const nameOctetsMax = 253;
const labelOctetsMax = 63;
/** What a name from the DNS is. The first two are host names; the others are shown, and never looked up. */
export const nameClasses = [
  'host', // letters, digits and hyphens
  'underscore', // a host name but for an underscore, which real PTR records carry
  'root', // the empty name: a null PTR
  'localhost', // localhost and below (RFC 6761 s6.3): says nothing about a host on the network
  'numeric', // digits and dots only: an address where a name should be
  'too-long', // more than 253 characters
  'inner-dot', // a dot inside a label
  'control', // a control character
  'eight-bit', // an octet beyond ASCII
  'odd', // blanks, other signs, a hyphen at the edge of a label, an empty label
] as const;
export type NameClass = (typeof nameClasses)[number];

/** `text` in presentation form, see ClaimedName. */
export function nameClass(text: string): NameClass {
  if (text === '') return 'root';
  if (text.length > nameOctetsMax) return 'too-long';
  const form = hostForm(text);
  if (form === 'numeric') return 'numeric';
  if (endsInTOrN(text) && /(?:^|\.)localhost(?:\.localdomain)?$/i.test(text)) return 'localhost';
  if (form !== undefined) return form;
  if (/^[0-9.]+$/.test(text)) return 'numeric';
  if (/\\\./.test(text)) return 'inner-dot';
  const octets = [...text.matchAll(/\\(\d{3})/g)].map(([, digits]) => Number(digits));
  if (octets.some((octet) => octet < 0x20 || octet === 0x7f) || /[\0-\x1f\x7f]/.test(text)) return 'control';
  if (octets.some((octet) => octet > 0x7f) || /[^\0-\x7f]/.test(text)) return 'eight-bit';
  return 'odd';
}

/** As localhost and localdomain do: most names are done with here. */
function endsInTOrN(text: string): boolean {
  const last = text.charCodeAt(text.length - 1) | 0x20;
  return last === 0x74 || last === 0x6e;
}

/**
 * Labels by RFC 952 and RFC 1123 s2.1, plus the underscore; undefined if they are not. By hand, because every name of every
 * verdict comes through here.
 */
function hostForm(text: string): 'host' | 'underscore' | 'numeric' | undefined {
  let label = 0;
  let underscore = false;
  let numeric = true;
  let before = 0x2e;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x2e) {
      if (label === 0 || before === 0x2d) return undefined;
      label = 0;
    } else {
      const digit = char >= 0x30 && char <= 0x39;
      const lower = char | 0x20;
      if (char === 0x5f) underscore = true;
      else if (char === 0x2d ? label === 0 : !digit && !(lower >= 0x61 && lower <= 0x7a)) return undefined;
      if (!digit) numeric = false;
      if (++label > labelOctetsMax) return undefined;
    }
    before = char;
  }
  if (label === 0 || before === 0x2d) return undefined;
  return numeric ? 'numeric' : underscore ? 'underscore' : 'host';
}

/** The name as a host name in lower case, or undefined if it is of any other class. */
export function hostName(text: string): HostName | undefined {
  const found = nameClass(text);
  return found === 'host' || found === 'underscore' ? (text.toLowerCase() as HostName) : undefined;
}

/** A name in the form of the wire: trailing dot dropped, lower case. The caller vouches that bytes were escaped. */
export function claimedName(presentation: string): ClaimedName {
  return presentation.replace(/\.$/, '').toLowerCase() as ClaimedName;
}

/**
 * Foreign text as printable ASCII on one line: every other byte becomes \xNN (UTF-8 octets), a backslash is doubled so
 * that nothing can pretend to be an escape, and what is longer than `octetsMax` ends in "...".
 */
export function printable(text: string, octetsMax = 255): string {
  if (text.length <= octetsMax && /^[ -[\]-~]*$/.test(text)) return text;
  let out = '';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const piece = char === '\\' ? '\\\\' : code >= 0x20 && code < 0x7f ? char : escapeOctets(code);
    if (out.length + piece.length > octetsMax) return `${out.slice(0, Math.max(0, octetsMax - 3))}...`;
    out += piece;
  }
  return out;
}

/** Shows a claimed name. Its own escapes (\DDD) are already printable and stand as they are. */
export function printableName(name: string, octetsMax = 255): string {
  return printable(name, octetsMax * 2)
    .replaceAll('\\\\', '\\')
    .slice(0, octetsMax);
}

function escapeOctets(code: number): string {
  const hex = (byte: number) => `\\x${byte.toString(16).padStart(2, '0')}`;
  if (code < 0x80) return hex(code);
  if (code < 0x800) return hex(0xc0 | (code >> 6)) + hex(0x80 | (code & 63));
  if (code < 0x10000) return hex(0xe0 | (code >> 12)) + hex(0x80 | ((code >> 6) & 63)) + hex(0x80 | (code & 63));
  return (
    hex(0xf0 | (code >> 18)) +
    hex(0x80 | ((code >> 12) & 63)) +
    hex(0x80 | ((code >> 6) & 63)) +
    hex(0x80 | (code & 63))
  );
}
