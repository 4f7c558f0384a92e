// For bench/smtp-idle.mjs: the least that a connection costs on Node. Greets, answers each line with 250, keeps nothing.
//
//     node bench/peers/idle-node.mjs HOST PORT

import { createServer } from 'node:net';

const [host, port] = process.argv.slice(2);
createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', (octets) => {
    if (octets.latin1Slice(0, 4) === 'QUIT') socket.end('221 bye\r\n');
    else socket.write('250 ok\r\n');
  });
  socket.write('220 node\r\n');
}).listen({ host, port: Number(port), backlog: 4_096 });
