// The page's files, as the build left them beside this one: read once, each under the one path that it has. Nothing else of the disk
// can be asked for. Throws where the build has not put them there.

import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer } from './answer.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** By path: "/" is the page. */
export function readAssets(
  folder = fileURLToPath(new URL('../../dist/console/assets/', import.meta.url)),
): ReadonlyMap<string, Answer> {
  const found = new Map<string, Answer>();
  for (const name of readdirSync(folder)) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const path = name === 'index.html' ? '/' : `/${name}`;
    found.set(path, { status: 200, type, body: readFileSync(join(folder, name)) });
  }
  if (!found.has('/')) throw new Error(`the console's page is not in ${folder}: npm run build makes it`);
  return found;
}
