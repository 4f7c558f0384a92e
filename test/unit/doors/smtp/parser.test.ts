import { describe, expect, test } from '@jest/globals';
import type { BareNewline } from '../../../../src/core/relaying.ts';
import { type ContentConsumer, Parser } from '../../../../src/doors/smtp/parser.ts';

/** A parser that answers every command at once and remembers it; DATA begins content. */
function listen({ bareNewline = 'reject' as BareNewline, maxCommandLength = 2_048, consumer = {} } = {}) {
  const parser = new Parser({ maxCommandLength });
  /** What came, in order: commands in latin1, content, and the other calls of the consumer. */
  const heard: string[] = [];
  const ears: ContentConsumer = {
    push: (content) => void heard.push(`+${content.toString('latin1')}`),
    fault: () => void heard.push('(fault)'),
    end: () => void heard.push('(end)'),
    cut: () => void heard.push('(cut)'),
    ...consumer,
  };
  parser.oncommand = (line, callback) => {
    const command = line.toString('latin1');
    heard.push(command);
    if (command === 'DATA') parser.readContent(ears, bareNewline);
    callback?.();
  };
  const errors: string[] = [];
  parser.on('error', (error) => errors.push(error.message));
  return { parser, heard, errors };
}

/** Resolves when the parser wants more, with the error of the stream if there is one. */
const write = (parser: Parser, octets: string | Buffer): Promise<string | undefined> =>
  new Promise((resolve) => {
    const chunk = typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets;
    parser.write(chunk, (error) => resolve(error?.message));
  });
/** All that is due has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** A promise to be kept by hand. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Every way to cut the text in two, and one octet at a time. */
function* cuts(text: string): Generator<string[]> {
  for (let i = 0; i <= text.length; i++) yield [text.slice(0, i), text.slice(i)];
  yield [...text];
}

describe('command lines', () => {
  test.each([
    ['CRLF', 'EHLO a\r\nMAIL FROM:<>\r\n', ['EHLO a', 'MAIL FROM:<>']],
    ['LF alone', 'EHLO a\nRSET\n', ['EHLO a', 'RSET']],
    ['empty lines', '\r\n\n\r\n', ['', '', '']],
    ['one CR belongs to the line end, no more', 'a\r\r\nb\rc\r\n', ['a\r', 'b\rc']],
    ['octets, not characters', 'MAIL FROM:<\xff\xc3\xa4\0>\r\n', ['MAIL FROM:<\xff\xc3\xa4\0>']],
    ['a line that has not ended', 'RSET\r\nQUI', ['RSET']],
  ])('%s, however they are cut', async (_, text, expected) => {
    for (const pieces of cuts(text)) {
      const { parser, heard } = listen();
      for (const piece of pieces) await write(parser, piece);
      expect(heard).toEqual(expected);
      expect(parser.hasPartialLine).toBe(!text.endsWith('\n'));
      expect(parser.octetsIn).toBe(text.length);
    }
  });

  test('the next waits until this one is answered, and the next chunk too', async () => {
    const { parser } = listen();
    const heard: string[] = [];
    const callbacks: (() => void)[] = [];
    parser.oncommand = (line, callback) => {
      heard.push(line.toString());
      callbacks.push(callback ?? (() => {}));
    };
    let wantsMore = false;
    const written = write(parser, 'a\r\nb\r\n').then(() => (wantsMore = true));
    await settled();
    expect(heard).toEqual(['a']);
    callbacks[0]?.();
    callbacks[0]?.(); // a second answer to the same command is none
    await settled();
    expect(heard).toEqual(['a', 'b']);
    expect(wantsMore).toBe(false);
    callbacks[1]?.();
    await written;
  });

  test('a hundred thousand in one chunk: everybody else has a turn, and the stack does not grow', async () => {
    const { parser, heard } = listen();
    const written = write(parser, 'NOOP\r\n'.repeat(100_000));
    expect(heard.length).toBe(100);
    let turns = 0;
    const count = () => {
      turns++;
      if (heard.length < 100_000) setImmediate(count);
    };
    setImmediate(count);
    await written;
    expect(heard.length).toBe(100_000);
    expect(turns).toBeGreaterThanOrEqual(999);
  });

  test('so it is when each comes in a chunk of its own', async () => {
    const { parser, heard } = listen();
    const hold = gate();
    const { oncommand } = parser;
    parser.oncommand = (line, callback) =>
      line.toString() === 'WAIT' ? void hold.opened.then(callback) : oncommand(line, callback);
    parser.write('WAIT\r\n');
    for (let i = 0; i < 1_000; i++) parser.write('NOOP\r\n');
    hold.open();
    await hold.opened;
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.length).toBeLessThanOrEqual(100);
    await write(parser, '');
    expect(heard.length).toBe(1_000);
  });

  test('a closed parser swallows the rest of the chunk and all that follows', async () => {
    const { parser, heard } = listen();
    const { oncommand } = parser;
    parser.oncommand = (line, callback) => {
      if (line.toString() === 'QUIT') parser.isClosed = true;
      oncommand(line, callback);
    };
    await write(parser, 'RSET\r\nQUIT\r\nMAIL FROM:<>\r\n');
    await write(parser, 'RSET\r\n');
    await write(parser, 'x'.repeat(10_000));
    expect(heard).toEqual(['RSET', 'QUIT']);
  });

  test('a command that the end of the connection cuts is not run', async () => {
    const { parser, heard } = listen();
    const closed = new Promise((resolve) => parser.once('close', resolve));
    parser.end('RSET\r\nQUIT');
    await closed;
    expect(heard).toEqual(['RSET']);
  });
});

describe('the limit of a line', () => {
  const limit = 10;
  const send = async (pieces: readonly string[]) => {
    const { parser, heard, errors } = listen({ maxCommandLength: limit });
    for (const piece of pieces) await write(parser, piece);
    await settled();
    return { heard, errors, isClosed: parser.isClosed, isDestroyed: parser.destroyed };
  };

  test.each(['\r\n', '\n'])('fits, with %j, however it is cut', async (lineEnd) => {
    const line = '0123456789';
    for (const pieces of cuts(`${line}${lineEnd}${line}${lineEnd}`))
      expect(await send(pieces)).toEqual({ heard: [line, line], errors: [], isClosed: false, isDestroyed: false });
  });

  test.each(['0123456789a\r\n', '0123456789a\n', '0123456789a', '0123456789\ra'])(
    '%j is too long, however it is cut',
    async (text) => {
      const over = { heard: ['RSET'], errors: ['Command line too long'], isClosed: true, isDestroyed: true };
      for (const pieces of cuts(`RSET\r\n${text}RSET\r\n`)) expect(await send(pieces)).toEqual(over);
    },
  );

  test('a megabyte in one chunk', async () => {
    const { parser, errors } = listen();
    expect(await write(parser, Buffer.alloc(1_000_000, 'x'))).toBe('Command line too long');
    await settled();
    expect(errors).toEqual(['Command line too long']);
    expect(parser.hasPartialLine).toBe(false);
  });
});

describe('before the greeting', () => {
  const early = () => {
    const { parser, heard } = listen();
    let calls = 0;
    parser.onearly = () => calls++;
    return { parser, heard, calls: () => calls };
  };

  test.each(['E', '\n', 'EHLO a\r\nRSET\r\n'])('%j is told once and waits', async (octets) => {
    const { parser, heard, calls } = early();
    let wantsMore = false;
    const first = write(parser, octets).then(() => (wantsMore = true));
    const second = write(parser, octets);
    await settled();
    expect([calls(), heard, wantsMore]).toEqual([1, [], false]);
    parser.release();
    await Promise.all([first, second]);
    expect(calls()).toBe(1);
    expect(heard).toEqual((octets + octets).split(/\r?\n/).slice(0, -1));
  });

  test('who waits is parsed as usual', async () => {
    const { parser, heard, calls } = early();
    parser.release();
    await write(parser, 'EHLO a\r\n');
    expect([calls(), heard]).toEqual([0, ['EHLO a']]);
  });

  test('released in the very call', async () => {
    const { parser, heard } = listen();
    parser.onearly = () => parser.release();
    await write(parser, 'EHLO a\r\n');
    expect(heard).toEqual(['EHLO a']);
  });

  test('closed in between: nothing is parsed, and release lets the stream go', async () => {
    const { parser, heard, calls } = early();
    const written = write(parser, 'EHLO a\r\n');
    parser.abandon();
    parser.release();
    await written;
    await write(parser, 'RSET\r\n');
    expect([calls(), heard]).toEqual([1, []]);
  });

  test('a closed parser calls nobody', async () => {
    const { parser, calls } = early();
    parser.isClosed = true;
    await write(parser, 'EHLO a\r\n');
    expect(calls()).toBe(0);
  });
});

describe('content', () => {
  /** The pieces of content that came after one another, joined. */
  const joined = (heard: readonly string[]): string =>
    heard.map((word) => (word.startsWith('+') ? word.slice(1) : `[${word}]`)).join('');

  test('between commands, several times, however it is cut', async () => {
    const text = 'RSET\r\nDATA\r\n.a\r\n..\r\n.\r\nNOOP\r\nDATA\r\n.\r\nDATA\r\n\r\n.\r\nQUIT\r\n';
    for (const pieces of cuts(text)) {
      const { parser, heard } = listen();
      for (const piece of pieces) await write(parser, piece);
      expect(joined(heard)).toBe('[RSET][DATA]a\r\n..\r\n[(end)][NOOP][DATA][(end)][DATA]\r\n[(end)][QUIT]');
      expect([parser.inContent, parser.octetsIn]).toEqual([false, text.length]);
    }
  });

  test('a fault is told once, ends where the message ends, and commands follow', async () => {
    for (const pieces of cuts('DATA\r\na\nb\nc\0\r\n.\r\nRSET\r\n')) {
      const { parser, heard } = listen();
      for (const piece of pieces) await write(parser, piece);
      expect(joined(heard)).toMatch(/^\[DATA\]a?\[\(fault\)\]\[\(end\)\]\[RSET\]$/);
    }
  });

  test('is mended if it shall be', async () => {
    const { parser, heard } = listen({ bareNewline: 'normalize' });
    await write(parser, 'DATA\r\na\n.\nb\r\n.\r\n');
    expect(joined(heard)).toBe('[DATA]a\r\n..\r\nb\r\n[(end)]');
  });

  test('octets so far', async () => {
    const counted: number[] = [];
    const { parser } = listen({ consumer: { push: (_: Buffer, octets: number) => void counted.push(octets) } });
    for (const piece of ['DATA\r\n..', 'a\r', '\n', '.\r\n']) await write(parser, piece);
    expect(counted).toEqual([1, 2, 4]);
  });

  test('may begin long after the command, before its answer', async () => {
    const { parser, heard } = listen();
    const { oncommand } = parser;
    const backend = gate();
    parser.oncommand = (line, callback) => void backend.opened.then(() => oncommand(line, callback));
    const written = write(parser, 'DATA\r\na\r\n.\r\nRSET\r\n');
    await settled();
    expect(parser.inContent).toBe(false);
    backend.open();
    await written;
    expect(joined(heard)).toBe('[DATA]a\r\n[(end)][RSET]');
  });

  test('is not read twice at once', async () => {
    const { parser } = listen();
    const consumer: ContentConsumer = { push: () => undefined, fault() {}, end: () => undefined, cut() {} };
    parser.readContent(consumer, 'reject');
    expect(parser.inContent).toBe(true);
    expect(() => parser.readContent(consumer, 'reject')).toThrow('already');
  });

  test('waits for the consumer: after each push, before the end, and before the next command', async () => {
    const steps: { what: string; open: () => void }[] = [];
    const step = (what: string): Promise<void> => {
      const { opened, open } = gate();
      steps.push({ what, open });
      return opened;
    };
    const { parser, heard } = listen({
      consumer: { push: (content: Buffer) => step(content.toString()), end: () => step('(end)') },
    });
    let chunksDone = 0;
    for (const piece of ['DATA\r\na\r\n', 'b\r\n.\r\nRSET\r\n']) write(parser, piece).then(() => chunksDone++);
    const state = async () => {
      await settled();
      return [steps.map(({ what }) => what), parser.inContent, chunksDone, heard];
    };
    expect(await state()).toEqual([['a\r\n'], true, 0, ['DATA']]);
    steps[0]?.open();
    expect(await state()).toEqual([['a\r\n', 'b\r\n'], false, 1, ['DATA']]);
    steps[1]?.open();
    expect(await state()).toEqual([['a\r\n', 'b\r\n', '(end)'], false, 1, ['DATA']]);
    steps[2]?.open();
    expect(await state()).toEqual([['a\r\n', 'b\r\n', '(end)'], false, 2, ['DATA', 'RSET']]);
  });
});

describe('a client that leaves', () => {
  test('in its content: cut, once, and never ended', async () => {
    const { parser, heard } = listen();
    await write(parser, 'DATA\r\na\r\n.');
    parser.abandon();
    parser.abandon();
    await write(parser, '\r\nRSET\r\n');
    expect(heard).toEqual(['DATA', '+a\r\n', '(cut)']);
    expect([parser.inContent, parser.isClosed]).toEqual([false, true]);
  });

  test('while the last octets before the dot wait: there was no end', async () => {
    const slow = gate();
    const { parser, heard } = listen({ consumer: { push: () => slow.opened } });
    const written = write(parser, 'DATA\r\na\r\n.\r\nRSET\r\n');
    parser.abandon();
    slow.open();
    await written;
    expect(heard).toEqual(['DATA', '(cut)']);
  });

  test('after the end: nothing to cut, and its commands are not run', async () => {
    const slow = gate();
    const { parser, heard } = listen({ consumer: { end: () => slow.opened } });
    const written = write(parser, 'DATA\r\na\r\n.\r\nRSET\r\n');
    parser.abandon();
    slow.open();
    await written;
    expect(heard).toEqual(['DATA', '+a\r\n']);
  });

  test('before its content was asked for: cut at once', () => {
    const { parser } = listen();
    let cut = 0;
    parser.abandon();
    parser.readContent({ push: () => undefined, fault() {}, end: () => undefined, cut: () => cut++ }, 'reject');
    expect([cut, parser.inContent]).toEqual([1, false]);
  });

  test.each([
    ['FIN', (parser: Parser) => parser.end()],
    ['a destroyed stream', (parser: Parser) => parser.destroy()],
  ])('with %s', async (_, leave) => {
    const { parser, heard } = listen();
    await write(parser, 'DATA\r\na\r\n.\r');
    const closed = new Promise((resolve) => parser.once('close', resolve));
    leave(parser);
    await closed;
    expect(heard).toEqual(['DATA', '+a\r\n', '(cut)']);
  });

  test('closed by the consumer itself in the middle of a chunk', async () => {
    const { parser, heard } = listen({ consumer: { push: () => parser.abandon() } });
    await write(parser, 'DATA\r\na\r\n.\r\nRSET\r\n');
    expect(heard).toEqual(['DATA', '(cut)']);
  });
});

describe('twenty megabytes', () => {
  test.each([
    ['..\r\n', '..\r\n', 3],
    ['.a\r\n', 'a\r\n', 3],
    ['\r', ' ', 1],
    ['\n.', '\r\n..', 3],
    ['\r\n', '\r\n', 2],
  ])('of %j', async (unit, canonical, octetsEach) => {
    const chunk = Buffer.alloc(65_536, unit);
    const chunks = 320;
    const units = (chunks * chunk.length) / unit.length;
    let pushes = 0;
    let pushed = 0;
    let octets = 0;
    let ended = false;
    const { parser } = listen({
      bareNewline: 'normalize',
      consumer: {
        push(content: Buffer, octetsSoFar: number) {
          pushes++;
          pushed += content.length;
          octets = octetsSoFar;
        },
        end: () => void (ended = true),
      },
    });
    await write(parser, 'DATA\r\n');
    for (let i = 0; i < chunks; i++) await write(parser, chunk);
    await write(parser, 'x\r\n.\r\n');
    expect(ended).toBe(true);
    expect(pushes).toBeLessThanOrEqual(chunks + 1);
    // The last line has three octets.
    expect([pushed - 3, octets - 3]).toEqual([units * canonical.length, units * octetsEach]);
  });
});
