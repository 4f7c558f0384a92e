// Who takes part in bench/delegation.mjs, and what each has to answer: up all the time and asked in turn. Who is not installed
// is left out, and said.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { policydWeight, startPolicydWeight } from '../peers/policyd-weight.mjs';
import { postfwd, startPostfwd } from '../peers/postfwd.mjs';
import { framings, writePlan } from './load.mjs';
import { policySessions } from './policy-plan.mjs';
import { launch, listening } from './processes.mjs';
import { startSyslog } from './silent-syslog.mjs';
import { builds } from './smtp-contenders.mjs';
import { frontHost } from './smtp-namespace.mjs';
import { startOurs } from './smtp-ours.mjs';

const floorProgram = fileURLToPath(new URL('../floors/policy-dunno.mjs', import.meta.url));

export const policyPeers = [postfwd, policydWeight];

const dunno = 'action=DUNNO\n\n';
const refuses = { confirmed: dunno, unnamed: 'action=550 5.7.25 ' };

/** `peer`: what has to be installed for it. `hasMany`: processes. */
const others = [
  { name: 'floor', answers: { confirmed: dunno, unnamed: dunno }, start: startFloor },
  { name: 'postfwd1', peer: postfwd, answers: refuses, start: startPostfwd },
  { name: 'postfwd1-cached', peer: postfwd, answers: refuses, start: (at) => startPostfwd({ ...at, cached: true }) },
  {
    name: 'policyd-weight',
    peer: policydWeight,
    answers: {
      confirmed: 'action=PREPEND X-policyd-weight: ',
      // Its field again, or "DUNNO multirecipient-mail": each of its processes remembers the last message only.
      confirmedAgain: 'action=',
      unnamed: 'action=450 ',
    },
    start: startPolicydWeight,
    hasMany: true,
  },
];

/**
 * Starts our builds and those of the others that are wanted (`only`: names; none means all). Each: name, where it listens, its
 * plan (load.mjs) by the recipients of a session, how many sessions it was asked about, its process. `missing`: a sentence for each that is not installed.
 */
export async function startPolicyContenders({ folder, cli, only, node }) {
  const wanted = others.filter(({ name }) => only.length === 0 || only.includes(name));
  const ours = builds(cli).map(([name, path]) => ({
    name,
    isOurs: true,
    answers: refuses,
    start: (at) => startOurs({ ...at, kind: 'policy', cli: path, node }),
  }));
  const syslog = wanted.some(({ peer }) => peer?.has()) ? await startSyslog(folder) : undefined;
  const contenders = [];
  const missing = new Set();
  for (const [i, { answers, start, peer, ...one }] of [...ours, ...wanted].entries()) {
    if (peer?.has() === false) {
      missing.add(peer.missing);
      continue;
    }
    const listen = { host: frontHost, port: 2501 + i };
    const plan = (recipients) =>
      writePlan(join(folder, `${one.name}.plan`), framings.policy, policySessions(answers, recipients));
    contenders.push({ ...one, listen, plan, sessions: 0, ...(await start({ folder, name: one.name, listen })) });
  }
  const close = async () => {
    for (const one of [...contenders, ...(syslog === undefined ? [] : [syslog])]) await one.close();
  };
  return { contenders, missing: [...missing], close };
}

async function startFloor({ folder, listen }) {
  const args = [floorProgram, listen.host, `${listen.port}`];
  const running = launch(process.execPath, args, { log: join(folder, 'floor.log') });
  await listening('the floor', running, listen);
  return { pid: running.pid, close: running.close };
}
