// Remedies as plain text: prose wrapped to a width, records and commands never, since they are there to be copied.

import type { Way } from './advice.ts';
import { foreignName } from './name.ts';
import type { ZoneRecord } from './record.ts';
import type { Remedy } from './remedy.ts';

/** The lines of all of them, without line ends; '' is an empty one. [] for none. */
export function remedyLines(remedies: readonly Remedy[], width: number): readonly string[] {
  const verify = [...new Set(remedies.flatMap((remedy) => remedy.verify))];
  return [
    ...remedies.flatMap((remedy, i) => [
      ...(i === 0 ? [] : ['']),
      ...wrap(`${remedy.reason}, for the ${remedy.owner}. ${remedy.says}`, width),
      ...remedy.ways.flatMap((way) => ['', ...wayLines(way, width)]),
    ]),
    ...(verify.length === 0 ? [] : ['', 'To see whether it is mended:', ...verify.map(indented)]),
  ];
}

export function wayLines({ says, records, nsupdate }: Way, width: number): readonly string[] {
  return [...wrap(says, width), ...zoneLines(records).map(indented), 'or with nsupdate:', ...nsupdate.map(indented)];
}

/** Records as lines of zone files, each zone named once in a comment before its records. */
export function zoneLines(records: readonly ZoneRecord[]): readonly string[] {
  return records.flatMap(({ zone, line }, i) => [
    ...(records[i - 1]?.zone === zone ? [] : [`; in the zone ${foreignName(zone)}`]),
    line,
  ]);
}

/** Breaks at blanks outside quotes alone: what strangers wrote begins no line. What is longer than the width stands alone. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.match(/(?:"[^"]*"|[^ "]|")+/g) ?? []) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

function indented(line: string): string {
  return `  ${line}`;
}
