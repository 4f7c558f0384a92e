// Where things stand in a YAML file that was read already: offsets for a path of keys and indices. What is not there stands
// where its nearest parent does. Throws nothing; a text that is no YAML has everything at its beginning.

import { isNode, LineCounter, parseDocument } from 'yaml';

export interface Places {
  /** Characters from the beginning of the file. */
  offsetOf(path: readonly (string | number)[]): number;
  /** "policies/standard.yaml:12:7" */
  show(offset: number): string;
}

/** `file` is only used to say where. */
export function placesIn(text: string, file: string): Places {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, schema: 'core', prettyErrors: false });
  return {
    offsetOf(path) {
      for (let length = path.length; length > 0; length--) {
        const node: unknown = document.getIn(path.slice(0, length), true);
        if (isNode(node) && node.range) return node.range[0];
      }
      return document.contents?.range?.[0] ?? 0;
    },
    show(offset) {
      const { line, col } = lines.linePos(offset);
      return `${file}:${line}:${col}`;
    },
  };
}
