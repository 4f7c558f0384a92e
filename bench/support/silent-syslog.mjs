// A syslog for peers that know no other log: takes every line on UDP port 514 of the namespace and reads none, so that logging
// costs them what they do for it themselves, and nobody beside them works.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch, whereIs } from './processes.mjs';

const program = `use IO::Socket::INET;
my $log = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => 514) or die "$!";
$| = 1;
print "ready\\n";
sleep;`;

export async function startSyslog(folder) {
  const running = launch(whereIs('perl'), ['-e', program], { log: join(folder, 'syslog.log') });
  while (!running.said().includes('ready')) {
    if (running.ended()) throw new Error(`syslog did not start: ${running.said()}`);
    await sleep(20);
  }
  return running;
}
