// The floor of the SMTP benchmarks: about the least that a relay in front of a mail server can be on Node, by hand over
// node:net. It looks the client up (PTR, then the addresses of the first name, kept in a Map for ever), takes one command at
// a time, has one connection to the backend for a session, opened at the first MAIL, passes MAIL, RCPT and DATA on and the
// backend's answers back, puts one line on top of the content and lets it through as it is up to the line with the dot.
//
// Right for clients that behave, and for no others: no bounds, no time limits, no extensions passed on, nothing refused, no
// look at what the content holds (bare line ends, forged header fields), a broken link just ends both sides, no log.
//
//     node bench/floors/smtp-relay.mjs LISTEN BACKEND DNS      each an address and port, 127.0.0.1:2525

import { Resolver } from 'node:dns/promises';
import { connect, createServer } from 'node:net';

const [listen, backend, dns] = process.argv.slice(2);
const name = 'floor.example.org';
const endOfContent = Buffer.from('\r\n.\r\n');

process.once('SIGTERM', () => process.exit(0));

const resolver = new Resolver();
resolver.setServers([dns]);
const known = new Map();

createServer({ noDelay: true }, serve).listen({ ...endpoint(listen), backlog: 1_024 });

function endpoint(text) {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

/** "pass (name)", "fail" or "temperror", once for each address. */
function iprev(ip) {
  let result = known.get(ip);
  if (result === undefined) {
    result = lookUp(ip).catch(({ code }) => (code === 'ENOTFOUND' || code === 'ENODATA' ? 'fail' : 'temperror'));
    known.set(ip, result);
  }
  return result;
}

async function lookUp(ip) {
  const [claimed] = await resolver.reverse(ip);
  return (await resolver.resolve4(claimed)).includes(ip) ? `pass (${claimed})` : 'fail';
}

function serve(client) {
  const ip = client.remoteAddress;
  const found = iprev(ip);
  let link;
  let unread = '';
  /** Between 354 and the dot. */
  let content;

  const onLine = async (line) => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') return client.write(`250-${name}\r\n250 8BITMIME\r\n`);
    if (verb === 'HELO') return client.write(`250 ${name}\r\n`);
    if (verb === 'QUIT') {
      link?.quit();
      return client.end(`221 ${name}\r\n`);
    }
    if (verb === 'NOOP' || (verb === 'RSET' && link === undefined)) return client.write('250 Ok\r\n');
    if (verb === 'MAIL') link ??= await openLink(client);
    else if (link === undefined) return client.write('503 MAIL first\r\n');
    const reply = await link.command(line);
    if (verb === 'DATA' && reply.startsWith('354')) {
      link.write(`Authentication-Results: ${name}; iprev=${await found} policy.iprev=${ip}\r\n`);
      content = contentEnd();
    }
    return client.write(reply);
  };
  const onContent = async (octets) => {
    const length = content(octets);
    if (length < 0) {
      if (link.write(octets)) return;
      client.pause();
      await link.drained();
      client.resume();
      return;
    }
    content = undefined;
    const rest = octets.latin1Slice(length);
    client.write(await link.end(octets.subarray(0, length)));
    unread = rest;
  };

  /** One piece after the other: what comes while a reply is waited for waits too. */
  let turn = Promise.resolve();
  client.on('data', (octets) => {
    turn = turn
      .then(() => (content === undefined ? onCommands(octets) : onContent(octets)))
      .catch(() => client.destroy());
  });
  const onCommands = async (octets) => {
    unread += octets.latin1Slice();
    for (let end = unread.indexOf('\r\n'); end >= 0; end = unread.indexOf('\r\n')) {
      const line = unread.slice(0, end);
      unread = unread.slice(end + 2);
      await onLine(line);
      if (content === undefined || unread === '') continue;
      const early = Buffer.from(unread, 'latin1');
      unread = '';
      await onContent(early);
    }
  };
  client.on('error', () => {});
  client.on('close', () => link?.quit());
  client.write(`220 ${name} ESMTP\r\n`);
}

/** How many octets of the next piece belong to the content, its last line included; -1 is all of them, and more to come. */
function contentEnd() {
  let tail = Buffer.from('\r\n'); // a dot may be the first line
  return (octets) => {
    // Only an end that begins in the tail is looked for in the seam of both.
    const seam = Buffer.concat([tail, octets.subarray(0, endOfContent.length)]);
    const inSeam = seam.indexOf(endOfContent);
    if (inSeam >= 0 && inSeam < tail.length) return inSeam + endOfContent.length - tail.length;
    const at = octets.indexOf(endOfContent);
    if (at >= 0) return at + endOfContent.length;
    tail = octets.length >= 4 ? Buffer.from(octets.subarray(-4)) : seam.subarray(-4);
    return -1;
  };
}

async function openLink(client) {
  const socket = connect({ ...endpoint(backend), noDelay: true });
  let said = '';
  let wake;
  let drained;
  socket.setEncoding('latin1').on('data', (text) => {
    said += text;
    if (!/^\d{3} .*\r\n$/m.test(said)) return;
    const reply = said;
    said = '';
    wake(reply);
  });
  socket.on('drain', () => drained?.());
  socket.on('error', () => {});
  socket.on('close', () => {
    if (!socket.writableEnded) client.destroy();
  });
  const reply = () =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const command = (line) => {
    const answer = reply();
    socket.write(`${line}\r\n`, 'latin1');
    return answer;
  };
  await reply();
  await command(`EHLO ${name}`);
  return {
    command,
    write: (piece) => socket.write(piece),
    drained: () => new Promise((resolve) => (drained = resolve)),
    end(octets) {
      const answer = reply();
      socket.write(octets);
      return answer;
    },
    quit() {
      if (!socket.writableEnded) socket.end('QUIT\r\n');
    },
  };
}
