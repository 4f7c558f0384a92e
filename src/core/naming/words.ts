// Words in a name: the vocabulary looked up in the letters of the host part and of the organisation's label, all words at once.
// The longest word at a place counts. Nothing throws.

import { isLetter, type Reading } from './reading.ts';
import type { Sign, SignId } from './sign.ts';
import { type Trie, trie } from './trie.ts';
import { hostVocabulary, orgVocabulary } from './vocabulary.ts';

interface Word {
  readonly id: SignId;
  readonly opens: boolean;
  readonly closes: boolean;
}

/** The letters of a part of a name, without what stands between; of each: */
interface Letters {
  /** From 0 for "a". */
  readonly codes: readonly number[];
  /** Where it stands in the name. */
  readonly places: readonly number[];
  /** 0: within a run; 1: the first of one; 2: the first behind a digit, or of all. */
  readonly starts: readonly number[];
  /** Where its run ends. */
  readonly runEnds: readonly number[];
  /** Where the next digit cuts even a word that goes on behind a hyphen or dot. */
  readonly cutEnds: readonly number[];
  readonly count: number;
}

export function wordSigns({ name, hostEnd, org }: Reading): readonly Sign[] {
  const host = scan(name, lettersOf(name, 0, hostEnd), hostTrie);
  const orgLetters = lettersOf(name, org.start, org.end);
  const ofOrg = scan(name, orgLetters, orgTrie);
  // no-reverse-dns.example: all of the template is in the organisation's own label.
  const own = hostEnd > 0 ? [] : scan(name, orgLetters, hostTrie).filter(({ id }) => telling.has(id));
  return [...host, ...ofOrg, ...own, ...onlyWords(name, hostEnd, host)];
}

/** The first label is made of telling words and nothing else: subnet.isp.example, dynamic-adsl.isp.example. */
function onlyWords(name: string, hostEnd: number, found: readonly Covering[]): readonly Sign[] {
  const dot = name.indexOf('.');
  const end = Math.min(hostEnd, dot < 0 ? name.length : dot);
  let at = 0;
  let tells = false;
  for (const { id, offset, covers } of found) {
    while (at < offset && name[at] === '-') at++;
    if (offset !== at || offset >= end || !(telling.has(id) || filling.has(id))) break;
    if (telling.has(id)) tells = true;
    at = covers;
  }
  return tells && at >= end ? [{ id: 'only-words', text: name.slice(0, Math.max(end, at)), offset: 0 }] : [];
}

/** Words that nobody calls a server by, and words that go with them. */
const telling: ReadonlySet<SignId> = new Set<SignId>([
  'dynamic',
  'customer',
  'static',
  'reverse',
  'placeholder',
  'spare',
]);
const filling: ReadonlySet<SignId> = new Set<SignId>(['access', 'ip', 'hosting', 'business']);

/** A word, and where the letters end that it stands for: those of "customers" for customer*. */
interface Covering extends Sign {
  readonly covers: number;
}

/** Words that may have hyphens and dots between their parts: no-reverse, in-addr. */
const spanning: ReadonlySet<SignId> = new Set<SignId>(['placeholder', 'reverse']);

/** Every word, in the order of their places. */
function scan(name: string, letters: Letters, words: Trie<readonly Word[]>): readonly Covering[] {
  const signs: Covering[] = [];
  const { codes, places, runEnds, cutEnds, starts, count } = letters;
  for (let i = 0; i < count; ) {
    let found: Word | undefined;
    let end = i;
    const runEnd = runEnds[i] ?? 0;
    words.at(codes, i, cutEnds[i] ?? 0, (candidates, at) => {
      for (const word of candidates) {
        if (word.opens && starts[i] === 0) continue;
        if (at > runEnd && !spanning.has(word.id)) continue;
        if (word.closes && at < count && starts[at] === 0) continue;
        found = word;
        end = at;
      }
    });
    if (found === undefined) {
      i++;
      continue;
    }
    const { id, closes } = found as Word;
    const offset = places[i] ?? 0;
    const last = (places[end - 1] ?? 0) + 1;
    const covers = closes ? last : (places[(runEnds[end - 1] ?? end) - 1] ?? 0) + 1;
    signs.push({ id, text: name.slice(offset, last), offset, covers });
    i = end;
  }
  return signs;
}

function lettersOf(name: string, from: number, to: number): Letters {
  const codes: number[] = [];
  const places: number[] = [];
  const starts: number[] = [];
  const runEnds: number[] = [];
  const cutEnds: number[] = [];
  let count = 0;
  let cut = true;
  let before = false;
  for (let i = from; i < to; i++) {
    const char = name.charCodeAt(i);
    const letter = isLetter(char);
    if (letter) {
      codes[count] = char - 0x61;
      places[count] = i;
      starts[count] = before ? 0 : cut ? 2 : 1;
      count++;
      cut = false;
    } else if (char >= 0x30 && char <= 0x39) cut = true;
    before = letter;
  }
  let runEnd = count;
  let cutEnd = count;
  for (let i = count - 1; i >= 0; i--) {
    runEnds[i] = runEnd;
    cutEnds[i] = cutEnd;
    if (starts[i] !== 0) runEnd = i;
    if (starts[i] === 2) cutEnd = i;
  }
  return { codes, places, starts, runEnds, cutEnds, count };
}

function compile(vocabulary: Readonly<Record<string, string>>): Trie<readonly Word[]> {
  const words = new Map<string, Word[]>();
  for (const [id, text] of Object.entries(vocabulary)) {
    for (const entry of text.split(/\s+/).filter(Boolean)) {
      const word: Word = { id: id as SignId, opens: !entry.startsWith('*'), closes: !entry.endsWith('*') };
      const bare = entry.replaceAll('*', '');
      if (bare !== '') words.set(bare, [...(words.get(bare) ?? []), word]);
    }
  }
  return trie(words);
}

const hostTrie = compile(hostVocabulary);
const orgTrie = compile(orgVocabulary);
