// The remedy for a name that is a provider's template: the address has a name, but not one of the sender's.

import type { Evidence } from '../evidence.ts';
import type { Findings } from '../findings.ts';
import type { Ip } from '../ip.ts';
import { classify, type NamingSign } from '../naming/classify.ts';
import type { Naming } from '../naming.ts';
import { foreignName, serverName } from './name.ts';
import type { Remedy } from './remedy.ts';
import { ptrWay, verifyName } from './reverse.ts';

export function namingRemedy(evidence: Evidence, { iprev, naming }: Findings): Remedy {
  const { ip } = evidence.client;
  const name = naming.name === undefined ? 'the PTR name' : foreignName(naming.name);
  const sign = signIn(naming, ip);
  const why = sign === undefined ? '' : ` ("${foreignName(sign)}" in it gives it away)`;
  const confirmed = iprev.result === 'pass';
  const own = serverName(evidence);
  const helo = own.changes.length === 0 ? '' : ', and HELO should say the same';
  return {
    reason: 'generic-name',
    owner: 'address owner',
    says: `${name} is a provider's template${why}: it tells whose network ${ip} lies in, not whose mail server it is. Machines that nobody meant to send mail have such names, so many filters count it against the sender. The owner of the address gives it a name in the sender's own domain instead, one that leads back${confirmed ? helo : '; the PTR record above does that too'}.`,
    ways: confirmed ? [ptrWay(evidence, true)] : [],
    verify: confirmed ? verifyName(ip, own.name) : [],
  };
}

/** The piece of the name that gives it away most; undefined: there is no name. */
function signIn({ name }: Naming, ip: Ip): string | undefined {
  if (name === undefined) return undefined;
  const { evidence } = classify(name, ip);
  return evidence.reduce<NamingSign | undefined>(
    (most, sign) => (most === undefined || sign.weight > most.weight ? sign : most),
    undefined,
  )?.text;
}
