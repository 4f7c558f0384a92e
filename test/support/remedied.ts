// A zone after somebody followed a remedy to the letter: the records of a way put in as a zone file has them (a PTR record in
// place of those that were there, an address beside those that are), or the commands for nsupdate carried out one by one.

import { toZone, type Zone } from '../../src/core/zone.ts';

type Owners = Record<string, readonly string[] | string | { cname: string }>;

/** Owner → records, as in a zone file of ours. */
export type ZoneMap = Readonly<Owners>;

export function withZoneLines(before: ZoneMap, lines: readonly string[]): Zone {
  const map: Owners = { ...before };
  for (const line of lines) {
    const [, owner = '', type = '', value = ''] = /^(\S+)\. \d+ IN (PTR|A|AAAA|CNAME|NS) (\S+)$/.exec(line) ?? [];
    if (owner === '') throw new Error(`no line of a zone file: ${line}`);
    put(map, owner, type, value, type === 'PTR');
  }
  return toZone(map as never);
}

export function withUpdates(before: ZoneMap, commands: readonly string[]): Zone {
  const map: Owners = { ...before };
  if (commands.at(-1) !== 'send') throw new Error('never sent');
  for (const command of commands) {
    if (command === 'send') continue;
    const gone = /^update delete (\S+)\. PTR$/.exec(command)?.[1];
    const [, owner = '', type = '', value = ''] =
      /^update add (\S+)\. \d+ (PTR|A|AAAA|CNAME|NS) (\S+)$/.exec(command) ?? [];
    if (gone !== undefined) delete map[gone];
    else if (owner === '') throw new Error(`no command: ${command}`);
    else put(map, owner, type, value, false);
  }
  return toZone(map as never);
}

function put(map: Owners, owner: string, type: string, value: string, instead: boolean): void {
  const data = value.replace(/\.$/, '');
  if (type === 'NS') return; // a zone in memory needs no delegation
  if (type === 'CNAME') map[owner] = { cname: data };
  else map[owner] = [...(instead || !Array.isArray(map[owner]) ? [] : (map[owner] as readonly string[])), data];
}
