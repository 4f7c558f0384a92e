import { expect, test } from '@jest/globals';
import { signIds } from '../../../../src/core/naming/sign.ts';
import { signWords } from '../../../../src/core/naming/sign-words.ts';
import { hostVocabulary, orgVocabulary } from '../../../../src/core/naming/vocabulary.ts';
import { certainFrom, likelyFrom, weights } from '../../../../src/core/naming/weights.ts';

test.each([hostVocabulary, orgVocabulary])('words are letters, and each says one thing only', (vocabulary) => {
  const seen = new Map<string, string>();
  for (const [id, text] of Object.entries(vocabulary)) {
    for (const word of text.split(/\s+/).filter(Boolean)) {
      expect(word).toMatch(/^\*?[a-z]+\*?$/);
      expect([word, seen.get(word) ?? id]).toEqual([word, id]);
      seen.set(word, id);
    }
  }
});

test('every sign has its weight, on the side that its group is on, and its words', () => {
  for (const id of signIds) {
    expect(weights[id] * 4).toBe(Math.round(weights[id] * 4));
    expect(signWords[id]).not.toBe('');
  }
  const against = ['mail-pool', 'content', 'mail', 'org-mail', 'infrastructure', 'crawler', 'service', 'bare'];
  for (const id of signIds) expect([id, weights[id] < 0]).toEqual([id, against.includes(id)]);
  expect(certainFrom).toBeGreaterThan(likelyFrom);
});
