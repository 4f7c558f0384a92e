// For bench/smtp-idle.mjs: what a connection costs in smtp-server alone, as far as EHLO.
//
//     node bench/peers/idle-smtp-server.mjs HOST PORT

import { SMTPServer } from 'smtp-server';

const [host, port] = process.argv.slice(2);
const server = new SMTPServer({
  logger: false,
  disableReverseLookup: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  authOptional: true,
  socketTimeout: 300_000,
});
server.on('error', () => {});
server.server.listen({ host, port: Number(port), backlog: 4_096 });
