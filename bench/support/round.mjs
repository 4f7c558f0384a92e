// One round of one contender: each client is checked once, PTR and then A, so many at a time. Every answer is compared with
// what the server was given. Never rejects: a check without an answer is lost, one with another answer is wrong.

/** Times in seconds; `cpuS` is what this process used. */
export async function runRound({ ptr, a }, clients, inFlight) {
  const count = { ok: 0, wrong: 0, lost: 0 };
  let next = 0;
  const checkOn = async () => {
    while (next < clients.length) {
      const { ip, reverse, name } = clients[next++];
      try {
        const right = isOnly(name, await ptr(reverse)) && isOnly(ip, await a(name));
        count[right ? 'ok' : 'wrong']++;
      } catch {
        count.lost++;
      }
    }
  };
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, checkOn));
  const seconds = (performance.now() - start) / 1e3;
  const { user, system } = process.cpuUsage(cpu);
  return { ...count, seconds, cpuS: (user + system) / 1e6 };
}

function isOnly(expected, records) {
  return records.length === 1 && records[0] === expected;
}
