// What is odd about a rule that refuses: a 5xx that cannot stand since a failed lookup never makes one (soften.ts), and reasons that
// hit honest senders.

import type { Condition } from '../condition.ts';
import { heloDnsWords } from '../helo.ts';
import { type IprevReason, iprevResults, temperrorReasons } from '../iprev.ts';
import type { NamingLabel } from '../naming/classify.ts';
import type { Rule } from '../policy.ts';
import { alternatives } from '../soften.ts';
import { type Case, caseOf, leavesOf } from './every-case.ts';
import { alignmentAtom, certificateAtom, heloAtom, heloDnsAtom } from './identity.ts';
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
  const other = caseLike(logic, 'confirmed', 'custom');
  const holds = (one: Case): Formula => logic.when(index, one);
  const surely = (one: Case, given: Formula = true) =>
    logic.never((same) => logic.judged({ all: [given, { not: holds(same) }] }, same), [one]);
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
    ...honest
      .filter(({ atom }) => surely(other, atom) && !surely(other))
      .slice(0, 1)
      .map(({ why, hint }) => say('remark', `"${id}" refuses because ${why}`, hint)),
    ...(isForGood(decision) ? aboutFailedHelo({ id, when, code: decision.code }, say) : []),
  ];
}

/** What is no reason to refuse, since honest servers are like that. */
const honest: readonly { readonly atom: string; readonly why: string; readonly hint: string }[] = [
  ...[heloAtom('other-literal'), heloDnsAtom('elsewhere'), heloDnsAtom('other-family'), heloDnsAtom('nowhere')].map(
    (atom) => ({
      atom,
      why: "the HELO name is not the client's own",
      hint: 'RFC 5321 s4.1.4: a message must not be refused for that; a tag or a score is enough',
    }),
  ),
  {
    atom: alignmentAtom('helo-ptr', 'none'),
    why: 'HELO and the PTR name are of different organisations',
    hint: 'RFC 5321 s4.1.4: a message must not be refused for its HELO name; a tag or a score is enough',
  },
  {
    atom: alignmentAtom('sender-ptr', 'unknown'),
    why: 'the sender is of another organisation than the server',
    hint: 'so is everybody who sends through a provider; let it speak for a client, not against one',
  },
  {
    atom: certificateAtom('none'),
    why: 'the client shows no certificate',
    hint: 'hardly any mail server shows one; let it speak for a client, not against one',
  },
];

/** A 5xx for a lookup of HELO's name that failed does not stand (soften.ts). */
function aboutFailedHelo(
  { id, when, code }: { readonly id: string; readonly when: Condition; readonly code: number },
  say: SayOfRule,
): readonly NoticeAt[] {
  if (!somewhere(when, namesHeloFailure)) return [];
  return [
    say(
      'warning',
      `"${id}" refuses with ${code} where the lookup of HELO's name failed, and is told as 450 if another answer would have let the client in`,
      'write defer, or leave temperror out',
    ),
  ];
}

function caseLike(logic: RuleLogic, reason: IprevReason, label: NamingLabel): Case {
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
      somewhere(when, namesFailure) ? 'warning' : 'remark',
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
    default:
      return false;
  }
}

function namesHeloFailure(condition: Condition): boolean {
  if (condition.kind !== 'helo_dns') return false;
  return condition.words.length < heloDnsWords.length && condition.words.includes('temperror');
}

/** What stands below a "not" is not looked at. */
function somewhere(condition: Condition, isSo: (condition: Condition) => boolean): boolean {
  if (condition.kind === 'all' || condition.kind === 'any') return condition.of.some((of) => somewhere(of, isSo));
  return isSo(condition);
}

/** The one thing that the DNS might have said in every case of a failed lookup: that the client is confirmed. */
function confirmedInstead({ evidence }: Case): readonly Case[] {
  return alternatives(evidence)
    .map((world, i) => caseOf(world, `instead ${i} `))
    .filter(({ findings }) => findings.iprev.result === 'pass');
}
