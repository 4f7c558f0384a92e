// Who reads no further keeps nobody from the journal.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { evidence } from '../../../src/console/evidence.ts';
import { recordedSessions } from '../../../src/console/recorded.ts';

test('a reader who stands still is let go, and the next is served whole', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'iprevd-evidence-'));
  const lines = 40_000; // more than any socket holds
  writeFileSync(join(folder, '2026-11-26T04.jsonl'), `${'x'.repeat(999)}\n`.repeat(lines));
  const route = evidence({ recorded: recordedSessions(), journalFolder: () => folder, stallMs: 100 });
  const server = createServer((request, response) => {
    const query = new URLSearchParams(request.url?.split('?')[1]);
    void route({ query, body: '', response });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const still = connect(port, '127.0.0.1').on('error', () => undefined);
    const closed = new Promise((resolve) => still.on('close', resolve));
    await new Promise<void>((resolve) => {
      still.once('data', () => resolve(void still.pause()));
      still.write('GET /api/evidence?from=journal HTTP/1.1\r\nHost: x\r\n\r\n');
    });
    const heard = await (await fetch(`http://127.0.0.1:${port}/api/evidence?from=journal`)).text();
    expect(heard.split('\n')).toHaveLength(lines + 2);
    expect(heard.endsWith('\n{"kind":"end","problems":[]}\n')).toBe(true);
    still.resume();
    await closed;
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  }
});
