// The octets of a file, unpacked if they are packed (gzip, by its first two octets and not by its name), a piece at a time and no
// faster than they are wanted. Throws where it cannot be read on, after all that could be read was handed out.

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { journalReadOctets, journalReadPackedOctets } from '../core/limits.ts';

export async function* octetsOf(
  where: string,
  onProgress: (octets: number) => void = () => {},
): AsyncGenerator<Buffer> {
  let path = where;
  const isPacked = await beginsPacked(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    // Packed since somebody saw it there.
    path = `${where}.gz`;
    return beginsPacked(path).catch(() => Promise.reject(error));
  });
  const stream = createReadStream(path, { highWaterMark: isPacked ? journalReadPackedOctets : journalReadOctets });
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const octets of stream as AsyncIterable<Buffer>) {
      onProgress(octets.length);
      yield octets;
    }
  };
  yield* isPacked ? unpacked(counted()) : counted();
}

async function beginsPacked(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b; // RFC 1952 s2.3.1
  } finally {
    await file.close();
  }
}

/** Piece by piece: a stream would throw away what it holds when it comes to the fault. */
async function* unpacked(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: journalReadOctets });
  const out: Buffer[] = [];
  let fail: (error: Error) => void = () => {};
  gunzip.on('data', (octets: Buffer) => out.push(octets));
  gunzip.on('error', (error) => fail(error));
  const give = (how: (done: () => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      fail = reject;
      how(resolve);
    });
  try {
    let fault: unknown;
    for await (const octets of pieces) {
      await give((done) => gunzip.write(octets, () => done())).catch((error: unknown) => {
        fault = error;
      });
      yield* out.splice(0);
      if (fault !== undefined) throw fault;
    }
    await give((done) => gunzip.once('end', done).end()).catch((error: unknown) => {
      fault = error;
    });
    yield* out.splice(0);
    if (fault !== undefined) throw fault;
  } finally {
    gunzip.destroy();
  }
}
