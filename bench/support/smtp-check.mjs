// Before anything is measured: does each contender do what it is measured for? A message through it must reach the backend
// whole, with the contender's word that the client's name was confirmed. Throws with what came instead.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { runClient } from './smtp-client.mjs';
import { clientName } from './smtp-dns.mjs';
import { backend } from './smtp-namespace.mjs';

const confirmations = {
  postfix: (content, ip) => content.includes(`(${clientName(ip)} [${ip}])`),
  haraka: (content, ip) => content.includes(`X-Haraka-FCrDNS: ${clientName(ip)}`),
  floor: (content, ip) => content.includes(`iprev=pass (${clientName(ip)})`),
  ours: (content, ip) => /Authentication-Results: [^;]+;\s+iprev=pass/.test(content) && content.includes(ip),
};

/** With the backend's port free. */
export async function check(contenders) {
  let content = '';
  const server = createServer((socket) => serve(socket, (text) => (content = text))).listen(backend);
  await once(server, 'listening');
  for (const { name, listen } of contenders) {
    content = '';
    await runClient({ job: 'messages', to: listen, count: 2, octets: 4_096, keep: true });
    const confirmed = confirmations[name] ?? confirmations.ours;
    const whole = content.endsWith(`\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(53)}`);
    if (!whole || !confirmed(content, listen.host))
      throw new Error(`${name} did not do its work. It sent:\n${content}`);
  }
  server.close();
}

/** The least mail server: yes to everything. */
function serve(socket, take) {
  let unread = '';
  let inContent = false;
  socket.setEncoding('latin1');
  socket.write('220 backend\r\n');
  socket.on('error', () => {});
  socket.on('data', (text) => {
    unread += text;
    for (;;) {
      const end = unread.indexOf(inContent ? '\r\n.\r\n' : '\r\n');
      if (end < 0) return;
      if (inContent) take(unread.slice(0, end + 2));
      const verb = inContent ? '.' : unread.slice(0, 4).toUpperCase();
      unread = unread.slice(end + (inContent ? 5 : 2));
      inContent = verb === 'DATA';
      socket.write(verb === 'DATA' ? '354 go\r\n' : verb === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n');
      if (verb === 'QUIT') socket.end();
    }
  });
}
