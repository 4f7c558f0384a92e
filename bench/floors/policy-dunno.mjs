// About the least that a policy service on Node can do: reads each request into its attributes, and says DUNNO. No DNS, no
// rules, no log, no bounds.
//
//     node bench/floors/policy-dunno.mjs HOST PORT

import { createServer } from 'node:net';

const [host, port] = process.argv.slice(2);

createServer((socket) => {
  let unread = '';
  socket.setEncoding('utf8');
  socket.on('error', () => {});
  socket.on('data', (text) => {
    unread += text;
    for (let end = unread.indexOf('\n\n'); end >= 0; end = unread.indexOf('\n\n')) {
      const request = new Map();
      for (const line of unread.slice(0, end).split('\n')) {
        const equals = line.indexOf('=');
        request.set(line.slice(0, equals), line.slice(equals + 1));
      }
      unread = unread.slice(end + 2);
      if (request.get('request') !== 'smtpd_access_policy') socket.destroy();
      else socket.write('action=DUNNO\n\n');
    }
  });
}).listen({ host, port: Number(port), backlog: 4_096 });
