// Postfix's own pair for measuring: smtp-source makes messages, smtp-sink throws them away.

import { join } from 'node:path';
import { launch, listening, run, whereIs } from './processes.mjs';
import { clientName } from './smtp-dns.mjs';

/**
 * It offers neither XFORWARD nor XCLIENT: Postfix would use XFORWARD, which costs it a round trip for each message that the
 * others do not make.
 */
export async function startSink(folder, { host, port }) {
  const args = ['-u', 'postfix', '-F', '-C', '-m', '12000', `${host}:${port}`, '4096'];
  const running = launch(whereIs('smtp-sink'), args, { log: join(folder, 'smtp-sink.log') });
  await listening('smtp-sink', running, { host, port });
  return running;
}

/** Seconds for so many messages, `atOnce` at a time. Rejects when the server says anything but yes. */
export async function send({ host, port }, { count, octets, atOnce, keep }) {
  const args = [
    ...['-4', '-M', clientName(host), '-f', 'from@example.com', '-t', 'to@dest.example.org'],
    ...['-l', `${octets}`, '-m', `${count}`, '-s', `${atOnce}`, ...(keep ? ['-d'] : [])],
    `${host}:${port}`,
  ];
  const start = performance.now();
  await run(whereIs('smtp-source'), args);
  return (performance.now() - start) / 1e3;
}
