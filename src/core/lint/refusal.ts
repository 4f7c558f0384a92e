// What is odd about a rule that refuses: a 5xx that cannot stand since a failed lookup never makes one (soften.ts), and reasons that
// hit honest senders.

import type { Condition } from '../condition.ts';
import { type IprevReason, iprevResults, temperrorReasons } from '../iprev.ts';
import type { Rule } from '../policy.ts';
import { alternatives } from '../soften.ts';
import { type Case, caseOf, heloAtom, leavesOf } from './every-case.ts';
import type { NoticeAt, SayOfRule } from './notice.ts';
import { isForGood, type RuleLogic } from './rule-logic.ts';
import type { Formula } from './satisfiable.ts';

/** Of a rule that can hold and is reached. */
export function aboutRefusal(
  index: number,
  { id, when, actions }: Rule,
  logic: RuleLogic,
  say: SayOfRule,
): readonly NoticeAt[] {
  const { decision } = actions;
  if (typeof decision !== 'object') return [];
  const generic = caseLike(logic, 'confirmed', 'generic');
  const other = caseLike(logic, 'confirmed', 'unknown');
  const holds = (one: Case): Formula => logic.when(index, one);
  const surely = (one: Case, given: Formula = true) =>
    logic.never((same) => logic.judged({ all: [given, { not: holds(same) }] }, same), [one]);
  const foreignLiteral = heloAtom('other-literal');
  return [
    ...(isForGood(decision) ? aboutFailedLookups(index, { id, when, code: decision.code }, logic, say) : []),
    ...(surely(generic) && logic.never(holds, [other])
      ? [
          say(
            'remark',
            `"${id}" refuses confirmed clients for a generic name alone`,
            'about 4 % of the servers that deliver to public lists have one; a tag or a score is enough',
          ),
        ]
      : []),
    ...(surely(other, foreignLiteral) && !surely(other)
      ? [
          say(
            'remark',
            `"${id}" refuses because the HELO name is not the client's own`,
            'RFC 5321 s4.1.4: a message must not be refused for that; a tag or a score is enough',
          ),
        ]
      : []),
  ];
}

function caseLike(logic: RuleLogic, reason: IprevReason, label: 'generic' | 'unknown'): Case {
  const like = logic.everyCase.find(
    ({ findings }) => findings.iprev.reason === reason && findings.naming.label === label,
  );
  if (like === undefined) throw new Error(`no case of ${reason}, ${label}`);
  return like;
}

/** A 5xx that rests on a failed lookup does not stand (soften.ts). */
function aboutFailedLookups(
  index: number,
  { id, when, code }: { readonly id: string; readonly when: Rule['when']; readonly code: number },
  logic: RuleLogic,
  say: SayOfRule,
): readonly NoticeAt[] {
  const onResult = leavesOf(when).filter(({ kind }) => kind === 'iprev' || kind === 'reason');
  if (onResult.length === 0) return [];
  const isFailed = ({ findings }: Case) => findings.iprev.result === 'temperror';
  const reached = (one: Case): Formula =>
    logic.judged({ all: [logic.holds(index, one), logic.undecidedBefore(index, one)] }, one);
  const failed = logic.everyCase.filter(isFailed);
  if (logic.never(reached, failed)) return [];

  const instead = (one: Case): Formula => ({ all: confirmedInstead(one).map(logic.refusesForGood) });
  const isOnlyFailed = logic.never(
    reached,
    logic.everyCase.filter((one) => !isFailed(one)),
  );
  if (isOnlyFailed && logic.never((one) => ({ all: [reached(one), instead(one)] }), failed))
    return [
      say(
        'warning',
        `"${id}" never refuses with ${code}: it is about failed lookups alone, and is told as 450`,
        'write defer',
      ),
    ];
  if (!logic.possible((one) => ({ all: [reached(one), { not: instead(one) }] }), failed)) return [];
  return [
    say(
      namesFailure(when) ? 'warning' : 'remark',
      `"${id}" refuses with ${code} ${isOnlyFailed ? '' : 'also '}where a lookup failed, and is told as 450 if another answer would have let the client in`,
      'a rule with defer for iprev: temperror before it says what happens',
    ),
  ];
}

/** Whether a failed lookup is written there as something to refuse, not just left over by a "not". */
function namesFailure(condition: Condition): boolean {
  switch (condition.kind) {
    case 'iprev':
      return condition.results.length < iprevResults.length && condition.results.includes('temperror');
    case 'reason':
      return condition.reasons.some((reason) => (temperrorReasons as readonly string[]).includes(reason));
    case 'all':
    case 'any':
      return condition.of.some(namesFailure);
    default:
      return false;
  }
}

/** The one thing that the DNS might have said in every case of a failed lookup: that the client is confirmed. */
function confirmedInstead({ evidence }: Case): readonly Case[] {
  return alternatives(evidence)
    .map((world, i) => caseOf(world, `instead ${i} `))
    .filter(({ findings }) => findings.iprev.result === 'pass');
}
