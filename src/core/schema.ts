// The policy file: from YAML to a Policy. Whatever is wrong is reported in one go with path:line:col. Nothing is guessed: a rule
// without an action, an exception without a reason, a date that is none are all refused here, so that nothing behind this
// file has to check again. Conditions are in schema-condition.ts, actions in schema-action.ts.

import { z } from 'zod';
import { stages } from './client.ts';
import type { Condition } from './condition.ts';
import { closedMap, readDocument, wholeMap } from './document.ts';
import { conditionDepthMax } from './limits.ts';
import type { List, OpenList } from './name-test.ts';
import { type Actions, type Exception, type Policy, type Rule, reservedIds } from './policy.ts';
import { checkTestedRules, policyTestSchema } from './policy-tests.ts';
import { type Checked, quote } from './problem.ts';
import { actionShape, checkActions, deciding, toActions } from './schema-action.ts';
import { addressesSchema, conditionSchema, depthOf } from './schema-condition.ts';

/**
 * `file` is only used to say where a Problem is. `openList` gives the list of each file that the policy names; without it
 * a list is empty.
 */
export function readPolicy(text: string, file: string, openList: OpenList = emptyList): Checked<Policy> {
  return readDocument(text, file, policySchema(openList));
}

function emptyList(path: string, kind: List['kind']): List {
  return { path, kind, has: () => false };
}

const always: Condition = { kind: 'all', of: [] };

const idText = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/i, 'a rule\'s id is a word of letters, digits, "-" and "_", 64 at most');

/** "2026-12-31": that day is the last, in UTC. With a time it is that moment: "2026-12-31T18:00Z". */
const until = z.string().transform((text, ctx): number => {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const moment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})$/.test(text);
  const at = day ? Date.parse(`${text}T00:00:00Z`) + dayMs : moment ? Date.parse(text) : Number.NaN;
  // Date.parse takes the 31st of February for the 3rd of March.
  const midnight = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  const real = !Number.isNaN(at) && new Date(midnight).toISOString().startsWith(text.slice(0, 10));
  if (real) return at;
  ctx.addIssue({ code: 'custom', message: `${quote(text)} is not a date such as 2026-12-31 or 2026-12-31T18:00Z` });
  return z.NEVER;
});
const dayMs = 86_400_000;

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

export function policySchema(openList: OpenList): z.ZodType<Policy> {
  const condition = conditionSchema(openList);
  const exception = closedMap({
    when: condition,
    why: z.string().min(1, 'say why, for whoever finds this exception in a year'),
    until: until.optional(),
  }).transform(
    (map): Exception => ({ when: map.when, why: map.why, ...(map.until === undefined ? {} : { until: map.until }) }),
  );
  const rule = closedMap({
    id: idText,
    when: condition.optional(),
    except: z.union([exception.transform((only) => [only]), z.array(exception)]).optional(),
    mode: z.enum(['enforce', 'monitor', 'off']).optional(),
    percent: z.number().min(0).max(100).optional(),
    until: until.optional(),
    ...actionShape,
  })
    .check(wholeMap(checkActions))
    .transform(
      (map): Rule => ({
        id: map.id,
        when: map.when ?? always,
        except: map.except ?? [],
        mode: map.mode ?? 'enforce',
        percent: map.percent ?? 100,
        ...(map.until === undefined ? {} : { until: map.until }),
        actions: toActions(map),
      }),
    );
  return closedMap({
    rules: z.array(rule),
    otherwise,
    announce: z.enum(stages).optional(),
    postmaster: z.enum(['accept', 'judge']).optional(),
    authenticated: z.enum(['accept', 'judge']).optional(),
    trusted: addressesSchema(openList).optional(),
    allow_hold: z.boolean().optional(),
    tests: z.array(policyTestSchema).optional(),
  })
    .check(wholeMap(checkRules))
    .transform(
      (map): Policy => ({
        rules: map.rules,
        otherwise: map.otherwise,
        announce: map.announce ?? 'rcpt',
        postmaster: map.postmaster ?? 'accept',
        authenticated: map.authenticated ?? 'accept',
        ...(map.trusted === undefined ? {} : { trusted: { kind: 'client_ip', ...map.trusted } }),
        ...(map.tests === undefined ? {} : { tests: map.tests }),
      }),
    );
}

function checkRules(map: Readonly<Record<string, unknown>>, ctx: z.RefinementCtx): void {
  const fault = (path: (string | number)[], message: string, hint?: string) =>
    ctx.addIssue({ code: 'custom', path, message, ...(hint === undefined ? {} : { params: { hint } }) });
  const seen = new Set<string>(reservedIds);
  // A rule that is wrong in itself is here as it was written, or not at all.
  const rules: readonly (Partial<Rule> | null | undefined)[] = Array.isArray(map.rules) ? map.rules : [];
  rules.forEach((rule, i) => {
    if (typeof rule?.id !== 'string') return;
    if (seen.has(rule.id)) fault(['rules', i, 'id'], `the id ${quote(rule.id)} is taken`);
    seen.add(rule.id);
    if (rule.when?.kind !== undefined && depthOf(rule.when) > conditionDepthMax)
      fault(['rules', i, 'when'], `nested deeper than ${conditionDepthMax}`);
    if (rule.actions?.hold && map.allow_hold !== true)
      fault(
        ['rules', i, 'hold'],
        '"hold" is switched off',
        'mail that is held waits for a person; if somebody looks, say allow_hold: true',
      );
  });
  checkTestedRules(map.tests, [...seen], fault);
}
