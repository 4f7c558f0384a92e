// A machine of its own for the SMTP benchmarks: they run again, as root, in new mount, network and process namespaces.
//
// - Every peer sees the same DNS. Postfix asks the system's resolver and Haraka the servers of /etc/resolv.conf, so in there
//   that file names our unbound, and /etc/hosts has no names that would spare Postfix its lookups.
// - Clients have addresses that look public (198.18.0.0/15, RFC 2544, all of it on "lo"): Haraka checks no client of
//   127.0.0.0/8, and Postfix would find that one in /etc/hosts.
// - Whatever happens to the benchmark, all processes go with its first one; nothing else on the machine can be hit.
//
// Nothing leaves the machine: there is no other interface.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whereIs } from './processes.mjs';

/** Of all clients that a benchmark does not give another address; the servers that are measured listen there. */
export const frontHost = '198.18.0.1';
export const backend = { host: '127.0.0.1', port: 2600 };

const folderKey = 'IPREVD_BENCH_FOLDER';

/**
 * Called first, does not return outside: there it waits for the benchmark inside and ends with its exit code (69 where no
 * namespace can be made). Inside it returns a folder that any user may enter and that is removed at the end.
 */
export async function enterNamespace() {
  const inside = process.env[folderKey];
  if (inside !== undefined) {
    // Whoever waits outside has gone without a word.
    process.stdin.resume().on('end', () => {
      rmSync(inside, { recursive: true, force: true });
      process.exit(1);
    });
    process.stdin.unref();
    furnish(inside);
    return inside;
  }
  const missing = ['unshare', 'ip', 'mount'].filter((program) => whereIs(program) === undefined);
  if (process.platform !== 'linux' || process.getuid?.() !== 0) fail('The SMTP benchmarks need Linux and root.');
  if (missing.length > 0)
    fail(`The SMTP benchmarks need ${missing.join(', ')} (apt install util-linux iproute2 mount).`);
  const folder = mkdtempSync(join(tmpdir(), 'iprevd-bench-'));
  chmodSync(folder, 0o755); // Postfix and smtp-sink give up root
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const args = [
    ...['--mount', '--net', '--pid', '--fork', '--mount-proc', '--kill-child=SIGKILL'],
    ...[process.execPath, ...process.execArgv, ...process.argv.slice(1)],
  ];
  const child = spawn(whereIs('unshare'), args, {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...process.env, [folderKey]: folder },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => child.kill('SIGKILL'));
  const [code] = await once(child, 'exit');
  process.exit(code ?? 1);
}

function furnish(folder) {
  const write = (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  setUp('ip', 'link', 'set', 'lo', 'up');
  setUp('ip', 'route', 'add', 'local', '198.18.0.0/15', 'dev', 'lo');
  const etc = {
    'resolv.conf': 'nameserver 127.0.0.1\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nservices: files\nprotocols: files\nhosts: files dns\n',
    hosts: '127.0.0.1 localhost\n',
  };
  for (const [name, text] of Object.entries(etc)) setUp('mount', '--bind', write(name, text), `/etc/${name}`);
  // One message per connection leaves a port behind for a minute; the kernel may use it again after a second.
  writeFileSync('/proc/sys/net/ipv4/ip_local_port_range', '10000 65535');
  writeFileSync('/proc/sys/net/ipv4/tcp_tw_reuse', '1');
}

function setUp(program, ...args) {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) fail(`The SMTP benchmarks could not make their namespace: ${program} ${args.join(' ')}: ${stderr}`);
}

function fail(sentence) {
  process.stderr.write(`${sentence.trim()}\n`);
  process.exit(69);
}
