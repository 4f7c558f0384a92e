// `iprevd classify`: lines of `ip<TAB>name`, from a file or a pipe of any length, each read by the naming classifier and printed at
// once: a JSON object a line, or a table for a person. A line that is none is reported with its place, and the rest goes on.
// Memory does not grow with the input: a chunk is answered before the next is read. Throws what the input throws.

import { parseIp } from '../core/ip.ts';
import { classifyLineMax } from '../core/limits.ts';
import { printable } from '../core/name.ts';
import { type Classified, classify } from '../core/naming/classify.ts';
import { type Problem, printProblem, quote } from '../core/problem.ts';
import { paint, type Style, type Terminal } from '../terminal.ts';

export interface ClassifyParts {
  /** Octets, cut anywhere. */
  readonly input: AsyncIterable<Uint8Array>;
  /** What the input is called in a complaint. */
  readonly file: string;
  /** Writes to standard output; done when more may come. */
  readonly write: (text: string) => Promise<void>;
  readonly json: boolean;
  /** Called after each chunk with the lines so far. */
  readonly progress?: (lines: number) => void;
}

/** Prints a line for each line of the input that could be read; false if one could not. */
export async function classifyLines(
  terminal: Terminal,
  { input, file, write, json, progress }: ClassifyParts,
): Promise<boolean> {
  let lines = 0;
  let allRead = true;
  const answer = (line: string): string => {
    lines++;
    const read = readLine(line);
    if (!('what' in read)) return json ? jsonOf(read) : rowOf(terminal, read);
    allRead = false;
    terminal.err(`${printProblem({ where: `${file}:${lines}`, ...read })}\n`);
    return '';
  };

  let rest = '';
  // The rest of a line that was too long is thrown away as it comes.
  let tooLong = false;
  const decoder = new TextDecoder();
  const take = (text: string): string => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    let out = '';
    for (const part of parts) {
      if (!tooLong) out += answer(part);
      tooLong = false;
    }
    if (rest.length > classifyLineMax) {
      if (!tooLong) out += answer(rest);
      tooLong = true;
      rest = '';
    }
    return out;
  };

  if (!json) await write(heading);
  for await (const chunk of input) {
    const out = take(decoder.decode(chunk, { stream: true }));
    if (out !== '') await write(out);
    progress?.(lines);
  }
  const out = take(decoder.decode()) + (rest === '' || tooLong ? '' : answer(rest));
  if (out !== '') await write(out);
  return allRead;
}

interface Line {
  /** As it was given. */
  readonly ip: string;
  readonly name: string;
  readonly read: Classified;
}

function readLine(line: string): Line | Omit<Problem, 'where'> {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text.length > classifyLineMax) return { what: `a line of more than ${classifyLineMax} characters` };
  if (text.includes('\ufffd')) return { what: 'octets that are no text in UTF-8' };
  const [ip = '', name, more] = text.split('\t');
  if (/[\0-\x08\x0b-\x1f\x7f]/.test(text)) return { what: 'a control character' };
  const shape = 'a line is an address, a tab and a name; "-" for no address';
  if (name === undefined || name === '') return { what: text === '' ? 'an empty line' : 'no name', hint: shape };
  if (more !== undefined) return { what: 'more than two columns', hint: shape };
  const address = ip === '-' ? undefined : parseIp(ip);
  if (ip !== '-' && address === undefined) return { what: `${quote(ip)} is not an IP address`, hint: shape };
  return { ip, name, read: classify(name, address) };
}

function jsonOf({ ip, name, read }: Line): string {
  const { label, kind = null, tier, score, evidence } = read;
  const object = { ip, name, label, kind, tier, score, evidence };
  return `${JSON.stringify(object).replace(/[^ -~]/g, escaped)}\n`;
}

/** So that no foreign character stands in the output as it came. */
function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const labelStyle: Readonly<Record<Classified['label'], Style>> = {
  generic: 'yellow',
  custom: 'green',
  infrastructure: 'cyan',
  unknown: 'dim',
};
const heading = `${'label'.padEnd(15)}${'kind'.padEnd(12)}${'tier'.padEnd(9)}${'score'.padStart(6)}  name\n`;

function rowOf(terminal: Terminal, { name, read }: Line): string {
  const { label, kind = '-', tier, score, evidence } = read;
  const signs = evidence.map(({ id, text, weight }) => `${weight < 0 ? '-' : ''}${id} ${printable(text)}`).join(', ');
  const start = `${paint(terminal, labelStyle[label], label)}${' '.repeat(15 - label.length)}`;
  const row = `${start}${kind.padEnd(12)}${tier.padEnd(9)}${score.toFixed(2).padStart(6)}  ${printable(name)}`;
  return `${row}  ${paint(terminal, 'dim', signs)}\n`;
}
