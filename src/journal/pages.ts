// Lines on their way to the disk, as octets: what is kept as a text of many pieces costs the collector of garbage more than all
// the rest. A line goes into the page at hand; full pages wait in order. Bounded by whoever adds.

import { journalPageOctets } from '../core/limits.ts';

export class Pages {
  /** Full, or taken because nothing fuller was there; oldest first. */
  #waiting: Buffer[] = [];
  #waitingOctets = 0;
  #page: Buffer | undefined;
  #used = 0;
  /** One that was written, for the next to come. */
  #spare: Buffer | undefined;

  get octets(): number {
    return this.#waitingOctets + this.#used;
  }

  get hasFull(): boolean {
    return this.#waiting.length > 0;
  }

  /** `line`: ASCII, with its line feed. */
  add(line: string): void {
    if (this.#used + line.length > journalPageOctets) this.#turn();
    if (line.length > journalPageOctets) this.#wait(Buffer.from(line, 'latin1'));
    else {
      this.#page ??= this.#spare ?? Buffer.allocUnsafeSlow(journalPageOctets);
      if (this.#page === this.#spare) this.#spare = undefined;
      this.#used += this.#page.write(line, this.#used, 'latin1');
    }
  }

  /** The oldest octets, to be written; undefined: there are none. */
  first(): Buffer | undefined {
    if (this.#waiting.length === 0) this.#turn();
    return this.#waiting[0];
  }

  /** Of those, so many from their beginning are done with. */
  done(octets: number): void {
    const first = this.#waiting.shift();
    if (first === undefined) return;
    this.#waitingOctets -= octets;
    if (octets < first.length) this.#waiting.unshift(first.subarray(octets));
    else if (first.buffer.byteLength === journalPageOctets) this.#spare ??= Buffer.from(first.buffer);
  }

  #turn(): void {
    if (this.#page !== undefined && this.#used > 0) this.#wait(this.#page.subarray(0, this.#used));
    this.#page = undefined;
    this.#used = 0;
  }

  #wait(octets: Buffer): void {
    this.#waiting.push(octets);
    this.#waitingOctets += octets.length;
  }
}
