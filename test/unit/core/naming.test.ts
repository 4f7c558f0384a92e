import { expect, test } from '@jest/globals';
import { exampleNames } from '../../../src/core/naming/examples.ts';
import { forgetNamings, naming } from '../../../src/core/naming.ts';
import { type Answer, evidenceOf } from '../../support/evidence.ts';

const read = (ip: string, ptr: Answer) => naming(evidenceOf({ ip, ptr }));

test('a generic name', () => {
  expect(read('192.0.2.7', ['192-0-2-7.dyn.kvarnby.example'])).toEqual({
    label: 'generic',
    kind: 'access',
    tier: 'certain',
    name: '192-0-2-7.dyn.kvarnby.example',
  });
});

test('without a name there is nothing to read', () => {
  const nothing = { label: 'unknown', tier: 'none' };
  expect(read('192.0.2.7', 'nxdomain')).toEqual(nothing);
  expect(read('192.0.2.7', 'servfail')).toEqual(nothing);
  expect(read('192.0.2.7', ['\\000'])).toEqual(nothing);
});

test('of several names the one that is least like a template speaks for the client, whichever is confirmed', () => {
  expect(read('192.0.2.7', ['192-0-2-7.kvarnby.example', 'mx.example'])).toMatchObject({
    label: 'custom',
    name: 'mx.example',
  });
  expect(read('192.0.2.7', ['host7.2.0.192.dyn.kvarnby.example', '192-0-2-7.kvarnby.example'])).toMatchObject({
    label: 'generic',
    name: '192-0-2-7.kvarnby.example',
  });
});

test('it is read again when the name or the address is another', () => {
  const tier = (ip: string, ...names: string[]) => read(ip, names).tier;
  expect(tier('198.51.100.9', '198-51-100-9.kvarnby.example')).toBe('certain');
  expect(tier('192.0.2.7', '198-51-100-9.kvarnby.example')).toBe('likely');
  expect(tier('198.51.100.9', '198-51-100-9.kvarnby.example')).toBe('certain');
  expect(tier('198.51.100.9', 'mx.kvarnby.example')).toBe('none');
  expect(tier('198.51.100.9', 'mx.kvarnby.example', '198-51-100-9.kvarnby.example')).toBe('none');
  expect(tier('198.51.100.9', '198-51-100-9.kvarnby.example')).toBe('certain');
});

test.each(exampleNames)('$host is what it is the example of', ({ host, reading }) => {
  for (const [ip, domain] of [
    ['192.0.2.7', 'n0.invalid'],
    ['192.0.2.1', 'n000.doubt.invalid'],
    ['2001:db8::25', 'n.example'],
  ] as const) {
    const { label, kind, tier } = read(ip, [`${host}.${domain}`]);
    expect({ label, tier, ...(kind === undefined ? {} : { kind }) }).toEqual(reading);
  }
});

test('what was read is remembered, until it is forgotten', () => {
  const once = read('192.0.2.7', ['mail.example.org']);
  expect(read('192.0.2.7', ['mail.example.org'])).toBe(once);
  forgetNamings();
  expect(read('192.0.2.7', ['mail.example.org'])).toEqual(once);
  expect(read('192.0.2.7', ['mail.example.org'])).not.toBe(once);
});
