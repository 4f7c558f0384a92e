// Numbers and codes of machines: what a provider's database gives a server or a line, where nobody gave it a name. vmi632897,
// cust-40271, vps-e1cc9378, k40o74.

import { isDigit, isLetter, type NumberRun, type Reading, type Span } from './reading.ts';
import type { Sign } from './sign.ts';

/**
 * At most one sign of each kind. `atHoster`: the organisation's name says that it rents out machines. `address`: where an address
 * was found; its numbers are no number of a machine.
 */
export function machineIds(reading: Reading, atHoster: boolean, address?: Sign): readonly Sign[] {
  const outside = ({ start, end }: Span): boolean =>
    end <= reading.hostEnd &&
    (address === undefined || end <= address.offset || start >= address.offset + address.text.length);
  const numbers = reading.numbers.filter(outside);
  const words = reading.words.filter(outside);
  const [hash, code] = codes(reading, words, atHoster);
  // A digit counts once: those of a code are no number beside it.
  const label = numeral(reading, outside);
  const whole = label ?? hash ?? code;
  const number = serial(reading, numbers);
  const counts = number?.id === 'serial' || whole === undefined ? number : undefined;
  return [counts, label, hash, code, hardware(reading)].filter((sign) => sign !== undefined);
}

/** A word for a machine or a line, and its number at once behind it or after a hyphen. */
function serial({ name }: Reading, numbers: readonly NumberRun[]): Sign | undefined {
  let number: Sign | undefined;
  for (const { start, end } of numbers) {
    const digits = end - start;
    if (digits < 4) continue;
    let from = start;
    if (name[from - 1] === '-') from--;
    const wordEnd = from;
    while (from > 0 && isLetter(name.charCodeAt(from - 1))) from--;
    const word = name.slice(from, wordEnd);
    const opens = from === 0 || !isDigit(name.charCodeAt(from - 1));
    if (opens && (nouns.has(word) || (digits > 4 && shortNouns.has(word))))
      return { id: 'serial', text: name.slice(from, end), offset: from };
    if (digits >= 6) number ??= { id: 'number', text: name.slice(start, end), offset: start };
  }
  return number;
}

const nouns: ReadonlySet<string> = new Set(
  `vps vds ps vm vmi vmd vms vserver vsrv srv svr server servers host node cloud cust customer client cliente clients kunde klient user usr id uid cid
  adsl dsl vdsl xdsl ppp pppoe pool port cpe tunnel dyn dynamic static dedicated dedi unit box instance inst ecs compute droplet kvm vz
  slot gs hwsrv hwn vpsserver dedicado abo abonent modem ip guest`.split(/\s+/),
);
const shortNouns: ReadonlySet<string> = new Set('v h s d m n u p c k i x r t ns ks sd vs vz vh ds'.split(' '));

/** A first label of five digits or more, and no letter. */
function numeral({ name, hostEnd }: Reading, outside: (span: Span) => boolean): Sign | undefined {
  const dot = name.indexOf('.');
  if (dot < 5 || dot > hostEnd || !outside({ start: 0, end: dot })) return undefined;
  for (let i = 0; i < dot; i++) if (!isDigit(name.charCodeAt(i)) && name[i] !== '-') return undefined;
  return { id: 'numeral', text: name.slice(0, dot), offset: 0 };
}

/** Hexadecimal digits, and letters and digits in turn. */
function codes({ name }: Reading, words: readonly Span[], atHoster: boolean): readonly (Sign | undefined)[] {
  let hash: Sign | undefined;
  let code: Sign | undefined;
  for (const { start, end } of words) {
    const text = name.slice(start, end);
    const at = hexTail(text);
    const noun = at > 0 ? text.slice(0, at) : name.slice(name.lastIndexOf('.', start - 1) + 1, Math.max(0, start - 1));
    if (at >= 0) hash ??= { id: nouns.has(noun) ? 'serial' : 'hash', text: text.slice(at), offset: start + at };
    else if (isCode(text, atHoster && start === 0 && name[end] === '.')) code ??= { id: 'code', text, offset: start };
  }
  return [hash, code];
}

/** Letters and digits in turn, or one letter over and over, as zeros look in an alphabet of one's own. */
function isCode(text: string, isServer: boolean): boolean {
  if (isServer && text.length <= 8) return turns(text) >= 3;
  return text.length >= 17 && (turns(text) >= 3 || repeats(text));
}

/** Where the last eight or more hexadecimal digits of a word begin, two digits and a letter among them; -1: nowhere. */
function hexTail(text: string): number {
  let [at, digits, letters] = [text.length, 0, 0];
  for (; at > 0; at--) {
    const char = text.charCodeAt(at - 1);
    if (isDigit(char)) digits++;
    else if (char >= 0x61 && char <= 0x66) letters++;
    else break;
  }
  return digits + letters >= 8 && digits >= 2 && letters >= 1 ? at : -1;
}

/** One character five times in a row. */
function repeats(text: string): boolean {
  let same = 1;
  for (let i = 1; i < text.length && same < 5; i++) same = text[i] === text[i - 1] ? same + 1 : 1;
  return same >= 5;
}

/** How often letters and digits change places. */
function turns(text: string): number {
  let count = 0;
  for (let i = 1; i < text.length; i++) {
    if (isDigit(text.charCodeAt(i)) !== isDigit(text.charCodeAt(i - 1))) count++;
  }
  return count;
}

/** An Ethernet address: six pairs with a sign between, or twelve digits. */
function hardware({ name, words }: Reading): Sign | undefined {
  for (let i = 0; i + 6 <= words.length; i++) {
    const six = words.slice(i, i + 6);
    if (!six.every(({ start, end }) => end - start === 2 && /^[0-9a-f]{2}$/.test(name.slice(start, end)))) continue;
    const offset = six[0]?.start ?? 0;
    return { id: 'hardware', text: name.slice(offset, six[5]?.end), offset };
  }
  return undefined;
}
