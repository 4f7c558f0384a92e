// The actions of the policy file, from YAML to Actions. They are keys: tag, score and hold may stand beside one of accept, defer,
// reject. A refusal's code is 4xx or 5xx and its enhanced code agrees with it, or the file is refused.

import { z } from 'zod';
import { closedMap } from './document.ts';
import { authResultsName, tagFieldName } from './header.ts';
import { type Actions, type HeaderField, type Refusal, templateFields } from './policy.ts';
import { nearest, quote } from './problem.ts';
import { isEnhancedCode } from './reply.ts';

const tagText = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'a tag is a word of a-z, 0-9 and "-", 64 at most');

/** A text with {fields} in it, which must exist. */
function template(missing: string) {
  return z
    .string()
    .min(1, missing)
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
}

const refusalText = template('a refusal needs a sentence for the sender');

const fieldName = z.string().superRefine((name, ctx) => {
  const own = [authResultsName, tagFieldName].some((taken) => taken.toLowerCase() === name.toLowerCase());
  if (!own && /^X-[A-Za-z0-9-]{1,60}$/.test(name)) return;
  const what = own
    ? `${quote(name)} is written by iprevd itself`
    : `${quote(name)} is not a field name such as X-Reverse-DNS`;
  ctx.addIssue({ code: 'custom', message: what });
});

const headerField = closedMap({
  header: fieldName,
  value: template('a header field needs a value').regex(
    /^[\x20-\x7e]{1,500}$/,
    'a header value is one line of ASCII, 500 characters at most',
  ),
}).transform(({ header, value }): HeaderField => ({ name: header, value }));

function refusal(verb: 'defer' | 'reject') {
  const defaults = { defer: { code: 450, enhanced: '4.7.25' }, reject: { code: 550, enhanced: '5.7.25' } }[verb];
  const map = closedMap({
    code: z.number().optional(),
    status: z.string().optional(),
    text: refusalText,
    if_permit: z.literal(true, 'write "if_permit: true"').optional(),
  }).transform((given, ctx): Refusal => {
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
    if (given.if_permit && code >= 500) return fault('if_permit', 'only "defer" can wait for what others say');
    return { code, enhanced, text: given.text, ...(given.if_permit ? { ifPermit: true as const } : {}) };
  });
  return z.union([refusalText.transform((text): Refusal => ({ ...defaults, text })), map]);
}

export const actionShape = {
  accept: z.literal(true, 'write "accept: true"').optional(),
  tag: z.union([tagText, headerField]).optional(),
  score: z.number().optional(),
  hold: z.literal(true, 'write "hold: true"').optional(),
  defer: refusal('defer').optional(),
  reject: refusal('reject').optional(),
};
export const deciding = ['accept', 'defer', 'reject'] as const;

export function checkActions(map: Readonly<Record<string, unknown>>, ctx: z.RefinementCtx): void {
  const given = Object.keys(actionShape).filter((key) => map[key] !== undefined);
  if (given.length === 0)
    ctx.addIssue({ code: 'custom', message: `no action; give one of ${Object.keys(actionShape).join(', ')}` });
  const [first, second] = deciding.filter((key) => given.includes(key));
  if (first !== undefined && second !== undefined)
    ctx.addIssue({ code: 'custom', path: [second], message: `"${first}" has decided already; keep one of the two` });
}

export function toActions(map: {
  accept?: true | undefined;
  tag?: string | HeaderField | undefined;
  score?: number | undefined;
  hold?: true | undefined;
  defer?: Refusal | undefined;
  reject?: Refusal | undefined;
}): Actions {
  const decision = map.accept ? 'accept' : (map.defer ?? map.reject);
  return {
    ...(typeof map.tag === 'string' ? { tag: map.tag } : {}),
    ...(typeof map.tag === 'object' ? { field: map.tag } : {}),
    ...(map.hold ? { hold: true as const } : {}),
    ...(map.score === undefined ? {} : { score: map.score }),
    ...(decision === undefined ? {} : { decision }),
  };
}
