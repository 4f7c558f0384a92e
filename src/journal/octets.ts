// The octets of a file, unpacked if they are packed (gzip, by its first two octets and not by its name), a piece at a time and no
// faster than they are wanted. Throws where it cannot be read on, after all that could be read was handed out.

import { type FileHandle, open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { journalReadOctets, journalReadPackedOctets } from '../core/limits.ts';

/** What is handed out is good until the next is asked for. */
export async function* octetsOf(
  where: string,
  onProgress: (octets: number) => void = () => {},
): AsyncGenerator<Buffer> {
  const file = await open(where).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    // Packed since somebody saw it there.
    return open(`${where}.gz`).catch(() => Promise.reject(error));
  });
  try {
    const isPacked = await beginsPacked(file);
    const pieces = piecesOf(file, isPacked ? journalReadPackedOctets : journalReadOctets, onProgress);
    yield* isPacked ? unpacked(pieces) : pieces;
  } finally {
    await file.close();
  }
}

/** All into the same memory: to take new one for each piece costs more than to read it. */
async function* piecesOf(file: FileHandle, most: number, onProgress: (octets: number) => void): AsyncGenerator<Buffer> {
  const piece = Buffer.allocUnsafeSlow(most);
  for (;;) {
    const { bytesRead } = await file.read(piece, 0, most, null);
    if (bytesRead === 0) return;
    onProgress(bytesRead);
    yield piece.subarray(0, bytesRead);
  }
}

async function beginsPacked(file: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b; // RFC 1952 s2.3.1
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
