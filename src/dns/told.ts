// In front of a resolver: each answer is told to whoever counts them. Without a listener it is the resolver itself.

import type { DnsAnswer } from '../core/answer.ts';
import type { Resolver } from './resolver.ts';

/** Must not throw. */
export type Answered = (answer: DnsAnswer<string>) => void;

export function told(behind: Resolver, onAnswer: Answered | undefined): Resolver {
  if (onAnswer === undefined) return behind;
  return {
    async lookup(name, type) {
      const answer = await behind.lookup(name, type);
      onAnswer(answer);
      return answer;
    },
  };
}
