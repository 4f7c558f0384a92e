// Lists in the page: those that came are what they are in the service; those that did not are empty, and told with the reason.

import { expect, test } from '@jest/globals';
import { listTexts } from '../../../../src/console/page/list-texts.ts';

const texts = listTexts({
  lists: { 'nets.txt': '192.0.2.0/24 # ours\n\n2001:db8::/32\n', 'domains.txt': 'Example.ORG\n' },
  leftOut: { 'big.txt': '5.0 MB, and the page is given 4.0 MB of lists in all' },
});

test('those that came', () => {
  const { openList, empty } = texts.reading();
  expect(['192.0.2.7', '198.51.100.7', '2001:db8::1'].map(openList('nets.txt', 'addresses').has)).toEqual([
    true,
    false,
    true,
  ]);
  expect(['mx.example.org', 'example.net'].map(openList('domains.txt', 'domains').has)).toEqual([true, false]);
  expect(empty).toEqual([]);
});

test('those that did not, each once, of this reading alone', () => {
  const reading = texts.reading();
  for (const name of ['big.txt', 'new.txt', 'constructor', 'big.txt'])
    expect(reading.openList(name, 'addresses').has('192.0.2.7')).toBe(false);
  expect(reading.empty).toEqual([
    { name: 'big.txt', why: '5.0 MB, and the page is given 4.0 MB of lists in all' },
    { name: 'new.txt', why: expect.stringContaining('does not name it') },
    { name: 'constructor', why: expect.stringContaining('does not name it') },
  ]);
  expect(texts.reading().empty).toEqual([]);
});
