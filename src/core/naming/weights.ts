// What each sign is worth for "a provider's template", in log-odds: the sum of a name's signs and `bias` is its score, and from `likelyFrom` on the
// name is taken for one. Set by hand, to halves and quarters, near what logistic regression finds (bench/naming.mjs prints both);
// where the data has a sign in few names or always beside another, the reason decides.

import type { SignId } from './sign.ts';

/** Where nothing is seen: people name their servers, templates need signs. */
export const bias = -3;

/** From here on a template; from `certainFrom` on one without doubt. */
export const likelyFrom = 0.25;
export const certainFrom = 1.5;

/** Below this nothing that matters was seen; from here to `likelyFrom` there are signs, but too few. */
export const tracesFrom = -1.25;

export const weights: Readonly<Record<SignId, number>> = {
  address: 6.5,
  'address-part': 4.5,
  octets: 3.75,
  octet: 1.5,
  numbers: 3.75,
  'reverse-zone': 6,
  dynamic: 3,
  access: 2,
  customer: 1.75,
  static: 1.75,
  reverse: 1.5,
  ip: 1,
  hosting: 1.25,
  placeholder: 4,
  spare: 2,
  business: 1.75,
  'only-words': 2,
  serial: 4,
  number: 2,
  numeral: 3.5,
  hash: 1.5,
  code: 2.5,
  hardware: 3,
  'org-access': 1.25,
  'org-hosting': 1,
  'org-reverse': 2.5,
  machines: 4,
  'mail-pool': -6,
  content: -9,
  nat: 0,
  mail: -6,
  'org-mail': -5,
  infrastructure: -1.5,
  crawler: -7,
  service: -1,
  bare: -2,
};
