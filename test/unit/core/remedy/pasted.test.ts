// A refusal read back: what stands in the brackets of a reply leads to the same reason, whoever wrapped or quoted it.

import { expect, test } from '@jest/globals';
import { lookedUp } from '../../../../src/core/explain.ts';
import { iprev, iprevReasons } from '../../../../src/core/iprev.ts';
import type { HostName } from '../../../../src/core/name.ts';
import { exampleOf } from '../../../../src/core/remedy/example.ts';
import { readRefusal } from '../../../../src/core/remedy/pasted.ts';
import { makeReply, printReply } from '../../../../src/core/reply.ts';
import { ipOf } from '../../../support/evidence.ts';

// The short text names three lookups and no other family.
const shortened: Readonly<Record<string, string>> = { 'other-family': 'stale', 'too-many-names': 'mismatch' };

test.each(iprevReasons.filter((reason) => reason !== 'confirmed'))('%s', (reason) => {
  for (const ip of ['192.0.2.7', '2001:db8::7']) {
    const evidence = exampleOf(reason, { ip: ipOf(ip), name: 'mail.sender.example' as HostName });
    const said = printReply(makeReply(450, '4.7.25', `no [${lookedUp(evidence)}]`, '1ng2ewjmsa2'));
    for (const pasted of [
      said,
      `host mx.example[198.51.100.1] said:\n    ${said.replaceAll(' ', '\n\t')} (in reply to RCPT)`,
    ]) {
      const read = readRefusal(pasted);
      expect(read).toMatchObject({ id: '1ng2ewjmsa2', client: { ip } });
      expect(read && iprev(read).reason).toBe(shortened[reason] ?? reason);
    }
  }
});

test.each([
  '550 5.7.1 go away',
  '[]',
  '[PTR : NXDOMAIN]',
  '[PTR 1.2.3.in-addr.arpa: NXDOMAIN]',
  '[PTR 256.2.0.192.in-addr.arpa: NXDOMAIN]',
  '[PTR 192.0.2.7: mail.example]',
  '[192.0.2.7 -> a b -> NXDOMAIN]',
  '[192.0.2.7 -> mail.example -> whatever]',
  '[PTR 7.2.0.192.in-addr.arpa: NXDOMAIN',
])('%j is no refusal of ours', (text) => {
  expect(readRefusal(text)).toBeUndefined();
});
