import { expect, test } from '@jest/globals';
import { naming } from '../../../src/core/naming.ts';
import { type Answer, evidenceOf } from '../../support/evidence.ts';

const read = (ip: string, ptr: Answer) => naming(evidenceOf({ ip, ptr }));

test.each([
  ['192.0.2.7', '192-0-2-7.dyn.isp.example', '192-0-2-7', 0],
  ['192.0.2.7', 'host7.2.0.192.isp.example', '7.2.0.192', 4],
  ['192.0.2.7', 'ip-192-000-002-007.example', '192-000-002-007', 3],
  ['2001:db8::25', '20010db8000000000000000000000025.ip6.isp.example', '20010db8000000000000000000000025', 0],
  [
    '2001:db8::25',
    'h-2001-0db8-0000-0000-0000-0000-0000-0025.isp.example',
    '2001-0db8-0000-0000-0000-0000-0000-0025',
    2,
  ],
])('%s in %s', (ip, name, text, offset) => {
  expect(read(ip, [name])).toEqual({ label: 'generic', name, evidence: [{ id: 'address', text, offset }] });
});

test.each([
  ['192.0.2.7', 'mx.example'],
  ['192.0.2.7', '192-0-2-8.dyn.isp.example'],
  ['192.0.2.7', '192-0-2.isp.example'],
  ['192.0.2.7', '192a0b2c7.example'],
  ['2001:db8::25', '0025.six.example'],
])('%s is not in %s', (ip, name) => {
  expect(read(ip, [name])).toEqual({ label: 'unknown', name, evidence: [] });
});

test('without a name there is nothing to read', () => {
  expect(read('192.0.2.7', 'nxdomain')).toEqual({ label: 'unknown', evidence: [] });
});

test('of several names one without the sign speaks for the client, whichever is confirmed', () => {
  expect(read('192.0.2.7', ['192-0-2-7.isp.example', 'mx.example'])).toEqual({
    label: 'unknown',
    name: 'mx.example',
    evidence: [],
  });
  expect(read('192.0.2.7', ['192-0-2-7.isp.example', 'ip7.2.0.192.isp.example'])).toMatchObject({
    label: 'generic',
    name: '192-0-2-7.isp.example',
  });
});
