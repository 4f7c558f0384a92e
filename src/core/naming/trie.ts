// Many words looked for at once: from every place of a text, the longest word that begins there, in time that does not depend on
// how many words there are. Words are of the letters a to z. Pure; built once at load.

export interface Trie<T> {
  /** Calls `see` for each word that begins at `from` and ends at or before `end`, shorter ones first. */
  readonly at: (codes: readonly number[], from: number, end: number, see: (value: T, end: number) => void) => void;
}

const letters = 26;

export function trie<T>(words: Iterable<readonly [string, T]>): Trie<T> {
  const next: number[] = Array<number>(letters).fill(0);
  const values: (T | undefined)[] = [undefined];
  for (const [word, value] of words) {
    let node = 0;
    for (let i = 0; i < word.length; i++) {
      const edge = node * letters + word.charCodeAt(i) - 0x61;
      if ((next[edge] ?? 0) === 0) {
        next[edge] = values.push(undefined) - 1;
        for (let j = 0; j < letters; j++) next.push(0);
      }
      node = next[edge] ?? 0;
    }
    values[node] = value;
  }
  const edges = Int32Array.from(next);
  return {
    at(codes, from, end, see) {
      let node = 0;
      for (let i = from; i < end; i++) {
        node = edges[node * letters + (codes[i] ?? 0)] ?? 0;
        if (node === 0) return;
        const value = values[node];
        if (value !== undefined) see(value, i + 1);
      }
    },
  };
}
