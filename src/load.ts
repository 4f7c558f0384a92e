// The operator's files: read, checked, and turned into values or Problems. Paths in a configuration are relative to its
// folder; the policies that come with iprevd are found by their word ("standard") or as "policies/standard.yaml".

import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { text as wholeText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type WatchedCertificate, watchCertificate } from './certificate.ts';
import { type Config, type DoorConfig, readConfig } from './config.ts';
import type { Endpoint } from './core/endpoint.ts';
import { fileTrouble } from './core/file-trouble.ts';
import { outageActions, type Policy, type PolicyText } from './core/policy.ts';
import type { Checked, Problem } from './core/problem.ts';
import { readZone, type Zone } from './core/zone.ts';
import { openPolicyFile, type PolicyFile } from './policy-file.ts';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

export const defaultPolicy = 'observe';
export const defaultTokenFile = '/var/lib/iprevd/console.token';

/** A configuration with all that its paths lead to. */
export interface Loaded {
  readonly config: Config;
  readonly policy: PolicyFile;
  /** Present if `dns.zone` names one. */
  readonly zone?: Zone;
  /** The folder of the journal, absolute; absent: none is kept. */
  readonly journalFolder?: string;
  /** What the paths of a door lead to; absent: it names none. */
  readonly tls: ReadonlyMap<DoorConfig, DoorTls>;
  /** Present if `console` is configured. */
  readonly console?: ConsoleFiles;
}

export interface ConsoleFiles {
  /** May not be there yet. */
  readonly tokenFile: string;
  /** Why the policy may not be saved from the console; absent: it may. */
  readonly readOnly?: string;
}

/** What a command says in place of the configuration. */
export interface Instead {
  readonly policy?: string;
  readonly tokenFile?: string;
}

export interface DoorTls {
  /** The door's own. */
  readonly certificate?: WatchedCertificate;
  /** PEM: who may sign the certificate of its backend. */
  readonly backendCa?: string;
}

/** Problems of the configuration, its policy and its zone come together. */
export async function loadConfig(file: string, instead: Instead = {}): Promise<Checked<Loaded>> {
  const config = await loadConfigAlone(file);
  if (!config.ok) return config;
  const base = dirname(resolve(file));
  const policy = await loadPolicyFile(instead.policy ?? config.value.policy ?? defaultPolicy, base);
  const zone = config.value.dns?.zone === undefined ? undefined : await loadZone(resolve(base, config.value.dns.zone));
  const tls = await loadTls(config.value.doors, base);
  const problems: Problem[] = [policy, zone, tls].flatMap((part) =>
    part === undefined || part.ok ? [] : part.problems,
  );
  if (!policy.ok || zone?.ok === false || !tls.ok) return { ok: false, problems };
  return {
    ok: true,
    value: {
      config: config.value,
      policy: policy.value,
      ...(zone === undefined ? {} : { zone: zone.value }),
      ...journalFolderOf(config.value, base),
      tls: tls.value,
      ...(config.value.console === undefined
        ? {}
        : { console: consoleFiles(config.value.console, policy.value.file, base, instead) }),
    },
  };
}

function loadConfigAlone(file: string): Promise<Checked<Config>> {
  const whatNext = 'deploy/iprevd.yaml is one to begin with; "iprevd demo" needs none';
  return load(file, [file], whole(readConfig), whatNext);
}

function consoleFiles(
  { token_file, edit }: NonNullable<Config['console']>,
  policyFile: string,
  base: string,
  { tokenFile }: Instead,
): ConsoleFiles {
  const isOurs = policyFile.startsWith(resolve(packageFolder, 'policies'));
  const readOnly = isOurs
    ? 'this policy comes with iprevd: copy it to a file of your own, and name that in the configuration'
    : edit === true
      ? undefined
      : 'the configuration does not say "edit: true" of the console';
  return {
    tokenFile: tokenFile ?? resolve(base, token_file ?? defaultTokenFile),
    ...(readOnly === undefined ? {} : { readOnly }),
  };
}

/** Where the console of a running service is, for who wants to talk to it. */
export async function loadConsole(file: string): Promise<Checked<{ listen: Endpoint; tokenFile: string }>> {
  const config = await loadConfigAlone(file);
  if (!config.ok) return config;
  const { console: configured } = config.value;
  if (configured === undefined) {
    const hint = 'console: { listen: 127.0.0.1:10047 }';
    return {
      ok: false,
      problems: [{ where: file, what: 'no console is configured, and the service cannot be asked', hint }],
    };
  }
  const tokenFile = resolve(dirname(resolve(file)), configured.token_file ?? defaultTokenFile);
  return { ok: true, value: { listen: configured.listen, tokenFile } };
}

function journalFolderOf({ journal }: Config, base: string): Pick<Loaded, 'journalFolder'> {
  return journal === undefined ? {} : { journalFolder: resolve(base, journal.dir) };
}

/** A configuration as far as who looks into its journal needs it; keys and sockets of the service may be out of reach. */
export async function loadForJournal(
  file: string,
): Promise<Checked<Pick<Loaded, 'journalFolder'> & { readonly policy: Policy }>> {
  const config = await loadConfigAlone(file);
  if (!config.ok) return config;
  const base = dirname(resolve(file));
  const policy = await loadPolicy(config.value.policy ?? defaultPolicy, base);
  if (!policy.ok) return policy;
  const outage = config.value.dns?.outage;
  const standIn = outage === undefined ? {} : { outage: outageActions[outage] };
  return { ok: true, value: { policy: { ...policy.value, ...standIn }, ...journalFolderOf(config.value, base) } };
}

async function loadTls(doors: readonly DoorConfig[], base: string): Promise<Checked<Map<DoorConfig, DoorTls>>> {
  const found = new Map<DoorConfig, DoorTls>();
  const problems: Problem[] = [];
  for (const door of doors) {
    if (door.kind !== 'smtp') continue;
    const { tls, backend } = door;
    const files = tls && { cert: shortest(resolve(base, tls.certificate)), key: shortest(resolve(base, tls.key)) };
    const certificate = files && (await watchCertificate(files));
    const ca = backend.tls_ca === undefined ? undefined : await loadText(resolve(base, backend.tls_ca));
    problems.push(...[certificate, ca].flatMap((part) => (part === undefined || part.ok ? [] : part.problems)));
    found.set(door, {
      ...(certificate?.ok ? { certificate: certificate.value } : {}),
      ...(ca?.ok ? { backendCa: ca.value } : {}),
    });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: found };
}

/** "-" is standard input. Without the mark that some programs write at the beginning of UTF-8. */
export function loadText(file: string): Promise<Checked<string>> {
  return load(file, [file], async (path) => {
    const text = file === '-' ? await wholeText(createReadStream('', { fd: 0 })) : await readFile(path, 'utf8');
    return { ok: true, value: text.replace(/^\ufeff/, '') };
  });
}

/** `name`: a path relative to `base`, or one of the policies that come with iprevd. The caller closes it. */
export function loadPolicyFile(name: string, base: string): Promise<Checked<PolicyFile>> {
  return load(name, policyPlaces(name, base), openPolicyFile);
}

function policyPlaces(name: string, base: string): readonly string[] {
  const shipped = /^[a-z]+$/.test(name) ? `policies/${name}.yaml` : name;
  return isAbsolute(name) ? [name] : [resolve(base, name), resolve(packageFolder, shipped)];
}

/** The same, read once. */
export async function loadPolicy(name: string, base: string): Promise<Checked<Policy>> {
  const opened = await loadPolicyFile(name, base);
  if (!opened.ok) return opened;
  opened.value.close();
  return { ok: true, value: opened.value.policy() };
}

export async function loadPolicyText(name: string, base: string): Promise<PolicyText> {
  let text = '';
  let file = name;
  const policy = await load(name, policyPlaces(name, base), async (path, shown) => {
    text = await readFile(path, 'utf8');
    file = shown;
    return openPolicyFile(path, shown);
  });
  if (!policy.ok) return { file, text, policy };
  policy.value.close();
  return { file, text, policy: { ok: true, value: policy.value.policy() } };
}

export function loadZone(file: string): Promise<Checked<Zone>> {
  return load(file, [file], whole(readZone));
}

/** For what is in one file and read at once. */
function whole<T>(read: (text: string, file: string) => Checked<T>) {
  return async (path: string, shown: string): Promise<Checked<T>> => read(await readFile(path, 'utf8'), shown);
}

async function load<T>(
  name: string,
  places: readonly string[],
  read: (path: string, shown: string) => Promise<Checked<T>>,
  whatNext?: string,
): Promise<Checked<T>> {
  let trouble: string | undefined;
  for (const place of places) {
    try {
      return await read(place, shortest(place));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') trouble = fileTrouble(error);
    }
  }
  if (trouble !== undefined) return { ok: false, problems: [{ where: name, what: trouble }] };
  const hint = places.length > 1 ? `looked for ${places.map(shortest).join(' and ')}` : whatNext;
  return { ok: false, problems: [{ where: name, what: 'no such file', ...(hint === undefined ? {} : { hint }) }] };
}

function shortest(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}
