// Where the halves meet: evidence is gathered for a client that came, and the policy decides on it. Doors see only this.
// An Inquiry is one session: its lookups run from the moment it is opened, its policy and ref stay the same to the end,
// and exactly one decision is reported for it, when the verdict is told or, untold, when the session ends. Once nothing more will
// be seen of the session it is reported as finished, with what became of it.

import type { ClientWatch } from './client-watch.ts';
import { dnsError, type Soon } from './core/answer.ts';
import type { Client, DoorKind, Stage } from './core/client.ts';
import { decide } from './core/decide.ts';
import type { Evidence, Forward, Masking } from './core/evidence.ts';
import { heloName } from './core/helo.ts';
import type { Ip } from './core/ip.ts';
import { outcomeCodesMax } from './core/limits.ts';
import { printMoment } from './core/moment.ts';
import { fieldNames, type Policy } from './core/policy.ts';
import type { Outcome } from './core/record.ts';
import type { Decision } from './core/verdict.ts';
import type { Answers, Gather, GatherHelo } from './gather.ts';

export interface Gate {
  /**
   * Begins the lookups. Call it when the client arrives, and close() when it leaves. `isProxy`: it may name another client
   * yet (XCLIENT), so that its many connections mean nothing; then it is let go of, and nothing is reported of it.
   */
  open(door: DoorKind, ip: Ip, isProxy?: boolean): Inquiry;
}

export interface Inquiry {
  /** Stands in every refusal of this session and in its log line. */
  readonly ref: string;
  /** The first stage at which a refusal is told; before it no verdict need be waited for. */
  readonly announce: Stage;
  /** Names, in lower case, of the header fields that its policy writes: from outside they are forged. */
  readonly policyFields: ReadonlySet<string>;
  /** The client has said HELO: the lookups of that name begin now, beside the others. */
  helo(name: string): void;
  /**
   * Waits for the evidence, for so many milliseconds at most if that is said, then judges what is known of the client so far:
   * an answer that has not come by then is a DNS timeout. Where nothing is waited for the decision is there at once. Rejects, or
   * throws, only through a bug of ours.
   */
  decide(client: Client, withinMs?: number): Soon<Decision>;
  /** The door tells this decision to the client: it is the one to report. Later calls report nothing. */
  told(decision: Decision): void;
  /** The backend has answered RCPT, or the final dot, with this code. */
  heard(to: keyof Outcome, code: number): void;
  /** The session is over; if nothing was told, the verdict on what was known of the client is reported now. */
  close(client: Client): Promise<void>;
}

export interface GateParts {
  readonly gather: Gather;
  readonly gatherHelo: GatherHelo;
  /** Whether an address that has just arrived is to be believed; one watch for each door. Absent: all are. */
  readonly watch?: Pick<ClientWatch, 'arrived'>;
  /** The policy that holds for sessions that begin now. */
  readonly policy: () => Policy;
  /** `ms`: from the client's arrival to the answers about its address. Must not throw. */
  readonly report: (decision: Decision, ms: number) => void;
  /**
   * Nothing more will be seen of a session: the decision that was reported of it and, at a door that sees the backend, what that
   * said. Once for each reported decision, with it or after it. Must not throw.
   */
  readonly finished?: (decision: Decision, outcome?: Outcome) => void;
  readonly newRef: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The name under which we serve, in lower case. */
  readonly ourName?: string;
}

export function makeGate(parts: GateParts): Gate {
  return { open: (door, ip, isProxy = false) => new Session(parts, door, ip, isProxy) };
}

class Session implements Inquiry {
  readonly ref: string;
  readonly #parts: GateParts;
  readonly #door: DoorKind;
  readonly #ip: Ip;
  readonly #policy: Policy;
  readonly #arrived: number;
  /** The same for the evidence, once somebody asks. */
  #at: string | undefined;
  readonly #masked: Masking | undefined;
  #answers: Soon<Answers>;
  /** From the arrival to the answers. */
  #ms = 0;
  #isReported = false;
  /** What was reported, at a door that goes on seeing the session; undefined again when it is finished. */
  #unfinished: Decision | undefined;
  /** What the backend said. Absent: nothing yet. */
  #outcome: Record<keyof Outcome, number[]> | undefined;
  #greeted: { readonly name: string; answers: Soon<Forward | undefined> } | undefined;

  constructor(parts: GateParts, door: DoorKind, ip: Ip, isProxy: boolean) {
    this.#parts = parts;
    this.#door = door;
    this.#ip = ip;
    this.ref = parts.newRef();
    this.#policy = parts.policy();
    this.#arrived = parts.now();
    this.#masked = isProxy ? undefined : parts.watch?.arrived(ip);
    this.#answers = parts.gather(ip);
    if (!(this.#answers instanceof Promise)) return;
    const came = (): void => {
      this.#ms = parts.now() - this.#arrived;
    };
    // Whoever waits for the answers sees a rejection; without anyone waiting it must not end the process.
    this.#answers.then((answers) => {
      this.#answers = answers;
      came();
    }, came);
  }

  get announce(): Stage {
    return this.#policy.announce;
  }

  get policyFields(): ReadonlySet<string> {
    return fieldNames(this.#policy);
  }

  helo(name: string): void {
    try {
      this.#greet(name);
    } catch {
      // A bug of ours; decide() comes upon it again, where a door has an answer for it.
    }
  }

  decide(client: Client, withinMs?: number): Soon<Decision> {
    const helo = client.helo === undefined ? undefined : this.#greet(client.helo);
    const answers = this.#answers;
    return answers instanceof Promise || helo instanceof Promise
      ? this.#wait(client, Promise.all([answers, helo]), withinMs)
      : this.#judge(client, answers, helo);
  }

  async #wait(
    client: Client,
    asked: Promise<[Answers, Forward | undefined]>,
    withinMs: number | undefined,
  ): Promise<Decision> {
    const came = withinMs === undefined ? asked : within(withinMs, asked, this.#silence(client));
    return this.#judge(client, ...(await came));
  }

  #judge(client: Client, { ptr, forward, stale }: Answers, helo: Forward | undefined): Decision {
    // Built step by step, since it is built twice for each message.
    const evidence: { -readonly [Key in keyof Evidence]: Evidence[Key] } = {
      v: 1,
      id: this.ref,
      at: (this.#at ??= printMoment(this.#arrived)),
      door: this.#door,
      client,
      ptr,
      forward,
    };
    if (this.#parts.ourName !== undefined) evidence.ourName = this.#parts.ourName;
    if (stale !== undefined) evidence.stale = stale;
    if (helo !== undefined) evidence.helo = helo;
    if (this.#masked !== undefined) evidence.masked = this.#masked;
    return decide(this.#policy, evidence);
  }

  told(decision: Decision): void {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#parts.report(decision, this.#ms);
    if (seesOutcome(this.#door)) this.#unfinished = decision;
    else this.#parts.finished?.(decision);
  }

  heard(to: keyof Outcome, code: number): void {
    this.#outcome ??= { rcpt: [], dot: [] };
    if (this.#outcome[to].length < outcomeCodesMax) this.#outcome[to].push(code);
  }

  async close(client: Client): Promise<void> {
    if (!this.#isReported) this.told(await this.decide(client));
    const decision = this.#unfinished;
    this.#unfinished = undefined;
    if (decision !== undefined) this.#parts.finished?.(decision, this.#outcome ?? { rcpt: [], dot: [] });
  }

  /** What is known when nobody has answered. */
  #silence({ helo }: Client): [Answers, Forward | undefined] {
    const name = heloName(helo ?? '');
    const silent = dnsError('timeout');
    return [{ ptr: silent, forward: [] }, name === undefined ? undefined : { name, addresses: silent }];
  }

  #greet(name: string): Soon<Forward | undefined> {
    if (this.#greeted?.name === name) return this.#greeted.answers;
    const greeted = { name, answers: this.#parts.gatherHelo(name, this.#ip) };
    this.#greeted = greeted;
    if (greeted.answers instanceof Promise)
      greeted.answers.then(
        (forward) => {
          greeted.answers = forward;
        },
        () => {},
      );
    return greeted.answers;
  }
}

/** The other doors are asked, and hear nothing of what the mail server then does. */
function seesOutcome(door: DoorKind): boolean {
  return door === 'smtp';
}

/** The value, or this one in its place once the time is up. */
async function within<T>(ms: number, value: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}
