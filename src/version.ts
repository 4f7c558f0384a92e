// Which iprevd this is: what stands in package.json. Throws where that is missing, which is no installation at all.

import { readFileSync } from 'node:fs';

export const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};
