// `iprevd check`, `audit` and `remedy`: the verbs that look at hosts, without a daemon. Exit codes beside those of cli.ts: of
// audit, 1 where a host falls short, 75 where none does and of some nobody could tell, 65 and 66 for its list of hosts.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { audit } from './commands/audit.ts';
import { type CheckForm, check } from './commands/check.ts';
import { showRemedy } from './commands/remedy.ts';
import { dnsTimeoutDefaultMs } from './config.ts';
import { type AuditedHost, gathered, looksLikeAddress, readHostFile, readHosts } from './core/audit/hosts.ts';
import { parseServer } from './core/endpoint.ts';
import { type Ip, parseIp } from './core/ip.ts';
import { type HostName, hostName } from './core/name.ts';
import { type Checked, quote } from './core/problem.ts';
import { remedyReasons } from './core/remedy/example.ts';
import { remediesPage } from './core/remedy/markdown.ts';
import type { RemedyReason } from './core/remedy/remedy.ts';
import type { Resolver, Server } from './dns/resolver.ts';
import { gatherer, heloGatherer } from './gather.ts';
import { defaultPolicy, loadPolicy, loadText, loadZone } from './load.ts';
import { openResolver } from './open-resolver.ts';
import { makeRefs } from './ref.ts';
import { progressLine, type Terminal } from './terminal.ts';

export interface CheckCommandParts {
  readonly terminal: Terminal;
  /** The value, or its problems on standard error and the end of the command, with `code` or 78. */
  readonly orExit: <T>(checked: Checked<T>, code?: number) => T;
  /** How the process shall end. */
  readonly leave: (code: number) => void;
}

const exit = { ok: 0, short: 1, usage: 64, badData: 65, noInput: 66, unsure: 75 } as const;

/** Whom to ask, as every verb here has it. */
interface Asking {
  readonly zone?: string;
  readonly server?: Server[];
}

interface CheckOptions extends Asking {
  readonly helo?: string;
  readonly sender?: string;
  readonly ourName?: string;
  readonly policy: string;
  readonly json?: true;
  readonly letter?: true;
}

export function checkCommands(parts: CheckCommandParts): readonly Command[] {
  return [checkCommand(parts), auditCommand(parts), remedyCommand(parts)];
}

function checkCommand({ terminal, orExit }: CheckCommandParts): Command {
  return asking(new Command('check'))
    .description(
      'judge one client, without a daemon: what was asked, what came back, each rule, the verdict, what mends it',
    )
    .argument('<ip>', 'the address the client connects from', argument(parseIp, 'an IP address'))
    .option('--helo <name>', 'the name it gives in HELO')
    .option('--sender <address>', 'the envelope sender it names')
    .option('--our-name <name>', 'the name under which we serve, for helo_is: ours')
    .option('--policy <file>', `a policy file, or observe, standard, strict or demo`, defaultPolicy)
    .option('--json', 'print JSON')
    .addOption(new Option('--letter', "print a letter to the sender's postmaster instead").conflicts('json'))
    .addHelpText(
      'after',
      `
Examples:
  iprevd check 192.0.2.7 --helo mx.example --sender a@example.com --policy standard
  iprevd check 2001:db8::7 --server 127.0.0.1:5353 --json
  iprevd check 192.0.2.7 --helo mx.example --letter | mail -s "your reverse DNS" postmaster@mx.example
  iprevd check 127.0.0.8 --zone deploy/demo/zone.yaml --policy strict`,
    )
    .action(async (ip: Ip, options: CheckOptions): Promise<void> => {
      const form: CheckForm = options.letter ? 'letter' : options.json ? 'json' : 'text';
      const resolver = await resolverOf(options, orExit);
      const policy = orExit(await loadPolicy(options.policy, process.cwd()));
      await check(terminal, {
        ip,
        policy,
        gather: gatherer(resolver, dnsTimeoutDefaultMs),
        gatherHelo: heloGatherer(resolver, dnsTimeoutDefaultMs),
        newRef: makeRefs(Date.now),
        now: Date.now,
        form,
        ...(options.helo === undefined ? {} : { helo: options.helo }),
        ...(options.sender === undefined ? {} : { sender: options.sender }),
        ...(options.ourName === undefined ? {} : { ourName: options.ourName }),
      });
    });
}

function auditCommand({ terminal, orExit, leave }: CheckCommandParts): Command {
  return asking(new Command('audit'))
    .description('check the outbound addresses of your own servers: PTR, forward, HELO, naming; what mends them')
    .argument(
      '<hosts...>',
      'addresses, ranges (192.0.2.0/28), or files of lines "address [HELO name]"; - is standard input',
    )
    .option(
      '--allow <reason>',
      'do not hold this against a host, such as generic-name; may be given more than once',
      collect(argument(reasonOf, `a reason (${remedyReasons.join(' ')})`)),
    )
    .option('--json', 'print JSON')
    .addOption(new Option('--table', 'print the table and the remedies even into a file or pipe').conflicts('json'))
    .addHelpText(
      'after',
      `
A terminal gets a table and the remedies, a pipe or file gets tab-separated lines. Only addresses that you name are looked up.

Examples:
  iprevd audit 192.0.2.0/28 2001:db8::7
  iprevd audit outbound.txt --allow generic-name
  iprevd audit outbound.txt --json | jq '.hosts[] | select(.result != "fine") | .ip'

Exit codes: 0 all is fine, 1 something falls short, 75 nothing does, but of some nobody could tell (a lookup failed), 64 wrong
usage, 65 a mistake in a list, 66 a list that cannot be read.`,
    )
    .action(async (words: string[], options: Asking & { allow?: RemedyReason[]; json?: true; table?: true }) => {
      const hosts = await hostsOf(words, orExit);
      const resolver = await resolverOf(options, orExit);
      const result = await audit(terminal, {
        hosts,
        allowed: new Set(options.allow),
        resolver,
        gather: gatherer(resolver, dnsTimeoutDefaultMs),
        gatherHelo: heloGatherer(resolver, dnsTimeoutDefaultMs),
        now: Date.now,
        form: options.json ? 'json' : options.table || terminal.outIsTerminal ? 'table' : 'tsv',
        progress: progressLine(terminal, 'hosts looked up'),
      });
      leave({ fine: exit.ok, short: exit.short, unsure: exit.unsure }[result]);
    });
}

function reasonOf(text: string): RemedyReason | undefined {
  return remedyReasons.find((reason) => reason === text);
}

/** What is on the command line is wrong usage, what is in a file is bad data. */
async function hostsOf(words: readonly string[], orExit: CheckCommandParts['orExit']): Promise<readonly AuditedHost[]> {
  const hosts: AuditedHost[] = [];
  for (const word of words) {
    if (looksLikeAddress(word)) hosts.push(...orExit(readHosts(word, quote(word)), exit.usage));
    else {
      const text = orExit(await loadText(word), exit.noInput);
      hosts.push(...orExit(readHostFile(text, word === '-' ? 'standard input' : word), exit.badData));
    }
  }
  return orExit(gathered([{ ok: true, value: hosts }], words.join(' ')), exit.usage);
}

function remedyCommand({ terminal, orExit }: CheckCommandParts): Command {
  return new Command('remedy')
    .description(
      'say what mends a refusal, or a reason: who must act, and the exact records; nothing is asked of the network',
    )
    .argument('[refusal...]', 'the line that came back, in quotes; or a reason such as no-ptr')
    .option('--ip <ip>', 'for a reason: the address that it is about', argument(parseIp, 'an IP address'))
    .option('--name <name>', "the server's own name, which leads back to it already", argument(hostName, 'a host name'))
    .option('--json', 'print JSON')
    .addOption(new Option('--markdown', 'print all remedies as one page, to put up on a web server').conflicts('json'))
    .addHelpText(
      'after',
      `
Examples:
  iprevd remedy "550 5.7.25 no PTR record for 192.0.2.7 [PTR 7.2.0.192.in-addr.arpa: NXDOMAIN] (ref 1ng2ewjmsa2)"
  iprevd remedy no-ptr --ip 2001:db8::7 --name mail.example.org
  iprevd remedy --markdown > remedies.md

Reasons: ${remedyReasons.join(' ')}`,
    )
    .action((words: string[], { markdown, json, ...known }: RemedyOptions) => {
      if (markdown) return terminal.out(remediesPage());
      if (words.length === 0)
        throw new CommanderError(exit.usage, 'iprevd', 'paste the refusal in quotes, or name a reason');
      orExit(showRemedy(terminal, { words, json: json === true, ...known }), exit.usage);
    });
}

interface RemedyOptions {
  readonly ip?: Ip;
  readonly name?: HostName;
  readonly json?: true;
  readonly markdown?: true;
}

function asking(command: Command): Command {
  return command
    .option('--zone <file>', 'answer DNS questions from this zone file instead of the network')
    .option(
      '--server <addr:port>',
      'ask this DNS server; may be given more than once',
      collect(argument(parseServer, 'the address of a DNS server')),
    );
}

async function resolverOf({ zone: file, server }: Asking, orExit: CheckCommandParts['orExit']): Promise<Resolver> {
  if (file !== undefined && server !== undefined)
    throw new CommanderError(exit.usage, 'iprevd', '--zone and --server exclude each other');
  const zone = file === undefined ? undefined : orExit(await loadZone(file));
  return openResolver(server === undefined ? undefined : { servers: server }, zone);
}

export function argument<T>(read: (text: string) => T | undefined, what: string): (text: string) => T {
  return (text) => {
    const value = read(text);
    if (value === undefined) throw new InvalidArgumentError(`${quote(text)} is not ${what}.`);
    return value;
  };
}

function collect<T>(read: (text: string) => T): (text: string, before: T[] | undefined) => T[] {
  return (text, before = []) => [...before, read(text)];
}
