import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type DomainList, domainFault, domainListBuilder } from '../../../src/core/domain-list.ts';

function listOf(texts: readonly string[], seed = 8601): DomainList {
  const builder = domainListBuilder(seed);
  for (const text of texts) if (!builder.add(text)) throw new Error(`not added: ${text}`);
  const steps = builder.finish();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

const label = 'a'.repeat(63);
/** 253 characters. */
const longest = `${label}.${label}.${label}.${'b'.repeat(61)}`;

describe('which names a list has', () => {
  test.each<[string, string[], number, string[], string[]]>([
    ['nothing', [], 0, [], ['', '.', 'example.com']],
    [
      'a name and all below',
      ['example.com'],
      1,
      ['example.com', 'mx.example.com', 'a.b.c.example.com'],
      ['badexample.com', 'example.com.example', 'com', 'example', 'example.co', 'xample.com', ''],
    ],
    [
      'below alone',
      ['.example.com'],
      1,
      ['mx.example.com', 'a.b.example.com'],
      ['example.com', 'badexample.com', 'com'],
    ],
    ['both', ['.example.com', 'example.com'], 1, ['example.com', 'mx.example.com'], ['com']],
    ['both, the other way round', ['example.com', '.example.com'], 1, ['example.com', 'mx.example.com'], ['com']],
    ['a top-level domain', ['example'], 1, ['example', 'a.example', 'a.b.example'], ['example.com', 'anexample']],
    ['a name beside its parent', ['a.example', '.example'], 2, ['a.example', 'b.example'], ['example']],
    ['any case', ['Example.COM'], 1, ['example.com', 'EXAMPLE.com', 'MX.eXample.com'], ['EXAMPLE.NET']],
    ['a final dot in the list', ['example.com.'], 1, ['example.com', 'mx.example.com'], []],
    ['a final dot in the question', ['example.com'], 1, ['example.com.', 'mx.example.com.'], ['example.com..']],
    ['an underscore', ['_dmarc.example.com'], 1, ['_dmarc.example.com'], ['dmarc.example.com', 'example.com']],
    [
      'any label before the border',
      ['example.com'],
      1,
      ['foo bar.example.com', '\\255.example.com', 'ü.example.com'],
      [],
    ],
    [
      'dots inside a label',
      ['example.com'],
      1,
      ['x\\\\.example.com', 'x\\.y.example.com'],
      ['x\\.example.com', 'x\\\\\\.example.com', 'example.com\\.'],
    ],
    ['letters of other scripts', ['kk.example'], 1, ['KK.example'], ['\u212ak.example', '\u016bk.example']],
    ['the longest name', [longest], 1, [longest, `${longest}.`, `x.${longest}`], [`x${longest}`, longest.slice(1)]],
  ])('%s', (_, texts, size, inside, outside) => {
    const list = listOf(texts);
    expect(list.size).toBe(size);
    for (const name of inside) expect([name, list.has(name)]).toEqual([name, true]);
    for (const name of outside) expect([name, list.has(name)]).toEqual([name, false]);
  });

  test('far below', () => expect(listOf(['example.com']).has(`${'x.'.repeat(5_000)}example.com`)).toBe(true));
  test('a long way below nothing', () => expect(listOf(['example.com']).has('x.'.repeat(50_000))).toBe(false));
});

describe('what is no domain', () => {
  const usual = 'write example.com, or .example.com for those below it alone';
  test.each<[string, string]>([
    ['*.example.com', 'write .example.com for all below it, example.com for the name itself too'],
    ['192.0.2.7', 'addresses have a list of their own'],
    ['2001:db8::/32', 'addresses have a list of their own'],
    ['.', usual],
    ['..example.com', usual],
    ['example..com', usual],
    ['example.com..', usual],
    ['-x.example', usual],
    ['a@b.example', usual],
    ['https://b.example/', usual],
    ['localhost', usual],
    [`x${longest}`, usual],
  ])('%s', (text, hint) => {
    expect(domainListBuilder(1).add(text)).toBe(false);
    expect(domainFault(text).hint).toBe(hint);
    expect(domainFault(text).what).toMatch(/ is not a domain$/);
  });

  test('a name that is not ASCII', () => {
    expect(domainListBuilder(1).add('bücher.example')).toBe(false);
    expect(domainFault('bücher.example')).toEqual({
      what: '"b\\xc3\\xbccher.example" is not a domain',
      hint: 'write it in ASCII, with xn-- in front',
    });
  });
});

test('a list has what is one of its names, or below one', () => {
  const labels = fc.array(fc.constantFrom('a', 'b', 'ab', 'A'), { minLength: 1, maxLength: 4 });
  const name = labels.map((parts) => parts.join('.'));
  const entry = fc.tuple(fc.constantFrom('', '.'), name).map((parts) => parts.join(''));
  const has = (entries: readonly string[], asked: string): boolean =>
    entries.some((one) => {
      const domain = one.replace(/^\./, '').toLowerCase();
      return asked.toLowerCase().endsWith(`.${domain}`) || (one[0] !== '.' && asked.toLowerCase() === domain);
    });
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 6 }),
      fc.array(name, { maxLength: 20 }),
      fc.nat(2 ** 32 - 1),
      (entries, asked, seed) => {
        const list = listOf(entries, seed);
        expect(asked.filter((one) => list.has(one))).toEqual(asked.filter((one) => has(entries, one)));
      },
    ),
    { numRuns: 2_000, seed: 8601 },
  );
});

describe('many names', () => {
  const count = 100_000;
  const nameOf = (i: number): string => `host-${(i * 7_919) % count}.sender.example`;

  test('all of them are found, and nothing else', () => {
    const list = listOf(Array.from({ length: count }, (_, i) => nameOf(i)));
    expect(list.size).toBe(count);
    let wrong = 0;
    for (let i = 0; i < count; i++) if (!list.has(nameOf(i)) || list.has(`x${nameOf(i)}`)) wrong++;
    expect(wrong).toBe(0);
  });

  test('the same name again and again is kept once', () => {
    expect(listOf(Array.from({ length: 20_000 }, (_, i) => `n${i % 3}.example`)).size).toBe(3);
  });

  test('no step of making the list does it all', () => {
    const builder = domainListBuilder(1);
    for (let i = 0; i < count; i++) builder.add(nameOf(i));
    expect([...builder.finish()].length).toBeGreaterThan(8);
  });
});
