// Lines in, lines out: whatever stands in the input, and however it is cut.

import { expect, test } from '@jest/globals';
import { classifyLines } from '../../../src/commands/classify.ts';

async function classified(chunks: readonly (string | Uint8Array)[], json = true) {
  let [out, err] = ['', ''];
  const terminal = { out: () => undefined, err: (text: string) => void (err += text), colour: false };
  async function* input() {
    for (const chunk of chunks) yield typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
  }
  const write = async (text: string) => void (out += text);
  const allRead = await classifyLines(terminal, { input: input(), file: 'names.tsv', write, json });
  return { allRead, lines: out.split('\n').filter(Boolean), err };
}

test('exactly these keys, with null for no kind; address and name as they were given', async () => {
  const { allRead, lines, err } = await classified([
    '192.0.2.7\t192-0-2-7.dyn.kvarnby.example\n-\tmx.kvarnby.example\n2001:DB8::7\tMX.Kvarnby.example.\r\n',
  ]);
  expect([allRead, err]).toEqual([true, '']);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      ip: '192.0.2.7',
      name: '192-0-2-7.dyn.kvarnby.example',
      label: 'generic',
      kind: 'access',
      tier: 'certain',
      score: 6.5,
      evidence: [
        { id: 'address', text: '192-0-2-7', offset: 0, weight: 6.5 },
        { id: 'dynamic', text: 'dyn', offset: 10, weight: 3 },
      ],
    },
    expect.objectContaining({ ip: '-', name: 'mx.kvarnby.example', label: 'custom', kind: null, tier: 'none' }),
    expect.objectContaining({ ip: '2001:DB8::7', name: 'MX.Kvarnby.example.', label: 'custom' }),
  ]);
  expect(Object.keys(JSON.parse(lines[0] ?? ''))).toEqual(['ip', 'name', 'label', 'kind', 'tier', 'score', 'evidence']);
});

test.each([
  ['no tab', '192.0.2.7 mx.example', 'is not an IP address' /* the blank is part of it */],
  ['no name', '192.0.2.7\t', 'no name'],
  ['nothing at all', '', 'an empty line'],
  ['no address', 'mx.example\t192.0.2.7', '"mx.example" is not an IP address'],
  ['half an address', '192.0.2\tmx.example', '"192.0.2" is not an IP address'],
  ['a third column', '192.0.2.7\tmx.example\tgeneric', 'more than two columns'],
  ['a NUL', '192.0.2.7\tmx\0.example', 'a control character'],
  ['an escape sequence', '192.0.2.7\t\x1b[31mmx.example', 'a control character'],
  ['a line without an end', `192.0.2.7\t${'x'.repeat(5_000)}`, 'a line of more than 2000 characters'],
])('%s: reported with its place, and the rest goes on', async (what, bad, says) => {
  const { allRead, lines, err } = await classified([`-\ta.example\n${bad}\n-\tb.example\n`]);
  expect(allRead).toBe(false);
  expect(lines.map((line) => JSON.parse(line).name)).toEqual(['a.example', 'b.example']);
  expect(err).toMatch(/^names\.tsv:2: [ -~]*\n$/);
  if (what !== 'no tab') expect(err).toContain(says);
});

test('binary garbage', async () => {
  const garbage = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7919 + (i >> 5)) & 0xff);
  const { allRead, lines, err } = await classified(['-\ta.example\n', garbage, '\n-\tb.example\n']);
  expect(allRead).toBe(false);
  expect(lines.map((line) => JSON.parse(line).name)).toEqual(['a.example', 'b.example']);
  expect(err).toMatch(/^(?:names\.tsv:\d+: [ -~]*\n)+$/);
});

test('a name in UTF-8 is a name, though no host name, and comes out in ASCII', async () => {
  const { allRead, lines } = await classified(['-\tbücher.example\n']);
  expect(allRead).toBe(true);
  expect(lines[0]).toMatch(/^[ -~]+$/);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ name: 'bücher.example', label: 'unknown', kind: 'malformed' });
});

test('wherever the input is cut, also within a character', async () => {
  const octets = new TextEncoder().encode('192.0.2.7\tbücher.example\n-\tmx.example\n-\tlast.example');
  const whole = await classified([octets]);
  expect(whole.lines).toHaveLength(3);
  for (let at = 1; at < octets.length; at++)
    expect(await classified([octets.subarray(0, at), octets.subarray(at)])).toEqual(whole);
});

test('a line that is far too long is reported once, and not kept', async () => {
  const { lines, err } = await classified([
    '-\ta.example\n-\t',
    ...Array(50).fill('x'.repeat(1_000)),
    '\n-\tb.example\n',
  ]);
  expect(lines).toHaveLength(2);
  expect(err.split('\n').filter(Boolean)).toEqual(['names.tsv:2: a line of more than 2000 characters']);
});

test('a table for a person', async () => {
  const { lines } = await classified(['192.0.2.7\t192-0-2-7.dyn.kvarnby.example\n-\tmx.kvarnby.example\n'], false);
  expect(lines).toEqual([
    'label          kind        tier      score  name',
    'generic        access      certain    6.50  192-0-2-7.dyn.kvarnby.example  address 192-0-2-7, dynamic dyn',
    'custom         -           none      -9.00  mx.kvarnby.example  -mail mx',
  ]);
});
