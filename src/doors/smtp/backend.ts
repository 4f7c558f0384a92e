// The mail server behind, ready for MAIL: one transaction after the other, for one client or, where it was not told that the
// connection is somebody's, for another one later. Commands and content in, its replies out; rejects with a BackendError.

import type { Endpoint } from '../../core/endpoint.ts';
import { backendSharedMessagesMax, backendShareMs } from '../../core/limits.ts';
import type { BackendProtocol } from '../../core/relaying.ts';
import { type BackendPlan, type Met, meet, type Offers, words } from './handshake.ts';
import { type BackendReply, isPositive } from './replies.ts';
import { type Identity, printXforward } from './xclient.ts';

export class Backend {
  readonly #met: Met;
  readonly #plan: BackendPlan;
  readonly #openedAt = Date.now();
  #forwards: readonly string[] = [];
  /** A reply is waited for. */
  #isBusy = false;
  #inTransaction = false;
  #inContent = false;
  #messages = 0;
  /** It has refused something, and may count that against whoever comes next. */
  #hasRefused = false;
  /** Takes it for another client, or says no. */
  keep: ((backend: Backend) => boolean) | undefined;

  constructor(met: Met, plan: BackendPlan) {
    this.#met = met;
    this.#plan = plan;
  }

  /** `client`: absent for a look at what it offers. */
  static async open(endpoint: Endpoint, plan: BackendPlan, client?: Identity): Promise<Backend> {
    return new Backend(await meet(endpoint, plan, client), plan).serve(client);
  }

  get offers(): Offers {
    return this.#met.offers;
  }

  get protocol(): BackendProtocol {
    return this.#plan.protocol;
  }

  get usable(): boolean {
    return this.#met.link.usable;
  }

  /** It has had another client before, and may have gone meanwhile. */
  get isUsed(): boolean {
    return this.#messages > 0;
  }

  serve(client: Identity | undefined): this {
    const { identify } = this.#plan;
    const mayForward = !this.#met.isClients && (identify === 'xforward' || identify === 'auto');
    const offered = mayForward ? this.offers.get('XFORWARD') : undefined;
    this.#forwards = client && offered !== undefined ? printXforward(client, words(offered)) : [];
    return this;
  }

  /** Sends one command line (latin1, without line end) and waits for its reply; before MAIL, XFORWARD if that is the way. */
  async command(line: string): Promise<BackendReply> {
    const isMail = line.startsWith('MAIL ');
    const { link } = this.#met;
    const { connectMs, replyMs } = this.#plan.times;
    // Nothing is lost by trying another one, and the server may have gone to sleep since the last client.
    const patienceMs = isMail && this.isUsed ? connectMs : replyMs;
    this.#isBusy = true;
    const reply =
      isMail && this.#forwards.length > 0
        ? await this.#forward(line, patienceMs)
        : await link.command(line, patienceMs);
    this.#isBusy = false;
    if (reply.code >= 400) this.#hasRefused = true;
    if (isMail) this.#inTransaction = isPositive(reply);
    if (line === 'RSET') this.#inTransaction = false;
    if (line === 'DATA') this.#inContent = reply.code === 354;
    return reply;
  }

  /** Sends content octets as they are. A promise while no more may come, rejected if the link breaks; undefined: go on. */
  content(octets: Buffer): Promise<void> | undefined {
    return this.#met.link.write(octets, this.#plan.times.replyMs);
  }

  /** Ends the content with the final dot and waits for the reply to it. */
  async finish(): Promise<BackendReply> {
    const reply = await this.#met.link.command('.', this.#plan.times.dotMs);
    this.#inContent = this.#inTransaction = false;
    this.#messages++;
    if (!isPositive(reply)) this.#hasRefused = true;
    return reply;
  }

  /** Is kept for somebody else, or says QUIT; or it just closes if a message was begun: what has no final dot was never sent. */
  close(): void {
    if (this.#inContent) this.#met.link.broken('message given up');
    else if (!this.#isGoodForOthers || this.keep?.(this) !== true) this.quit();
  }

  quit(): void {
    this.#met.link.quit();
  }

  get #isGoodForOthers(): boolean {
    const { isClients, link } = this.#met;
    const isFresh = this.#messages < backendSharedMessagesMax && Date.now() - this.#openedAt < backendShareMs;
    const isIdle = this.isUsed && !this.#isBusy && !this.#inTransaction;
    return link.usable && isFresh && isIdle && !isClients && !this.#hasRefused;
  }

  /** XFORWARD is for the backend's log alone, and forgotten after each transaction: whatever it answers changes nothing. */
  async #forward(mail: string, replyMs: number): Promise<BackendReply> {
    const { link, offers } = this.#met;
    if (!offers.has('PIPELINING')) {
      for (const line of this.#forwards) await link.command(line, replyMs);
      return link.command(mail, replyMs);
    }
    let reply = await link.command([...this.#forwards, mail].join('\r\n'), replyMs);
    for (const _ of this.#forwards) reply = await link.reply(replyMs);
    return reply;
  }
}
