// What the RFCs say about the evidence. `assess` is the whole of it: a pure function, so that yesterday's evidence can
// be read again by today's rules.

import type { Evidence } from './evidence.ts';
import { type Helo, helo } from './helo.ts';
import { type Iprev, iprev } from './iprev.ts';
import { type Naming, naming } from './naming.ts';

export interface Findings {
  readonly iprev: Iprev;
  readonly naming: Naming;
  readonly helo: Helo;
}

export function assess(evidence: Evidence): Findings {
  return { iprev: iprev(evidence), naming: naming(evidence), helo: helo(evidence) };
}
