// SMTP clients of our own, in a process of their own: what smtp-source cannot do. runClient() runs it and comes to what it
// measured; run as a program it does one job, given as JSON, and prints its result as JSON.
//
//   messages  one after the other, over one connection or a new one each: milliseconds of each
//   greet     connect, EHLO, QUIT: seconds for all
//   refuse    connect, EHLO, MAIL, RCPT refused with 5xx, QUIT: seconds for all
//   return    sessions one after the other until RCPT is refused with 5xx: when that was, in milliseconds since 1970
//   idle      connections that stay after EHLO, until standard input ends; the result comes when all are there
//
// A reply that is not the expected one, or none within 30 s, ends the job, and runClient rejects.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { clientName } from './smtp-dns.mjs';

const self = fileURLToPath(import.meta.url);
const replyMs = 30_000;

/** `close` ends a job that stays. */
export async function startClient(job) {
  const child = spawn(process.execPath, [self, JSON.stringify(job)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let said = '';
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints += text));
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  await Promise.race([
    ended,
    new Promise((resolve) => child.stdout.on('data', () => said.endsWith('\n') && resolve())),
  ]);
  if (!said.endsWith('\n'))
    throw new Error(`the client (${job.job}, ${job.to.host}:${job.to.port}) failed:\n${complaints}`);
  return {
    result: JSON.parse(said),
    async close() {
      child.stdin.end();
      const [code] = await ended;
      if (code !== 0) throw new Error(`the client (${job.job}, ${job.to.host}:${job.to.port}) failed:\n${complaints}`);
    },
  };
}

export async function runClient(job) {
  const client = await startClient(job);
  await client.close();
  return client.result;
}

if (process.argv[1] === self) {
  const job = JSON.parse(process.argv[2]);
  const result = await { messages, greet, refuse, return: comeBack, idle }[job.job](job);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.stdin.resume().on('end', () => process.exit(0));
}

/** Milliseconds from MAIL (or from connecting, with a new connection each) to the 250 after the dot. */
async function messages({ to, count, octets, keep }) {
  const content = `Subject: benchmark\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(Math.ceil(octets / 78))}.\r\n`;
  const times = [];
  let peer;
  for (let i = 0; i < count; i++) {
    let start = performance.now();
    if (peer === undefined) {
      peer = await open({ to });
      await peer.say(`EHLO ${clientName(to.host)}`, 2);
    }
    if (keep) start = performance.now();
    await peer.say('MAIL FROM:<from@example.com>', 2);
    await peer.say('RCPT TO:<to@dest.example.org>', 2);
    await peer.say('DATA', 3);
    await peer.say(content, 2);
    times.push(performance.now() - start);
    if (keep && i < count - 1) continue;
    await peer.quit();
    peer = undefined;
  }
  return times;
}

function greet({ to, from, count, atOnce }) {
  return timed(count, atOnce, async () => {
    const peer = await open({ to, from });
    await peer.say(`EHLO ${clientName(to.host)}`, 2);
    await peer.quit();
  });
}

function refuse({ to, from, count, atOnce }) {
  return timed(count, atOnce, async () => {
    const peer = await open({ to, from });
    await peer.say(`EHLO ${clientName(to.host)}`, 2);
    await peer.say('MAIL FROM:<from@example.com>', 2);
    await peer.say('RCPT TO:<to@dest.example.org>', 5);
    await peer.quit();
  });
}

/** Any other answer, or none, is trouble that will pass. */
async function comeBack({ to, from, ms }) {
  for (const deadline = Date.now() + ms; Date.now() < deadline; ) {
    try {
      await refuse({ to, from, count: 1, atOnce: 1 });
      return Date.now();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error(`no refusal in ${ms} ms`);
}

/** `from`: addresses, taken in turn. */
async function idle({ to, from, count, atOnce }) {
  let next = 0;
  return timed(count, atOnce, async () => {
    const peer = await open({ to, from: from[next++ % from.length] });
    await peer.say(`EHLO ${clientName(to.host)}`, 2);
    peer.closed.then(() => {
      throw new Error('an idle connection was closed');
    });
  });
}

async function timed(count, atOnce, session) {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await session();
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: atOnce }, worker));
  return (performance.now() - start) / 1e3;
}

async function open({ to, from }) {
  const socket = connect({ ...to, localAddress: from, noDelay: true });
  let said = '';
  let reply;
  let fail;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const broken = (why) => fail?.(new Error(`${why}; last heard: ${said.trim()}`));
  socket.setEncoding('latin1').setTimeout(replyMs, () => broken('no reply in time'));
  socket.on('data', (text) => {
    said += text;
    if (/^\d{3} [^\n]*\n$/m.test(said)) reply?.();
  });
  socket.on('error', ({ message }) => broken(message));
  socket.on('close', () => broken('the connection was closed'));
  const next = (kind) =>
    new Promise((resolve, reject) => {
      fail = reject;
      reply = () => {
        if (said[0] !== `${kind}`) return broken('not the expected reply');
        said = '';
        resolve();
      };
    });
  await next(2);
  return {
    closed,
    say(line, kind) {
      const answered = next(kind);
      socket.write(line.endsWith('\r\n') ? line : `${line}\r\n`, 'latin1');
      return answered;
    },
    async quit() {
      const answered = next(2);
      socket.write('QUIT\r\n');
      await answered;
      socket.end();
      await closed;
    },
  };
}
