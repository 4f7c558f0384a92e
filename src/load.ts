// The operator's files: read, checked, and turned into values or Problems. Paths in a configuration are relative to its
// folder; the policies that come with iprevd are found by their word ("standard") or as "policies/standard.yaml".

import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, readConfig } from './config.ts';
import type { Policy } from './core/policy.ts';
import type { Checked, Problem } from './core/problem.ts';
import { readPolicy } from './core/schema.ts';
import { readZone, type Zone } from './core/zone.ts';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

export const defaultPolicy = 'observe';

/** A configuration with all that its paths lead to. */
export interface Loaded {
  readonly config: Config;
  readonly policy: Policy;
  /** Present if `dns.zone` names one. */
  readonly zone?: Zone;
}

/** Problems of the configuration, its policy and its zone come together. */
export async function loadConfig(file: string): Promise<Checked<Loaded>> {
  const config = await load(
    file,
    [file],
    readConfig,
    'deploy/iprevd.yaml is one to begin with; "iprevd demo" needs none',
  );
  if (!config.ok) return config;
  const base = dirname(resolve(file));
  const policy = await loadPolicy(config.value.policy ?? defaultPolicy, base);
  const zone = config.value.dns?.zone === undefined ? undefined : await loadZone(resolve(base, config.value.dns.zone));
  const problems: Problem[] = [policy, zone].flatMap((part) => (part === undefined || part.ok ? [] : part.problems));
  if (!policy.ok || zone?.ok === false) return { ok: false, problems };
  return {
    ok: true,
    value: { config: config.value, policy: policy.value, ...(zone === undefined ? {} : { zone: zone.value }) },
  };
}

/** `name`: a path relative to `base`, or one of the policies that come with iprevd. */
export function loadPolicy(name: string, base: string): Promise<Checked<Policy>> {
  const shipped = /^[a-z]+$/.test(name) ? `policies/${name}.yaml` : name;
  return load(name, isAbsolute(name) ? [name] : [resolve(base, name), resolve(packageFolder, shipped)], readPolicy);
}

export function loadZone(file: string): Promise<Checked<Zone>> {
  return load(file, [file], readZone);
}

async function load<T>(
  name: string,
  places: readonly string[],
  read: (text: string, file: string) => Checked<T>,
  whatNext?: string,
): Promise<Checked<T>> {
  let trouble = 'no such file';
  for (const place of places) {
    try {
      return read(await readFile(place, 'utf8'), shortest(place));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EISDIR') trouble = 'is a folder, not a file';
      else if (code !== 'ENOENT') trouble = message;
    }
  }
  const hint = places.length > 1 ? `looked for ${places.map(shortest).join(' and ')}` : whatNext;
  return { ok: false, problems: [{ where: name, what: trouble, ...(hint === undefined ? {} : { hint }) }] };
}

function shortest(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}
