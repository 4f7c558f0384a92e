// What the RFCs say about the evidence: a pure function of it, so that yesterday's evidence can be read again by today's rules.
// `assess` has all but what takes longer and is found when somebody asks (alignment.ts).

import { type CertificateWord, certificateWord } from './client-certificate.ts';
import type { Evidence } from './evidence.ts';
import { type Helo, helo } from './helo.ts';
import { type Iprev, iprev } from './iprev.ts';
import { type Naming, naming } from './naming.ts';

export interface Findings {
  readonly iprev: Iprev;
  readonly naming: Naming;
  readonly helo: Helo;
  readonly certificate: CertificateWord;
}

export function assess(evidence: Evidence): Findings {
  return {
    iprev: iprev(evidence),
    naming: naming(evidence),
    helo: helo(evidence),
    certificate: certificateWord(evidence.client),
  };
}
