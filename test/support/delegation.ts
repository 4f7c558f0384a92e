// Asks a policy door as Postfix does: attributes out, one action back.

import { connect } from 'node:net';
import type { TcpEndpoint } from '../../src/core/endpoint.ts';

export type Attributes = Readonly<Record<string, string>>;

/** A request as Postfix 3.7 sends it at RCPT, with these attributes on top. */
export function request(attributes: Attributes): string {
  const all = {
    request: 'smtpd_access_policy',
    protocol_state: 'RCPT',
    protocol_name: 'ESMTP',
    client_address: '192.0.2.1',
    client_name: 'unknown',
    client_port: '40000',
    reverse_client_name: 'unknown',
    helo_name: 'client.example',
    sender: 'a@client.example',
    recipient: 'b@test.example',
    recipient_count: '0',
    instance: '1.2.3.4',
    size: '0',
    ...attributes,
  };
  return `${Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')}\n`;
}

/** Sends everything at once and returns the raw replies; '' if the door closed without any. */
export function ask(door: TcpEndpoint, octets: string | readonly Buffer[], replies = 1): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(door.port, door.host);
    let heard = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')));
    // A door that closes with octets unread resets the connection: closed all the same.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve(heard) : reject(error),
    );
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (heard.split('\n\n').length > replies) socket.end();
    });
    socket.on('close', () => resolve(heard));
    if (typeof octets === 'string') socket.write(octets, 'latin1');
    else for (const piece of octets) socket.write(piece);
  });
}
