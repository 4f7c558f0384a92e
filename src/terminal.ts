// What a command writes to: two streams of text and whether colour is welcome there. An argument everywhere, so that a
// test reads what a person would.

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly colour: boolean;
  /** Somebody reads along; absent: a file, a pipe, a test. */
  readonly outIsTerminal?: boolean;
  readonly errIsTerminal?: boolean;
}

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;
export type Style = keyof typeof codes;

/** Wraps `text` in a style if the terminal wants it (util.styleText is younger than the oldest Node we run on). */
export function paint({ colour }: Pick<Terminal, 'colour'>, style: Style, text: string): string {
  const [on, off] = codes[style];
  return colour && text !== '' ? `\x1b[${on}m${text}\x1b[${off}m` : text;
}

/** Says how far long work is, on one line of a terminal, which it takes away at the end; to anything else it says nothing. */
export function progressLine({ err, errIsTerminal }: Terminal, what: string): (done: number, of: number) => void {
  if (!errIsTerminal) return () => {};
  let shown = -1;
  return (done, of) => {
    const percent = Math.floor((100 * done) / of);
    if (percent === shown) return;
    shown = percent;
    err(done === of ? '\r\x1b[K' : `\r${done} of ${of} ${what} (${percent} %)\x1b[K`);
  };
}
