// What lint knows of the names that stand for a client (HELO, certificate, and how they go with the PTR names): an atom for each
// word, those that exclude one another, and those of which one must be so. Pure, throws nothing.

import { type AlignmentLevel, type AlignmentPair, alignmentLevels, alignmentPairs } from '../alignment.ts';
import { certificateWords } from '../client-certificate.ts';
import { candidateNames } from '../evidence.ts';
import { heloDnsWords, heloForms } from '../helo.ts';
import type { Case, Leaf } from './every-case.ts';
import type { Formula } from './satisfiable.ts';

export const heloAtom = (form: string): string => `helo_is ${form}`;
export const heloDnsAtom = (word: string): string => `helo_dns ${word}`;
export const certificateAtom = (word: string): string => `certificate ${word}`;
export const alignmentAtom = (pair: AlignmentPair, level: AlignmentLevel): string => `alignment ${pair} ${level}`;

/** The condition on a pair in this case: without a name there is nothing to compare, without a confirmed one only a claim. */
export function alignmentFormula(
  { pair, levels }: Extract<Leaf, { readonly kind: 'alignment' }>,
  { evidence, findings, mark }: Case,
): Formula {
  const ofPtr = pair.endsWith('-ptr');
  if (ofPtr && candidateNames(evidence.ptr).length === 0) return levels.includes('unknown');
  const never = [
    ...(pair === 'sender-ptr' ? ['none'] : []),
    ...(ofPtr && findings.iprev.result !== 'pass' ? ['exact', 'organisation'] : []),
  ];
  const possible = alignmentLevels.filter((level) => !never.includes(level));
  if (possible.every((level) => levels.includes(level))) return true;
  const asked = possible.filter((level) => levels.includes(level));
  return { any: asked.map((level) => (ofPtr ? mark : '') + alignmentAtom(pair, level)) };
}

/** Sets of atoms of which no two are so of one client. */
export function exclusiveNames(): readonly (readonly string[])[] {
  return [
    heloForms.map(heloAtom),
    heloDnsWords.map(heloDnsAtom),
    certificateWords.map(certificateAtom),
    ...alignmentPairs.map((pair) => alignmentLevels.map((level) => alignmentAtom(pair, level))),
    ...namelessForms.flatMap((form) => [
      ...heloDnsWords.filter((word) => word !== 'not-asked').map((word) => [heloAtom(form), heloDnsAtom(word)]),
      ...withSide('helo', heloAtom(form), known),
    ]),
    ...withSide('certificate', certificateAtom('none'), known),
    ...withSide('certificate', certificateAtom('unverified'), ['exact', 'organisation']),
  ];
}

/** Sets of atoms of which one is so of every client, as far as these leaves ask about them. */
export function certainNames(leaves: readonly Leaf[]): readonly (readonly string[])[] {
  const asked = new Set(leaves.map((leaf) => (leaf.kind === 'alignment' ? leaf.pair : leaf.kind)));
  return [
    heloForms.map(heloAtom),
    ...(asked.has('helo_dns') ? [heloDnsWords.map(heloDnsAtom)] : []),
    ...(asked.has('certificate') ? [certificateWords.map(certificateAtom)] : []),
    ...alignmentPairs
      .filter((pair) => asked.has(pair))
      .map((pair) => alignmentLevels.map((level) => alignmentAtom(pair, level))),
  ];
}

const known = alignmentLevels.filter((level) => level !== 'unknown');

/** Those that hold no host name; `ours` may be one or an address. */
const namelessForms = heloForms.filter((form) => !['fqdn', 'not-fqdn', 'ours'].includes(form));

function withSide(side: 'helo' | 'certificate', atom: string, levels: readonly AlignmentLevel[]) {
  return alignmentPairs
    .filter((pair) => pair.split('-').includes(side))
    .flatMap((pair) => levels.map((level) => [atom, alignmentAtom(pair, level)]));
}
