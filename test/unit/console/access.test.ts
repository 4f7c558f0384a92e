// Who may ask the console: Host, Origin, what a browser says of the request, and the token.

import { describe, expect, test } from '@jest/globals';
import { access } from '../../../src/console/access.ts';
import { parseEndpoint } from '../../../src/core/endpoint.ts';

const token = 'a-token-of-thirty-two-characters-or-more';
const at = (listen: string) => access(parseEndpoint(listen) as never, token);
const may = at('127.0.0.1:10047');
const api = (headers: Record<string, string>, method = 'GET', path = '/api/overview') =>
  may({ method, path, headers: { host: '127.0.0.1:10047', ...headers }, isOpen: false })?.why;
const page = (headers: Record<string, string>, method = 'GET', path = '/') =>
  may({ method, path, headers: { host: '127.0.0.1:10047', ...headers }, isOpen: true })?.why;
const bearer = { authorization: `Bearer ${token}` };

test.each([
  ['the right token', bearer, undefined],
  ['none', {}, 'no token'],
  ['another scheme', { authorization: `Basic ${token}` }, 'no token'],
  ['another token', { authorization: 'Bearer nonsense' }, 'wrong token'],
  ['the beginning of it', { authorization: `Bearer ${token.slice(0, -1)}` }, 'wrong token'],
  ['more than it', { authorization: `Bearer ${token}x` }, 'wrong token'],
  ['an endless one', { authorization: `Bearer ${'x'.repeat(10_000)}` }, 'no token'],
  ['one in a cookie', { cookie: `token=${token}` }, 'no token'],
])('%s', (_, headers: Record<string, string>, why) => {
  expect(api(headers)).toBe(why);
});

describe('Host: names that lead here, at any port', () => {
  test.each(['127.0.0.1:10047', '127.0.0.1', 'localhost:9000', 'LOCALHOST', '[::1]:10047'])('%s', (host) => {
    expect(api({ ...bearer, host })).toBeUndefined();
  });
  test.each([
    'evil.example',
    'evil.example:10047',
    '127.0.0.1.evil.example',
    'localhost.evil.example:10047',
    '127.0.0.1:10047:1',
    '127.0.0.1@evil.example',
    '',
    '[::1',
    'localhost:port',
  ])('"%s" is another site', (host) => {
    expect(api({ ...bearer, host })).toBe('foreign host');
    expect(page({ host })).toBe('foreign host');
  });
  test('an address of 127/8 of its own, IPv6, and a UNIX socket', () => {
    const asking = (host: string) => ({ method: 'GET', path: '/', headers: { host }, isOpen: true });
    expect(at('127.0.0.9:1')(asking('127.0.0.9:1'))).toBeUndefined();
    expect(may(asking('127.0.0.9:1'))?.why).toBe('foreign host');
    expect(at('[::1]:1')(asking('[::1]:1'))).toBeUndefined();
    expect(at('unix:/run/x.sock')(asking('localhost'))).toBeUndefined();
    expect(at('unix:/run/x.sock')(asking('x.example'))?.why).toBe('foreign host');
  });
});

describe('requests of other sites, whatever they know', () => {
  const own = { origin: 'http://127.0.0.1:10047' };
  test.each([
    ['a page of ours', { ...own, 'sec-fetch-site': 'same-origin' }, 'PUT', undefined],
    ['a foreign origin', { origin: 'https://evil.example' }, 'PUT', 'cross-site request'],
    ['an origin at another port', { origin: 'http://127.0.0.1:8080' }, 'GET', 'cross-site request'],
    ['an origin that is none', { origin: 'null' }, 'GET', 'cross-site request'],
    ['what the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }, 'GET', 'cross-site request'],
    ['another port of this host', { 'sec-fetch-site': 'same-site' }, 'GET', 'cross-site request'],
    ['a link to data', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 'GET', 'cross-site request'],
    ['typed into the address bar', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, 'GET', undefined],
  ])('%s', (_, headers: Record<string, string>, method, why) => {
    expect(api({ ...bearer, ...headers }, method)).toBe(why);
  });
  test('a link to the page itself is no harm; a frame, a script or a form is turned away', () => {
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect(page(link)).toBeUndefined();
    expect(page(link, 'POST')).toBe('cross-site request');
    expect(page({ ...link, 'sec-fetch-mode': 'no-cors' }, 'GET', '/main.js')).toBe('cross-site request');
  });
});
