// Postfix as a filter in front of another mail server: smtpd with reject_unknown_client_hostname and smtpd_proxy_filter, a
// private instance with its own configuration, queue and log. What is not set here is as Postfix comes. Set are names and
// folders, 550 instead of 450, a size for bench/smtp-large.mjs, and no limit on connections from one address, which all
// clients of the benchmark have; without it smtpd does not ask anvil(8), which is in Postfix's favour.
//
// With a milter or a policy service it is the mail server itself, at its most ordinary: it asks, queues the message, and throws it
// away (discard).

import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, listening, whereIs } from '../support/processes.mjs';

/**
 * Listens on `listen`; throws if it does not come up. `pid` is that of its master, the parent of all the others, `queued` counts
 * the messages that it has. `backend`: whom it filters for; without one it is the mail server, and `milter` or `policy` may be given.
 */
export async function startPostfix({ folder, listen, backend, milter, policy, name: instance = 'postfix' }) {
  const place = (name) => join(folder, instance, name);
  for (const name of ['conf', 'queue', 'data']) mkdirSync(place(name), { recursive: true, mode: 0o755 });
  chownSync(place('data'), Number(spawnSync('id', ['-u', 'postfix'], { encoding: 'utf8' }).stdout), -1);
  writeFileSync(
    place('conf/main.cf'),
    main(place, backend === undefined ? asServer({ milter, policy }) : asFilter(backend)),
  );
  writeFileSync(place('conf/master.cf'), services(listen));
  const running = launch(whereIs('postfix'), ['-c', place('conf'), 'start-fg'], {
    log: join(folder, `${instance}.log`),
  });
  await listening('Postfix', running, listen).catch((error) => {
    throw new Error(`${error.message}\n${readFileSync(place('mail.log'), 'utf8')}`);
  });
  return {
    pid: Number(readFileSync(place('queue/pid/master.pid'), 'utf8')),
    queued: () =>
      ['maildrop', 'incoming', 'active', 'deferred'].reduce(
        (sum, name) => sum + readdirSync(place(`queue/${name}`)).length,
        0,
      ),
    close: running.close,
  };
}

function asFilter({ host, port }) {
  return `smtpd_client_restrictions = reject_unknown_client_hostname
unknown_client_reject_code = 550
smtpd_proxy_filter = ${host}:${port}`;
}

function asServer({ milter, policy }) {
  return `relay_transport = discard
${milter === undefined ? '' : `smtpd_milters = unix:${milter.path}`}
${policy === undefined ? '' : `smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service inet:${policy.host}:${policy.port}`}`;
}

function main(place, way) {
  return `compatibility_level = 3.6
queue_directory = ${place('queue')}
data_directory = ${place('data')}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${place('mail.log')}
maillog_file_prefixes = ${place('')}
myhostname = postfix.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = ipv4
alias_maps =
alias_database =
relay_domains = dest.example.org
smtpd_relay_restrictions = reject_unauth_destination
${way}
smtpd_client_connection_count_limit = 0
message_size_limit = 104857600
mailbox_size_limit = 0
`;
}

function services(listen) {
  const bounces = ['bounce', 'defer', 'trace'].map((name) => `${name} unix - - n - 0 bounce`);
  return `${listen.host}:${listen.port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
qmgr unix n - n 300 1 qmgr
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
smtp unix - - n - - smtp
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
${bounces.join('\n')}
`;
}
