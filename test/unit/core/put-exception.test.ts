// An exception put into a policy's text: there, once, and nothing else is another.

import { describe, expect, test } from '@jest/globals';
import { considerExceptions } from '../../../src/core/backtest/exceptions.ts';
import { parseIp } from '../../../src/core/ip.ts';
import { putException } from '../../../src/core/put-exception.ts';
import { policyOf } from '../../support/doors.ts';

const suggestionFor = (rule: string) => {
  const exceptions = considerExceptions();
  const ip = parseIp('192.0.2.7');
  if (ip === undefined) throw new Error();
  exceptions.add({ ip, organisation: 'known.example', worth: 'good', by: [rule] }, 'r1', '2026-11-26T04:00:00Z');
  return exceptions.list(Date.parse('2026-11-26T05:00:00Z'))[0] ?? { rule: '', yaml: '' };
};
const suggestion = suggestionFor('no-ptr');
const office = '{ when: { client_ip: 192.0.2.9 }, why: "the office, #1" }';

const texts: Readonly<Record<string, string>> = {
  'a block rule': `# ours
rules:
  - id: first
    when: { iprev: fail }
    tag: t
  - id: no-ptr   # the rule
    # why it is there
    when: { iprev: permerror }

    reject: "no, {ip}"
otherwise: accept   # all
`,
  'a flow rule': 'rules:\n  - { id: no-ptr, when: { iprev: permerror }, reject: "no" }   # yes\notherwise: accept\n',
  'a flow rule over lines': 'rules: [\n  {\n    id: no-ptr,\n    reject: "no",\n  },\n]\notherwise: accept\n',
  'no indent': 'rules:\n- when: { iprev: permerror }\n  id: "no-ptr"\n  reject: "no"\notherwise: accept\n',
  'a list of exceptions': `rules:
  - id: no-ptr
    except:
      - ${office}   # for now
    reject: "no"
otherwise: accept
`,
  'a list in brackets': `rules:\n  - { id: no-ptr, except: [${office}], reject: "no" }\notherwise: accept\n`,
  'a single one': `rules:\n  - { id: no-ptr, except: ${office}, reject: "no" }\notherwise: accept\n`,
  'lines that end in CR LF': 'rules:\r\n  - id: no-ptr\r\n    reject: "no"\r\notherwise: accept\r\n',
};

describe.each(Object.entries(texts))('%s', (_, text) => {
  const put = putException(text, suggestion) ?? '';
  const rule = (policy: ReturnType<typeof policyOf>) => policy.rules.find(({ id }) => id === 'no-ptr');

  test('has one exception more, the first of them, and is else the same policy', () => {
    const [before, after] = [policyOf(text), policyOf(put)];
    const [first, ...others] = rule(after)?.except ?? [];
    expect(first).toMatchObject({ why: '1 good session, 2026-11-26', when: { kind: 'verified_name' } });
    expect(others).toEqual(rule(before)?.except);
    const bare = (policy: typeof before) => policy.rules.map((one) => ({ ...one, except: [] }));
    expect(bare(after)).toEqual(bare(before));
  });

  test('every line that was there is there, comments too', () => {
    const words = (of: string): string[] => [...(of.match(/[^\s,[\]]+/g) ?? [])];
    const left = words(put);
    for (const word of words(text)) {
      const at = left.indexOf(word);
      expect([word, at >= 0]).toEqual([word, true]);
      left.splice(at, 1);
    }
  });
});

test.each([
  ['block', 'rules:\n  - { id: a, tag: t }\notherwise: reject\n'],
  ['brackets', 'rules: [{ id: a, tag: t }]\notherwise: reject\n'],
])('for "otherwise" it is a rule of its own, before the others (%s)', (_, text) => {
  const put = putException(text, suggestionFor('otherwise'));
  expect(policyOf(put ?? '').rules.map(({ id }) => id)).toEqual(['known-known-example', 'a']);
});

test.each([
  ['no such rule', 'rules:\n  - { id: other, tag: t }\notherwise: accept\n'],
  ['no rules', 'otherwise: accept\n'],
  ['a text that is none', 'rules: [}'],
  [
    'an exception over lines',
    'rules:\n  - id: no-ptr\n    except:\n      when: { iprev: fail }\n      why: so\n    tag: t\n',
  ],
])('%s: it is for a person to paste', (_, text) => {
  expect(putException(text, suggestion)).toBeUndefined();
});
