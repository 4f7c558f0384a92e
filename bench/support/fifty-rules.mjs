// A policy of fifty rules as one that has grown, and clients for it.

/** Exceptions first, then remarks, then refusals, as a grown policy has them. */
export function fiftyRules() {
  const rules = [];
  for (let i = 0; i < 20; i++) rules.push(`{ id: friend-${i}, when: { client_ip: 203.0.${i}.0/24 }, accept: true }`);
  for (let i = 0; i < 10; i++)
    rules.push(`{ id: partner-${i}, when: { verified_name: { under: partner${i}.example } }, accept: true }`);
  for (let i = 0; i < 8; i++) rules.push(`{ id: helo-${i}, when: { helo: { glob: "*.bad${i}.example" } }, score: 1 }`);
  for (let i = 0; i < 6; i++)
    rules.push(
      `{ id: list-${i}, when: { recipient: "list${i}@test.example" }, except: { when: { iprev: pass }, why: x }, tag: list }`,
    );
  rules.push('{ id: generic, when: { naming: generic }, tag: generic-name }');
  rules.push('{ id: weak, when: { helo_is: [not-fqdn, bare-ip] }, score: 2 }');
  rules.push('{ id: stale, when: { reason: stale }, mode: monitor, reject: "stale" }');
  rules.push('{ id: unconfirmed, when: { iprev: fail }, percent: 10, reject: "not confirmed" }');
  rules.push('{ id: trouble, when: { iprev: temperror }, defer: "later" }');
  rules.push('{ id: no-ptr, when: { iprev: permerror }, reject: "no PTR" }');
  return `rules:\n${rules.map((rule) => `  - ${rule}`).join('\n')}\notherwise: accept\n`;
}

/** Of ten clients seven are confirmed, one each has no PTR, a mismatch, and a failed lookup. */
export function recordedClient(i) {
  const ip = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
  const name = i % 5 === 0 ? `${ip.replaceAll('.', '-')}.pool.example` : `mx${i}.sender${i % 97}.example`;
  const ptr = { kind: 'records', records: [name], ttl: 300 };
  const forward = (records) => [{ name, addresses: { kind: 'records', records, ttl: 300 } }];
  if (i % 10 === 7) return { ip, name, ptr: { kind: 'nxdomain', ttl: 300 }, forward: [] };
  if (i % 10 === 8) return { ip, name, ptr, forward: forward(['192.0.2.1']) };
  return i % 10 === 9
    ? { ip, name, ptr: { kind: 'error', code: 'servfail' }, forward: [] }
    : { ip, name, ptr, forward: forward([ip]) };
}
