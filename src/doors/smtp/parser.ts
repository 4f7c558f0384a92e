// The octets of one client, cut into command lines and message content; takes the place of smtp-server's parser, whose DATA
// mode costs seconds of CPU for lines of dots, goes past back-pressure, and hands bare line ends on. Commands end in LF or
// CRLF, one is handled at a time, and one that the end of the connection cuts is never run. Content (content.ts) goes to a
// consumer that may make the client wait. A line too long is an 'error' event, which smtp-server answers with 421.

import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import { commandsPerTurn } from '../../core/limits.ts';
import type { BareNewline } from '../../core/relaying.ts';
import { type ContentScanner, contentScanner } from './content.ts';

/** Takes the content of one message. */
export interface ContentConsumer {
  /**
   * Content in the form that content.ts describes, never empty, and the octets of it so far (RFC 1870 s3). A promise
   * while no more may come; undefined: go on at once. Must neither throw nor reject.
   */
  push(content: Buffer, octetsSoFar: number): Promise<void> | undefined;
  /** A bare CR, bare LF or NUL: once; nothing is pushed after it, but end() or cut() still comes. Must not throw. */
  fault(): void;
  /**
   * The final dot has come. Resolves when its reply has been said and commands may be read again. Must neither throw nor
   * reject.
   */
  end(): Promise<void> | undefined;
  /** There will be no end(): the client left before it. At most once. Must not throw. */
  cut(): void;
}

export interface ParserOptions {
  /** Octets of a command line without its line end, at most. */
  readonly maxCommandLength: number;
}

interface Message {
  readonly scanner: ContentScanner;
  readonly consumer: ContentConsumer;
  isFaulty: boolean;
  /** The final dot has been read; the last push may still be waited for. */
  hasEnded: boolean;
}

const [LF, CR] = [0x0a, 0x0d];
const nothing = Buffer.alloc(0);

/** One for each connection; a Writable that the socket is piped into. `oncommand` is set by smtp-server. */
export class Parser extends SMTPStream {
  /**
   * While set, for the time before the greeting: the first octets that arrive, a part of a line too, call it once; they and
   * all that follow wait unread for release().
   */
  onearly: (() => void) | undefined;
  readonly #maxCommandLength: number;
  /** What is being worked on: the chunk, the place in it, and whom to tell when it is used up. */
  #chunk: Buffer = nothing;
  #at = 0;
  #next: ((error?: Error | null) => void) | undefined;
  /** The beginning of a command line in latin1. Added to, never searched again, so that single octets cost no more. */
  #partialLine = '';
  #message: Message | undefined;
  #isHeld = false;
  #commandsThisTurn = 0;
  #octetsIn = 0;

  constructor({ maxCommandLength }: ParserOptions) {
    super({ maxCommandLength });
    this.#maxCommandLength = maxCommandLength;
  }

  /** Octets read so far, in lines and content; what waits in the stream's buffer is not in it yet. */
  get octetsIn(): number {
    return this.#octetsIn;
  }

  /** From readContent() until the final dot has come, or the client gone. */
  get inContent(): boolean {
    return this.#message !== undefined && !this.#message.hasEnded;
  }

  /** The client has begun a command line and not ended it. */
  get hasPartialLine(): boolean {
    return this.#partialLine !== '';
  }

  /**
   * What follows the command that is being handled is content, up to the final dot. To be called before the callback of
   * that command, which begins the reading. If the client has gone meanwhile, the consumer is cut at once. Throws if
   * content is being read already.
   */
  readContent(consumer: ContentConsumer, bareNewline: BareNewline): void {
    if (this.#message !== undefined) throw new Error('content is being read already');
    if (this.isClosed) consumer.cut();
    else this.#message = { scanner: contentScanner(bareNewline), consumer, isFaulty: false, hasEnded: false };
  }

  /** Ends the time of `onearly`: what has arrived is parsed now. */
  release(): void {
    this.onearly = undefined;
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#run();
  }

  /** The connection is gone or about to be: nothing more is parsed, and content that has not come to its end() is cut. */
  abandon(): void {
    this.isClosed = true;
    const message = this.#message;
    this.#message = undefined;
    message?.consumer.cut();
  }

  override _write(chunk: Buffer, _encoding: string, next: (error?: Error | null) => void): void {
    this.#octetsIn += chunk.length;
    this.#chunk = chunk;
    this.#at = 0;
    this.#next = next;
    if (this.onearly === undefined || chunk.length === 0 || this.isClosed) {
      this.#run();
      return;
    }
    this.#isHeld = true;
    this.onearly();
  }

  /** At the end of the input: a command that has no line end was not sent. */
  override _flushData(): void {}

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.abandon();
    callback(error);
  }

  /** Works on the chunk until it is used up or something has to be waited for, which then calls this again. */
  #run(): void {
    while (!this.isClosed) {
      const message = this.#message;
      if (message !== undefined) {
        if (!message.hasEnded && this.#at === this.#chunk.length) break;
        const wait = message.hasEnded ? this.#endContent(message) : this.#pushContent(message);
        if (wait === undefined) continue;
        wait.then(() => this.#run());
        return;
      }
      if (this.#commandsThisTurn >= commandsPerTurn) {
        this.#commandsThisTurn = 0;
        setImmediate(() => this.#run());
        return;
      }
      const line = this.#takeLine();
      if (line instanceof Error) {
        this.#done(line);
        return;
      }
      if (line === undefined) break;
      this.#commandsThisTurn++;
      if (!this.#command(line)) return;
    }
    this.#done();
  }

  /** False: the callback will come later and go on. A second call of it means nothing. */
  #command(line: Buffer): boolean {
    let isOver = false;
    let isLate = false;
    this.oncommand(line, () => {
      if (isOver) return;
      isOver = true;
      if (isLate) this.#run();
    });
    isLate = true;
    return isOver;
  }

  /** The next whole line without its end; undefined: the rest of the chunk is kept as the beginning of one. */
  #takeLine(): Buffer | Error | undefined {
    const lf = this.#chunk.indexOf(LF, this.#at);
    const rest = this.#chunk.subarray(this.#at, lf < 0 ? this.#chunk.length : lf);
    this.#at += rest.length + 1;
    const octets = this.#partialLine.length + rest.length;
    // A line of one CR may have come in two pieces.
    const endsInCr = rest.length > 0 ? rest[rest.length - 1] === CR : this.#partialLine.endsWith('\r');
    if (octets - (endsInCr ? 1 : 0) > this.#maxCommandLength) return new Error('Command line too long');
    if (lf < 0) {
      this.#partialLine += rest.toString('latin1');
      return undefined;
    }
    const line = this.#partialLine === '' ? rest : Buffer.from(this.#partialLine + rest.toString('latin1'), 'latin1');
    this.#partialLine = '';
    return endsInCr ? line.subarray(0, -1) : line;
  }

  #pushContent(message: Message): Promise<void> | undefined {
    const { scanner, consumer } = message;
    const { content, end, fault } = scanner.push(this.#chunk.subarray(this.#at));
    this.#at = end === undefined ? this.#chunk.length : this.#at + end;
    message.hasEnded = end !== undefined;
    if (fault && !message.isFaulty) {
      message.isFaulty = true;
      consumer.fault();
    }
    return content.length > 0 ? consumer.push(content, scanner.octets) : undefined;
  }

  #endContent(message: Message): Promise<void> | undefined {
    this.#message = undefined;
    return message.consumer.end();
  }

  /** Lets the next chunk come; an error ends the stream. */
  #done(error?: Error): void {
    const next = this.#next;
    this.#next = undefined;
    this.#chunk = nothing;
    next?.(error);
  }
}
