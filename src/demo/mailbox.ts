// The embedded backend of the demo: takes every message and writes it to a Maildir. 250 is said only once the message is
// on the disk under its final name.

import { randomUUID } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { SMTPServer } from 'smtp-server';
import type { TcpEndpoint } from '../core/endpoint.ts';
import { listen } from '../listen.ts';

export interface Mailbox {
  close(): Promise<void>;
}

/** Rejects with a ListenError, or if the folder cannot be made. */
export async function openMailbox(folder: string, endpoint: TcpEndpoint): Promise<Mailbox> {
  for (const part of ['tmp', 'new', 'cur']) await mkdir(join(folder, part), { recursive: true });
  const smtp = new SMTPServer({
    name: 'mailbox.iprevd.example',
    disabledCommands: ['AUTH', 'STARTTLS'],
    hideSTARTTLS: true,
    authOptional: true,
    disableReverseLookup: true,
    lenientAddressParsing: true,
    logger: false,
    onData(content, _session, callback) {
      store(folder, content).then(
        (name) => callback(null, `2.0.0 stored as ${name}`),
        (error: Error) => callback(Object.assign(error, { responseCode: 452 })),
      );
    },
  });
  smtp.on('error', () => {}); // a client that went away
  await listen(smtp.server, endpoint);
  return { close: () => new Promise((resolve) => smtp.close(resolve)) };
}

async function store(folder: string, content: Readable): Promise<string> {
  const name = `${Date.now()}.${randomUUID().slice(0, 8)}.demo`;
  const file = await open(join(folder, 'tmp', name), 'wx');
  try {
    for await (const chunk of content) await file.write(chunk as Buffer);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(join(folder, 'tmp', name), join(folder, 'new', name));
  return name;
}
