// The policy file: its closed vocabulary, and the way from YAML to a Policy. Whatever is wrong is reported in one go with
// path:line:col. Nothing is guessed: a rule without an action, a code that is not 4xx or 5xx, a CIDR with host bits, a
// field in braces that does not exist are all refused here, so that nothing behind this file has to check again.

import { z } from 'zod';
import type { Condition } from './condition.ts';
import { closedMap, readDocument, wholeMap } from './document.ts';
import { networkOf, parseCidr, parseIp, printCidr } from './ip.ts';
import { iprevReasons, iprevResults } from './iprev.ts';
import { conditionDepthMax } from './limits.ts';
import { namingLabels } from './naming.ts';
import {
  type Actions,
  authenticatedId,
  maskedId,
  otherwiseId,
  outageId,
  type Policy,
  type Refusal,
  type Rule,
  templateFields,
} from './policy.ts';
import { type Checked, nearest, quote } from './problem.ts';
import { isEnhancedCode } from './reply.ts';

/** `file` is only used to say where a Problem is. */
export function readPolicy(text: string, file: string): Checked<Policy> {
  return readDocument(text, file, policySchema);
}

const always: Condition = { kind: 'all', of: [] };

const idText = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/i, 'a rule\'s id is a word of letters, digits, "-" and "_", 64 at most');
const tagText = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'a tag is a word of a-z, 0-9 and "-", 64 at most');

function oneOrMore<T extends z.ZodType>(item: T) {
  return z.union([item.transform((value) => [value]), z.array(item).min(1, 'an empty list holds for nobody')]);
}

// Conditions. One key in the map is one predicate; several are all meant; a list is any of its members.

const cidr = z.string().transform((text, ctx) => {
  const range = parseCidr(text);
  if (range !== undefined) return range;
  const [base = '', length = ''] = text.split('/');
  const ip = parseIp(base);
  const hint =
    ip !== undefined && /^\d{1,3}$/.test(length)
      ? hostBitsHint(networkOf({ base: ip, bits: Number(length) }))
      : 'write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32';
  ctx.addIssue({ code: 'custom', message: `${quote(text)} is not an address or a CIDR range`, params: { hint } });
  return z.NEVER;
});

function hostBitsHint(network: Parameters<typeof printCidr>[0]): string {
  return parseCidr(printCidr(network)) === undefined ? 'the prefix is too long' : `did you mean ${printCidr(network)}?`;
}

const words = oneOrMore(z.string().transform((text) => text.toLowerCase()));

const predicates = closedMap({
  iprev: oneOrMore(z.enum(iprevResults)).optional(),
  reason: oneOrMore(z.enum(iprevReasons)).optional(),
  client_ip: oneOrMore(cidr).optional(),
  naming: oneOrMore(z.enum(namingLabels)).optional(),
  helo: words.optional(),
  sender: words.optional(),
  recipient: words.optional(),
  get all() {
    return z.array(condition).min(1, '"all" needs a condition').optional();
  },
  get any() {
    return z.array(condition).min(1, '"any" needs a condition').optional();
  },
  get not() {
    return condition.optional();
  },
}).check(
  wholeMap((map, ctx) => {
    if (Object.keys(map).length === 0)
      ctx.addIssue({
        code: 'custom',
        message: 'a condition cannot be empty; leave "when" out for a rule that always holds',
      });
  }),
);

const condition: z.ZodType<Condition> = z.lazy(() =>
  z.union([
    predicates.transform(toCondition),
    z
      .array(condition)
      .min(1, 'an empty list holds for nobody')
      .transform((of): Condition => ({ kind: 'any', of })),
  ]),
);

function toCondition(map: z.output<typeof predicates>): Condition {
  const of: Condition[] = [];
  if (map.iprev) of.push({ kind: 'iprev', results: map.iprev });
  if (map.reason) of.push({ kind: 'reason', reasons: map.reason });
  if (map.client_ip) of.push({ kind: 'client_ip', ranges: map.client_ip });
  if (map.naming) of.push({ kind: 'naming', labels: map.naming });
  for (const kind of ['helo', 'sender', 'recipient'] as const) {
    const values = map[kind];
    if (values) of.push({ kind, values });
  }
  if (map.all) of.push({ kind: 'all', of: map.all });
  if (map.any) of.push({ kind: 'any', of: map.any });
  if (map.not) of.push({ kind: 'not', of: map.not });
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { kind: 'all', of };
}

// Actions. They are keys; tag and score may stand beside one of accept, defer, reject.

const refusalText = z
  .string()
  .min(1, 'a refusal needs a sentence for the sender')
  .superRefine((text, ctx) => {
    for (const [, field = ''] of text.matchAll(/\{([^{}]*)\}/g)) {
      if ((templateFields as readonly string[]).includes(field)) continue;
      ctx.addIssue({
        code: 'custom',
        message: `unknown field {${field}} in the text`,
        params: { hint: nearest(field, templateFields) },
      });
    }
  });

function refusal(verb: 'defer' | 'reject') {
  const defaults = { defer: { code: 450, enhanced: '4.7.25' }, reject: { code: 550, enhanced: '5.7.25' } }[verb];
  const map = closedMap({ code: z.number().optional(), status: z.string().optional(), text: refusalText }).transform(
    (given, ctx): Refusal => {
      const code = given.code ?? (given.status?.startsWith('4') ? 450 : defaults.code);
      const fault = (path: string, message: string) => {
        ctx.addIssue({ code: 'custom', path: [path], message });
        return z.NEVER;
      };
      if (!Number.isInteger(code) || code < 400 || code > 599)
        return fault('code', `a refusal's code is 4xx or 5xx, not ${code}`);
      if (verb === 'defer' && code >= 500)
        return fault('code', `"defer" takes a 4xx code; ${code} is for good, write "reject"`);
      const enhanced = given.status ?? `${String(code)[0]}.7.25`;
      if (!isEnhancedCode(enhanced))
        return fault('status', `${quote(enhanced)} is not an enhanced code such as ${defaults.enhanced}`);
      if (enhanced[0] !== String(code)[0])
        return fault('status', `status ${enhanced} and code ${code} contradict each other`);
      return { code, enhanced, text: given.text };
    },
  );
  return z.union([refusalText.transform((text): Refusal => ({ ...defaults, text })), map]);
}

const actionShape = {
  accept: z.literal(true, 'write "accept: true"').optional(),
  tag: tagText.optional(),
  score: z.number().optional(),
  defer: refusal('defer').optional(),
  reject: refusal('reject').optional(),
};
const deciding = ['accept', 'defer', 'reject'] as const;

function checkActions(map: Readonly<Record<string, unknown>>, ctx: z.RefinementCtx): void {
  const given = Object.keys(actionShape).filter((key) => map[key] !== undefined);
  if (given.length === 0)
    ctx.addIssue({ code: 'custom', message: `no action; give one of ${Object.keys(actionShape).join(', ')}` });
  const [first, second] = deciding.filter((key) => given.includes(key));
  if (first !== undefined && second !== undefined)
    ctx.addIssue({ code: 'custom', path: [second], message: `"${first}" has decided already; keep one of the two` });
}

function toActions(map: {
  accept?: true | undefined;
  tag?: string | undefined;
  score?: number | undefined;
  defer?: Refusal | undefined;
  reject?: Refusal | undefined;
}): Actions {
  const decision = map.accept ? 'accept' : (map.defer ?? map.reject);
  return {
    ...(map.tag === undefined ? {} : { tag: map.tag }),
    ...(map.score === undefined ? {} : { score: map.score }),
    ...(decision === undefined ? {} : { decision }),
  };
}

const rule = closedMap({
  id: idText,
  when: condition.optional(),
  mode: z.enum(['enforce', 'monitor']).optional(),
  ...actionShape,
})
  .check(wholeMap(checkActions))
  .transform(
    (map): Rule => ({ id: map.id, when: map.when ?? always, mode: map.mode ?? 'enforce', actions: toActions(map) }),
  );

const plainRefusal = { text: 'reverse DNS of {ip} does not meet our policy' };
const otherwise = z.union([
  z.enum(deciding).transform((word): Actions => {
    if (word === 'accept') return { decision: 'accept' };
    return {
      decision:
        word === 'defer'
          ? { code: 450, enhanced: '4.7.25', ...plainRefusal }
          : { code: 550, enhanced: '5.7.25', ...plainRefusal },
    };
  }),
  closedMap(actionShape).check(wholeMap(checkActions)).transform(toActions),
]);

const policySchema: z.ZodType<Policy> = closedMap({ rules: z.array(rule), otherwise }).check(wholeMap(checkRules));

function checkRules({ rules }: Readonly<Record<string, unknown>>, ctx: z.RefinementCtx): void {
  const seen = new Set<string>([otherwiseId, authenticatedId, outageId, maskedId]);
  // A rule that is wrong in itself is here as it was written, or not at all.
  (Array.isArray(rules) ? rules : []).forEach((rule: Partial<Rule> | null | undefined, i) => {
    if (typeof rule?.id !== 'string') return;
    if (seen.has(rule.id))
      ctx.addIssue({ code: 'custom', path: ['rules', i, 'id'], message: `the id ${quote(rule.id)} is taken` });
    seen.add(rule.id);
    if (rule.when?.kind !== undefined && depthOf(rule.when) > conditionDepthMax) {
      ctx.addIssue({ code: 'custom', path: ['rules', i, 'when'], message: `nested deeper than ${conditionDepthMax}` });
    }
  });
}

function depthOf(when: Condition): number {
  if (when.kind === 'not') return 1 + depthOf(when.of);
  return when.kind === 'all' || when.kind === 'any' ? 1 + Math.max(0, ...when.of.map(depthOf)) : 1;
}
