import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listLineCharsMax, listProblemsMax } from '../../src/core/limits.ts';
import { type Problem, printProblem } from '../../src/core/problem.ts';
import { type ListKind, type ListOptions, type Lists, readList, type WatchedList, watchList } from '../../src/lists.ts';
import { ipOf } from '../support/evidence.ts';
import { until } from '../support/processes.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iprevd-lists-'));
  path = join(folder, 'list');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const shownAs = 'list';

async function read<K extends ListKind>(content: string | Uint8Array, kind: K, options: ListOptions = {}) {
  writeFileSync(path, content);
  return readList(path, kind, { shownAs, ...options });
}

async function good<K extends ListKind>(content: string | Uint8Array, kind: K): Promise<Lists[K]> {
  const checked = await read(content, kind);
  if (!checked.ok) throw new Error(checked.problems.map(printProblem).join('\n'));
  return checked.value;
}

async function bad(content: string | Uint8Array, kind: ListKind, options: ListOptions = {}): Promise<string[]> {
  const checked = await read(content, kind, options);
  return checked.ok ? [] : checked.problems.map(printProblem);
}

describe('the form of a file', () => {
  test.each<[string, string, number]>([
    ['nothing', '', 0],
    ['a line end alone', '\n', 0],
    ['no line end behind the last entry', '192.0.2.1\n192.0.2.2', 2],
    ['CRLF', '192.0.2.1\r\n\r\n192.0.2.2\r\n', 2],
    ['CRLF, and no line end', '192.0.2.1\r\n192.0.2.2\r', 2],
    ['a byte order mark', '\ufeff192.0.2.1\n192.0.2.2\n', 2],
    ['a byte order mark alone', '\ufeff', 0],
    ['blank lines', '\n \n\t\n192.0.2.1\n\n192.0.2.2\n\n', 2],
    ['blanks around', '  192.0.2.1\t\n\t192.0.2.2 ', 2],
    ['comments', '# first\n192.0.2.1 # mine\n  # between\n192.0.2.2\t#\n#\n#192.0.2.3', 2],
    ['a comment behind CRLF', '192.0.2.1 # mine\r\n# and\r\n192.0.2.2\r\n', 2],
  ])('%s', async (_, content, size) => {
    const list = await good(content, 'addresses');
    expect(list.size).toBe(size);
    if (size === 2) expect([list.has(ipOf('192.0.2.1')), list.has(ipOf('192.0.2.2'))]).toEqual([true, true]);
    expect(list.has(ipOf('192.0.2.3'))).toBe(false);
  });

  test('domains', async () => {
    const list = await good('\ufeff# ours\r\nexample.com\r\n.example.net # below\r\n', 'domains');
    const names = ['example.com', 'mx.example.com', 'mx.example.net', 'example.net'];
    expect(names.map((name) => list.has(name))).toEqual([true, true, true, false]);
  });

  test('a comment that is not UTF-8', async () => {
    expect((await good(Buffer.from('# gr\xfc\xdfe\n192.0.2.1 # \xff\n', 'latin1'), 'addresses')).size).toBe(1);
  });

  test('a letter of many octets where one piece of the file ends', async () => {
    for (let before = 65_532; before < 65_540; before++) {
      const comment = `# ${'\n'.repeat(before - 2)}# \u{1f4ec}\n`;
      expect((await good(`${comment}192.0.2.1\n`, 'addresses')).size).toBe(1);
    }
  });

  test('an entry or a CRLF where one piece of the file ends', async () => {
    for (let before = 65_522; before < 65_538; before++) {
      expect((await good(`${'\n'.repeat(before)}192.0.2.0/24\r\n192.0.3.1`, 'addresses')).size).toBe(2);
    }
  });
});

describe('bad lines', () => {
  const usual = '(write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32)';
  const one = '(one entry a line; "#" opens a comment)';
  test.each<[string, ListKind, string, string[]]>([
    [
      'host bits',
      'addresses',
      '\n  192.0.2.7/24\n',
      ['list:2:3: "192.0.2.7/24" is not an address or a CIDR range (did you mean 192.0.2.0/24?)'],
    ],
    [
      'several, between good ones',
      'addresses',
      '192.0.2.1\nmx.example\r\n# no\r\n\t1.2.3 # x',
      [
        `list:2:1: "mx.example" is not an address or a CIDR range ${usual}`,
        `list:4:2: "1.2.3" is not an address or a CIDR range ${usual}`,
      ],
    ],
    ['two entries', 'addresses', '192.0.2.1 192.0.2.2\n', [`list:1:11: "192.0.2.2" behind the entry ${one}`]],
    [
      'a comment of another kind',
      'addresses',
      '192.0.2.0/24 ; theirs  \r\n',
      [`list:1:14: "; theirs" behind the entry ${one}`],
    ],
    [
      'a comment without a blank',
      'addresses',
      '192.0.2.1#mine',
      [`list:1:1: "192.0.2.1#mine" is not an address or a CIDR range ${usual}`],
    ],
    [
      'a byte order mark in the middle',
      'addresses',
      '192.0.2.1\n\ufeff192.0.2.2\n',
      [`list:2:1: "\\xef\\xbb\\xbf192.0.2.2" is not an address or a CIDR range ${usual}`],
    ],
    [
      'behind a byte order mark',
      'addresses',
      '\ufeffx\n',
      [`list:1:1: "x" is not an address or a CIDR range ${usual}`],
    ],
    [
      'a wildcard',
      'domains',
      '*.example.com',
      [
        'list:1:1: "*.example.com" is not a domain (write .example.com for all below it, example.com for the name itself too)',
      ],
    ],
    [
      'an address among domains',
      'domains',
      'a.example\n192.0.2.1\n',
      ['list:2:1: "192.0.2.1" is not a domain (addresses have a list of their own)'],
    ],
  ])('%s', async (_, kind, content, expected) => expect(await bad(content, kind)).toEqual(expected));

  test('octets that are not UTF-8', async () => {
    expect(await bad(Buffer.from('b\xfccher.example\n', 'latin1'), 'domains')).toEqual([
      'list:1:1: "b\\xef\\xbf\\xbdcher.example" is not a domain (write it in ASCII, with xn-- in front)',
    ]);
  });

  test('as many as can be shown', async () => {
    const problems = await bad('x y\n'.repeat(listProblemsMax), 'addresses');
    expect(problems.length).toBe(listProblemsMax);
    expect(problems.at(-1)).toMatch(/^list:20:3: "y" behind/);
  });

  test('more than can be shown: the rest is counted', async () => {
    const problems = await bad(`192.0.2.1\n${'x\ny z\n'.repeat(627)}`, 'addresses');
    expect(problems.length).toBe(listProblemsMax + 1);
    expect(problems.slice(-2)).toEqual([
      'list:21:3: "z" behind the entry (one entry a line; "#" opens a comment)',
      'list: and 1234 more',
    ]);
  });
});

describe('bounds', () => {
  test('entries', async () => {
    const content = '192.0.2.1\n# x\n192.0.2.2\n192.0.2.3\n192.0.2.4\n';
    expect(await bad(content, 'addresses', { entriesMax: 4 })).toEqual([]);
    expect(await bad(content, 'addresses', { entriesMax: 2 })).toEqual(['list:4:1: more than 2 entries']);
  });

  test('why it was not read to its end is shown behind any number of bad lines', async () => {
    const problems = await bad('x\n'.repeat(100), 'addresses', { entriesMax: 50 });
    expect(problems.slice(-2)).toEqual(['list:51:1: more than 50 entries', 'list: and 30 more']);
  });

  test('octets', async () => {
    expect(await bad('192.0.2.1\n', 'addresses', { octetsMax: 10 })).toEqual([]);
    expect(await bad('192.0.2.12\n', 'addresses', { octetsMax: 10 })).toEqual(['list: has 11 octets; 10 are the most']);
  });

  test('a line', async () => {
    const comment = `192.0.2.1 #${'x'.repeat(listLineCharsMax - 11)}`;
    expect((await good(`${comment}\n192.0.2.2\n`, 'addresses')).size).toBe(2);
    const problem = 'list:2:1: a line of more than 4096 characters (is this a text file?)';
    expect(await bad(`192.0.2.2\n${comment}x\nx\n`, 'addresses')).toEqual([problem]);
    expect(await bad(`192.0.2.2\n${comment}x`, 'addresses')).toEqual([problem]);
    expect(await bad(`192.0.2.2\n${'x'.repeat(100_000)}`, 'addresses')).toEqual([problem]);
  });
});

describe('no file to read', () => {
  const problemOf = async (place: string): Promise<string[]> => {
    const checked = await readList(place, 'addresses', { shownAs });
    return checked.ok ? [] : checked.problems.map(printProblem);
  };
  test('none there', async () => expect(await problemOf(path)).toEqual(['list: no such file']));
  test('a folder', async () => expect(await problemOf(folder)).toEqual(['list: is a folder, not a file']));
  test('a file for a folder', async () => {
    writeFileSync(path, '');
    expect((await problemOf(join(path, 'x')))[0]).toBe('list: is no folder, or lies below something that is none');
  });
  test('the path names it where nothing else does', async () => {
    expect(await readList(path, 'domains')).toEqual({ ok: false, problems: [{ where: path, what: 'no such file' }] });
  });
  (process.platform === 'linux' ? test : test.skip)('a device', async () =>
    expect(await problemOf('/dev/zero')).toEqual(['list: is not a regular file']),
  );
});

describe('a large file', () => {
  const count = 200_000;
  const lineOf = (i: number): string => {
    const n = (i * 7_919) % count;
    return n % 10 === 0
      ? `2001:db8:${(n >> 8).toString(16)}:${(n & 255).toString(16)}::/64`
      : `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
  };
  const content = (): string => Array.from({ length: count }, (_, i) => lineOf(i)).join('\n');

  test('is loaded right, while the event loop turns', async () => {
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    const list = await good(content(), 'addresses');
    clearInterval(turning);
    expect(list.size).toBe(count);
    expect(turns).toBeGreaterThan(1);
    let wrong = 0;
    for (let n = 0; n < count; n++) {
      const ipv4 = list.has(ipOf(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`));
      const ipv6 = list.has(ipOf(`2001:db8:${(n >> 8).toString(16)}:${(n & 255).toString(16)}::1`));
      if (ipv4 === (n % 10 === 0) || ipv6 !== (n % 10 === 0)) wrong++;
    }
    expect(wrong).toBe(0);
  });

  test('that grows while it is read is read again', async () => {
    writeFileSync(path, content());
    const reading = readList(path, 'addresses', { lookEveryMs: 1 });
    await sleep(5);
    await appendFile(path, '\n192.0.2.7\n');
    const checked = await reading;
    expect(checked.ok && checked.value.has(ipOf('192.0.2.7'))).toBe(true);
  });

  test('that never stops to grow is given up', async () => {
    writeFileSync(path, `${content()}\n`);
    let isOver = false;
    const reading = readList(path, 'addresses', { shownAs, lookEveryMs: 1 }).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await appendFile(path, '# x\n');
      await sleep(1);
    }
    expect(await reading).toEqual({
      ok: false,
      problems: [{ where: 'list', what: 'changes while it is being read' }],
    });
  });
});

describe('a watched file', () => {
  const lookEveryMs = 5;
  const manyLooks = 30 * lookEveryMs;
  const old = ipOf('192.0.2.1');
  const young = ipOf('203.0.113.1');
  let watched: WatchedList<Lists['addresses']> | undefined;
  let changes: number;
  let troubles: string[][];
  beforeEach(() => {
    changes = 0;
    troubles = [];
  });
  afterEach(() => watched?.close());

  async function watch(lookMs = lookEveryMs): Promise<WatchedList<Lists['addresses']>> {
    writeFileSync(path, `${old}\n`);
    const checked = await watchList(path, 'addresses', {
      shownAs,
      lookEveryMs: lookMs,
      onChange: (list) => {
        expect(list).toBe(watched?.list());
        changes++;
      },
      onTrouble: (problems: readonly Problem[]) => troubles.push(problems.map(printProblem)),
    });
    if (!checked.ok) throw new Error('no list');
    watched = checked.value;
    return checked.value;
  }
  const holds = (list: WatchedList<Lists['addresses']>): boolean[] => [list.list().has(old), list.list().has(young)];

  test('that is no list at the beginning is not watched', async () => {
    writeFileSync(path, 'x\n');
    expect((await watchList(path, 'addresses')).ok).toBe(false);
    expect((await watchList(join(folder, 'none'), 'domains')).ok).toBe(false);
  });

  test('that stays as it is tells nothing', async () => {
    const list = await watch();
    const first = list.list();
    await sleep(manyLooks);
    expect([list.list() === first, changes, troubles]).toEqual([true, 0, []]);
  });

  test('that is written anew', async () => {
    const list = await watch();
    writeFileSync(path, `${young}\n`);
    await until('the new list', () => changes > 0);
    expect([...holds(list), changes, troubles]).toEqual([false, true, 1, []]);
  });

  test('that another is moved over, older and of the same size', async () => {
    const list = await watch();
    writeFileSync(join(folder, 'other'), '192.0.2.2\n');
    utimesSync(join(folder, 'other'), 1_000_000, 1_000_000);
    renameSync(join(folder, 'other'), path);
    await until('the new list', () => changes > 0);
    expect([list.list().has(old), list.list().has(ipOf('192.0.2.2'))]).toEqual([false, true]);
  });

  test('that turns bad: the old list stays, told once; then good again', async () => {
    const list = await watch();
    writeFileSync(path, `${young}\nx\n`);
    await until('trouble', () => troubles.length > 0);
    await sleep(manyLooks);
    expect(holds(list)).toEqual([true, false]);
    expect(troubles).toEqual([[expect.stringMatching(/^list:2:1: "x" is not an address/)]]);
    writeFileSync(path, `${young}\n`);
    await until('the new list', () => changes > 0);
    expect([...holds(list), changes, troubles.length]).toEqual([false, true, 1, 1]);
  });

  test('that is bad in another way: told again', async () => {
    await watch();
    writeFileSync(path, 'x\n');
    await until('trouble', () => troubles.length === 1);
    writeFileSync(path, 'yy\n');
    await until('more trouble', () => troubles.length === 2);
    expect(changes).toBe(0);
  });

  test('that vanishes: the old list stays, told once; then comes back as it was', async () => {
    const list = await watch();
    renameSync(path, join(folder, 'away'));
    await until('trouble', () => troubles.length > 0);
    await sleep(manyLooks);
    expect([...holds(list), changes, troubles]).toEqual([true, false, 0, [['list: no such file']]]);
    renameSync(join(folder, 'away'), path);
    await until('the list again', () => changes > 0);
    expect([...holds(list), changes, troubles.length]).toEqual([true, false, 1, 1]);
  });

  test('that a folder takes the place of', async () => {
    const list = await watch();
    unlinkSync(path);
    mkdirSync(path);
    await until('trouble', () => troubles.length > 0);
    expect([...holds(list), troubles.at(-1)]).toEqual([true, false, ['list: is a folder, not a file']]);
  });

  test('that never comes to rest is read all the same', async () => {
    const list = await watch(50);
    writeFileSync(path, `${young}\n`);
    const writing = setInterval(() => appendFileSync(path, '# x\n'), 5);
    await until('a new list', () => changes > 0).finally(() => clearInterval(writing));
    expect(holds(list)).toEqual([false, true]);
  });

  test('that changes after the end: nothing is told', async () => {
    const list = await watch();
    list.close();
    list.close();
    writeFileSync(path, `${young}\n`);
    await sleep(manyLooks);
    expect([...holds(list), changes, troubles]).toEqual([true, false, 0, []]);
  });

  test('that is closed while it is read: nothing is told', async () => {
    const list = await watch();
    writeFileSync(path, `${young}\n`.repeat(200_000));
    await sleep(4 * lookEveryMs);
    const before = changes;
    list.close();
    await sleep(manyLooks);
    expect([changes, troubles]).toEqual([before, []]);
  });
});
