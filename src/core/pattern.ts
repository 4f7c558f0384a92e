// Patterns that an operator writes and strangers' text is held against, in linear time: a regular expression with
// back-tracking would let one PTR name stop the service. The syntax is RE2's: no look-ahead, no look-behind, no back
// references. Letters match in any case. A pattern is found anywhere in the text; ^ and $ tie it down.

import { RE2JS } from 're2js';
import { patternTextMax } from './limits.ts';

export interface Pattern {
  readonly source: string;
  test(text: string): boolean;
}

/** What is wrong with it, in a sentence, instead of a Pattern. */
export interface BadPattern {
  readonly wrong: string;
  readonly hint?: string;
}

export function readPattern(source: string): Pattern | BadPattern {
  if (source.length > patternTextMax) return { wrong: `the pattern is longer than ${patternTextMax} characters` };
  try {
    const compiled = RE2JS.compile(source, RE2JS.CASE_INSENSITIVE);
    return { source, test: (text) => compiled.test(text) };
  } catch (error) {
    const around = /\(\?<?[=!]/.exec(source)?.[0];
    if (around !== undefined)
      return {
        wrong: `"${around}" looks around, which cannot be done in linear time`,
        hint: 'write two conditions, one of them under "not"',
      };
    if (/\\[1-9]/.test(source)) return { wrong: 'a back reference cannot be matched in linear time' };
    return { wrong: reason(error) };
  }
}

/** "a*.example": "*" stands for any characters, dots included, "?" for one; the whole text must fit. */
export function readGlob(source: string): Pattern | BadPattern {
  // What nearly every glob is, "*.example.com", needs no engine.
  const tail = /^\*([^*?]+)$/.exec(source)?.[1]?.toLowerCase();
  if (tail !== undefined) return { source, test: (text) => text.toLowerCase().endsWith(tail) };
  const parts = [...source].map((char) => (char === '*' ? '.*' : char === '?' ? '.' : RE2JS.quote(char)));
  const read = readPattern(`(?s)^${parts.join('')}$`);
  return 'wrong' in read ? read : { source, test: read.test };
}

function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^error parsing regexp: /, '').replace(/: `[^`]*`$/, '');
}
