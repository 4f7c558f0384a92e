// What the console has to say, route by route: the page, health for whoever runs the machine, metrics, and what the page and
// `iprevd top` and `trace` ask for. README.md lists what needs the token.

import { z } from 'zod';
import { parseCidr, parseIp } from '../core/ip.ts';
import { consoleChecksMax, documentOctetsMax } from '../core/limits.ts';
import type { Decision } from '../core/verdict.ts';
import { type Answer, commonHeaders, json, text } from './answer.ts';
import { type EvidenceParts, evidence } from './evidence.ts';
import type { Live } from './live.ts';
import type { Metrics } from './metrics.ts';
import { type EditedPolicy, savePolicy, viewPolicy } from './policy-edit.ts';
import type { Asked, Route, Routes } from './server.ts';
import type { Tally } from './tally.ts';
import type { Overview } from './wire.ts';

export interface RoutesParts extends EvidenceParts {
  readonly assets: ReadonlyMap<string, Answer>;
  readonly tally: Tally;
  readonly live: Live;
  readonly metrics: Pick<Metrics, 'contentType' | 'text'>;
  readonly overview: () => Promise<Overview>;
  readonly isReady: () => boolean;
  readonly policy: EditedPolicy;
  /** Why the policy may not be saved; absent: it may. */
  readonly readOnly: string | undefined;
  /** How a client of this address and HELO name would be judged now. */
  readonly check: (ip: NonNullable<ReturnType<typeof parseIp>>, helo: string | undefined) => Promise<Decision>;
  /** Told of each policy that was saved. */
  readonly onSaved: (file: string) => void;
}

export function consoleRoutes(parts: RoutesParts): Routes {
  const { assets, tally, metrics, overview, isReady, policy, readOnly } = parts;
  const routes: [string, Route][] = [
    ...[...assets].map(([path, asset]): [string, Route] => [`GET ${path}`, { isOpen: true, answer: () => asset }]),
    ['GET /livez', { isOpen: true, answer: () => text('ok\n') }],
    ['GET /readyz', { isOpen: true, answer: () => (isReady() ? text('ok\n') : text('not ready\n', 503)) }],
    ['GET /metrics', { answer: async () => ({ status: 200, type: metrics.contentType, body: await metrics.text() }) }],
    ['GET /api/overview', { answer: async () => json(await overview()) }],
    ['GET /api/history', { answer: ({ query }) => json(tally.history(query.get('span') === 'day' ? 'day' : 'hour')) }],
    ['GET /api/live', { answer: watchLive(parts) }],
    ['GET /api/evidence', { answer: evidence(parts) }],
    ['GET /api/policy', { answer: async () => json(await viewPolicy(policy, readOnly)) }],
    ['PUT /api/policy', { bodyOctetsMax: 2 * documentOctetsMax, answer: save(parts) }],
    ['POST /api/check', { answer: check(parts) }],
  ];
  return new Map(routes);
}

function watchLive({ live }: RoutesParts) {
  return ({ query, response }: Asked): Answer | undefined => {
    const asked = query.get('client');
    const client = asked === null ? undefined : parseCidr(asked);
    if (asked !== null && client === undefined) return text('"client" is not an address or a range\n', 400);
    // Head and first lines leave together, once there is room for one more.
    const held: string[] = [];
    const outlet = {
      write: (line: string) => (response.headersSent ? response.write(line) : held.push(line)),
      get writableLength() {
        return response.writableLength;
      },
    };
    const watching = live.watch(outlet, { recent: query.get('recent') === '1', ...(client ? { client } : {}) });
    if (watching === undefined) return text('too many watch already\n', 503);
    response.on('close', watching.stop);
    response.writeHead(200, { ...commonHeaders, 'content-type': 'application/x-ndjson' });
    response.write(held.join(''));
    return undefined;
  };
}

const saving = z.object({ text: z.string().max(documentOctetsMax), version: z.string().max(64) });

function save({ policy, readOnly, onSaved }: RoutesParts) {
  let isBusy = false;
  return async ({ body }: Asked): Promise<Answer> => {
    if (readOnly !== undefined) return json({ ok: false, problems: [readOnly] }, 403);
    const asked = saving.safeParse(parseJson(body));
    if (!asked.success) return text('wanted: { "text", "version" }\n', 400);
    if (isBusy) return json({ ok: false, problems: ['somebody else is saving it just now'] }, 409);
    isBusy = true;
    try {
      const saved = await savePolicy(policy, asked.data);
      if (saved.ok) onSaved(policy.file);
      return json(saved, saved.ok ? 200 : 422);
    } catch (error) {
      // No room, no permission: the operator's business, and no bug.
      return json({ ok: false, problems: [(error as Error).message] }, 500);
    } finally {
      isBusy = false;
    }
  };
}

const question = z.object({ ip: z.string(), helo: z.string().max(512).optional() });

function check({ check: judge }: RoutesParts) {
  let underWay = 0;
  return async ({ body }: Asked): Promise<Answer> => {
    const asked = question.safeParse(parseJson(body));
    const ip = asked.success ? parseIp(asked.data.ip.trim()) : undefined;
    if (!asked.success || ip === undefined) return json({ problem: 'that is not an IP address' }, 400);
    if (underWay >= consoleChecksMax) return json({ problem: 'too many checks at once' }, 503);
    underWay++;
    try {
      return json(await judge(ip, asked.data.helo?.trim() || undefined));
    } finally {
      underWay--;
    }
  };
}

/** Undefined: it is none. */
function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
