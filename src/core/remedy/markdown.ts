// All remedies as one page, for operators to put up where their refusals can point to: `…/remedies.md#{reason}` in the text of a
// rule leads to the section of that reason. Made of the same sentences as everything else, with addresses for examples.

import { assess } from '../findings.ts';
import type { Ip } from '../ip.ts';
import type { HostName } from '../name.ts';
import { exampleOf, remedyReasons } from './example.ts';
import { placeholder } from './name.ts';
import { zoneLines } from './print.ts';
import { type Remedy, type RemedyReason, remedies } from './remedy.ts';

const example = { ip: '192.0.2.7' as Ip, name: 'mail.sender.example' as HostName };
/** Where nibbles are another matter. */
const six = { ...example, ip: '2001:db8::7' as Ip };

export function remediesPage(): string {
  return [
    '# What to do about a refusal',
    '',
    `A mail server that uses iprevd has told your mail server why it does not take its mail, or puts it off. Here is what each reason means, who can mend it, and how. ${example.ip} and ${six.ip} stand for the address of your mail server, mail.sender.example for the name that was found, and ${placeholder} for the name that it should have: put your own in place of them.`,
    '',
    'This page is made by `iprevd remedy --markdown`.',
    '',
    ...remedyReasons.flatMap((reason) => sectionOf(reason)),
    '## confirmed',
    '',
    'The reverse DNS of your mail server is in order: its PTR record names a host that leads back to it. If it was refused all the same, it was for another reason, which the refusal names.',
    '',
  ].join('\n');
}

function sectionOf(reason: RemedyReason): readonly string[] {
  const [four, other] = [remedyOf(reason, example), remedyOf(reason, six)];
  return [
    `## ${reason}`,
    '',
    `*For the ${four.owner}.* ${four.says}`,
    '',
    ...four.ways.flatMap(({ says, records, nsupdate }) => [
      says,
      '',
      ...block([...zoneLines(records), '', '; or with nsupdate:', ...nsupdate]),
    ]),
    ...(reason === 'no-ptr' ? ['For an IPv6 address:', '', ...block(zoneLines(other.ways[0]?.records ?? []))] : []),
    'To see whether it is mended:',
    '',
    ...block(four.verify),
  ];
}

function block(lines: readonly string[]): readonly string[] {
  return ['```', ...lines, '```', ''];
}

/** Throws if an example is not one of its reason: that is a bug of ours. */
function remedyOf(reason: RemedyReason, of: typeof example): Remedy {
  const evidence = exampleOf(reason, of);
  const found = remedies(evidence, assess(evidence)).find((remedy) => remedy.reason === reason);
  if (found === undefined) throw new Error(`no remedy for ${reason}`);
  return found;
}
