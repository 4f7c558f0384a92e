// A condition on two names, for a policy that asks instead of looking (stand-in.ts): in parts of which each holds of some clients
// alone, so that softening finds what the DNS might have said of them. Pure, throws nothing.

import { type AlignmentLevel, type AlignmentPair, alignmentLevels } from '../alignment.ts';
import type { Leaf } from '../condition-text.ts';
import type { Fact } from './distinction.ts';

export type AlignmentLeaf = Extract<Leaf, { readonly kind: 'alignment' }>;

export interface AlignmentParts {
  /** The condition holds where none of the parts does; else where one of them does. */
  readonly negated: boolean;
  /** Holds only of a client with a confirmed name; absent: no such level is asked for. */
  readonly confirmed?: AlignmentLeaf;
  /** Holds only of a client with a PTR name; absent: no such level is asked for. */
  readonly claimed?: AlignmentLeaf;
}

export function alignmentParts({ pair, levels }: AlignmentLeaf): AlignmentParts {
  // "unknown" is what is left without names, so it is told by what it is not.
  const negated = levels.includes('unknown');
  const asked = alignmentLevels.filter((level) => level !== 'unknown' && levels.includes(level) !== negated);
  const part = (some: readonly AlignmentLevel[]): AlignmentLeaf | undefined => {
    const chosen = asked.filter((level) => some.includes(level));
    return chosen.length === 0 ? undefined : { kind: 'alignment', pair, levels: chosen };
  };
  const [confirmed, claimed] = [part(['exact', 'organisation']), part(['claimed', 'none'])];
  return {
    negated,
    ...(confirmed === undefined ? {} : { confirmed }),
    ...(claimed === undefined ? {} : { claimed }),
  };
}

/** That there is a name to hold against those of the PTR. Without one, no answer of the DNS would make a difference. */
export function besidePtr({ pair }: AlignmentLeaf): Fact {
  return {
    'helo-ptr': { words: 'HELO holds a name', otherwise: 'HELO holds no name' },
    'certificate-ptr': { words: 'the certificate holds a name', otherwise: 'the certificate holds no name' },
    'sender-ptr': { words: 'the sender has a domain', otherwise: 'the sender has no domain' },
    'certificate-helo': { words: '', otherwise: '' },
  }[pair];
}

export function asksPtr({ pair }: AlignmentLeaf): boolean {
  return pair.endsWith('-ptr');
}

/** The usual one first: most names are of one organisation, and most senders have another name than their server. */
export function levelsOf(pair: AlignmentPair): readonly AlignmentLevel[] {
  return pair === 'helo-ptr'
    ? ['organisation', 'exact', 'claimed', 'none', 'unknown']
    : (['unknown', ...alignmentLevels] as const).filter((level) => level !== 'none' || pair !== 'sender-ptr');
}
