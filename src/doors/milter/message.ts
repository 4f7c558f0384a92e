// What becomes of one message at its end. Header fields that claim to be ours are noted as they pass and taken out (RFC 8601
// s5); our own go on top, in the order of the SMTP door; what is to be held is put into quarantine where the mail server
// has one. Pure; never throws. Strings are latin1, one character for each octet.

import { authResultsName, claimsToBeOurs, messageFields, tagFieldName } from '../../core/header.ts';
import { forgedFieldsMax } from '../../core/limits.ts';
import type { Decision } from '../../core/verdict.ts';
import { actionBits, deleteField, insertField, printQuarantine, printRefusal, proceed } from './codec.ts';

export interface Message {
  /** A header field of the message, in its order. */
  header(name: string, value: string): void;
  /** A recipient was not refused. */
  accepted(decision: Decision): void;
  /** The frames that answer its end. `actions`: what was agreed on, a sum of actionBits. */
  end(actions: number): readonly Buffer[];
}

export function makeMessage(authservId: string, policyFields: ReadonlySet<string>): Message {
  const claimed = new Set([authResultsName, tagFieldName].map((name) => name.toLowerCase()).concat([...policyFields]));
  /** How many of each claimed name have passed. */
  const seen = new Map<string, number>();
  const forged: { readonly name: string; readonly index: number }[] = [];
  const decisions: Decision[] = [];

  return {
    header(spelled, value) {
      const name = spelled.trimEnd();
      const key = name.toLowerCase();
      if (!claimed.has(key)) return;
      const index = (seen.get(key) ?? 0) + 1;
      seen.set(key, index);
      if (forged.length <= forgedFieldsMax && claimsToBeOurs(`${name}:${value}`, authservId, policyFields))
        forged.push({ name, index });
    },
    accepted(decision) {
      decisions.push(decision);
    },
    end(actions) {
      const may = (bit: number): boolean => (actions & bit) !== 0;
      if (forged.length > forgedFieldsMax) return [tooManyForged];
      const held = decisions.find(({ verdict }) => verdict.hold);
      const mayHold = may(actionBits.quarantine);
      return [
        // From the last: some mail servers count on after a field is gone, and some do not.
        ...(may(actionBits.changeHeaders) ? forged.reverse().map(({ name, index }) => deleteField(index, name)) : []),
        ...(may(actionBits.addHeaders) ? messageFields(decisions, authservId, mayHold).toReversed().map(onTop) : []),
        ...(held !== undefined && mayHold ? [printQuarantine(`${held.verdict.rule} (ref ${held.evidence.id})`)] : []),
        proceed,
      ];
    },
  };
}

const tooManyForged = printRefusal({
  code: 554,
  enhanced: '5.6.0',
  text: `more than ${forgedFieldsMax} header fields that only this server may write`,
});

/** The mail server writes ": " between name and value. */
function onTop(field: string): Buffer {
  const colon = field.indexOf(':');
  return insertField(0, field.slice(0, colon), field.slice(colon + 1).trimStart());
}
