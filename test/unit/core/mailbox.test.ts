import { expect, test } from '@jest/globals';
import { mailboxOf } from '../../../src/core/mailbox.ts';

test.each([
  ['<a@b.example>', 'a@b.example'],
  ['a@b.example', 'a@b.example'],
  ['<>', ''],
  ['', ''],
  ['<postmaster>', 'postmaster'],
  ['<@x.example,@y.example:a@b.example>', 'a@b.example'],
  ['< a@b.example >', 'a@b.example'],
  ['<a @ b.example>', 'a@b.example'],
  ['<"a"@b.example>', 'a@b.example'],
  ['<"a b"@c.example>', 'a b@c.example'],
  ['<a\\ b@c.example>', 'a b@c.example'],
  ['<s\\pam@b.example>', 'spam@b.example'],
  ['<"s\\"p(a)m"@b.example>', 's"p(a)m@b.example'],
  ['<"a@b"@c.example>', 'a@b@c.example'],
  ['<a(one (two) three)@b.example>', 'a@b.example'],
  ['<grüße@b.example>', 'grüße@b.example'],
  // Nobody has such an address, and nothing breaks.
  ['<"a@b.example>', 'a@b.example'],
  ['<a)b@c.example\\>', 'a)b@c.example\\'],
  ['<a(b@c.example>', 'a'],
])('%s means %s', (path, mailbox) => expect(mailboxOf(path)).toBe(mailbox));
