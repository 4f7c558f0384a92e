// The page in a real browser, by clicks: what README tells a new user to do, names that mean harm, a phone, the dark, the keyboard.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { play } from '../../src/demo/player.ts';
import { type Consoled, consolePolicy, startConsoled } from '../support/console.ts';
import { cli, freePort, projectFolder, type Running, start, temporaryFolder, until } from '../support/processes.ts';
import { describeWith, whereIs } from '../support/programs.ts';
import { lineOf } from '../support/records.ts';

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describeWith(['chromium'], 'the page in Chromium', () => {
  let browser: Browser;
  let it: Consoled;
  const pages: Page[] = [];
  /** What the page should never do: load from elsewhere, break its own rules, fail. */
  let troubles: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: whereIs('chromium') ?? '', args: quiet });
    it = await startConsoled();
    for (const address of ['192.0.2.1', '192.0.2.4', '192.0.2.5', '192.0.2.7']) await it.client(address);
    await it.client('192.0.2.6', '<img src=x onerror=alert(1)>\x07');
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
    const seen = troubles;
    troubles = [];
    expect(seen).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await it?.stop();
  });

  async function open(address: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    pages.push(page);
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
    page.on('dialog', (dialog) => troubles.push(`a dialog: ${dialog.message()}`));
    page.on('request', (request) => {
      const to = new URL(request.url());
      if (to.hostname !== '127.0.0.1' && to.protocol !== 'data:') troubles.push(`asks ${to.host}`);
    });
    await page.goto(address);
    return page;
  }
  const admitted = (options = {}) => open(`http://127.0.0.1:${it.port}/#token=${it.token}`, options);
  const go = async (page: Page, view: string) => {
    await page.getByRole('link', { name: view, exact: true }).click();
    await until(`the view ${view}`, async () => (await page.title()).startsWith(`${view} `));
  };
  const text = (page: Page) => page.locator('main').innerText();

  test('without a token it asks for one; a wrong one is not taken; the right one does not stay in the address', async () => {
    const page = await open(`http://127.0.0.1:${it.port}/`);
    await page.getByLabel('Token').fill('wrong-token-that-is-not-the-one-of-this');
    await page.getByRole('button', { name: 'Open the console' }).click();
    await page.getByText('That is not the token of this service.').waitFor();
    expect(troubles.splice(0).join()).toContain('403');
    await page.getByLabel('Token').fill(it.token);
    await page.keyboard.press('Enter');
    await page.getByText('ready').waitFor();
    const other = await admitted();
    await other.getByText('ready').waitFor();
    expect(other.url()).not.toContain(it.token);
    expect(await other.context().cookies()).toEqual([]);
  });

  test('live: what has come and what comes; filters; a row opens into its story by keyboard', async () => {
    const page = await admitted();
    await page.getByRole('button', { name: '192.0.2.5' }).waitFor();
    await it.client('192.0.2.9');
    await page.getByRole('button', { name: '192.0.2.9' }).waitFor();
    await page.getByRole('searchbox').fill('192.0.2.4/30');
    await page.getByRole('button', { name: '192.0.2.9' }).waitFor({ state: 'detached' });
    await page.getByRole('combobox').selectOption('defer');
    const button = page.getByRole('button', { name: '192.0.2.7' });
    expect(await page.locator('table.live tbody tr').count()).toBe(1);
    await button.focus();
    await page.keyboard.press('Enter');
    expect(await button.getAttribute('aria-expanded')).toBe('true');
    expect(await text(page)).toMatch(/SERVFAIL[\s\S]*no-ptr[\s\S]*does not hold[\s\S]*trouble[\s\S]*holds/);
  });

  test('names that mean harm are text in every view', async () => {
    const page = await admitted();
    await page.getByRole('button', { name: '192.0.2.6' }).click();
    const story = await text(page);
    expect(story).toContain('<img src=x onerror=alert(1)>');
    expect(story).toContain('<script>alert(1)</script>');
    for (const view of ['Clients', 'Rules', 'Health', 'Live']) await go(page, view);
    expect(await page.locator('main img, main script').count()).toBe(0);
  });

  test('clients and rules: counts, and the hits of one rule over time', async () => {
    const page = await admitted();
    await go(page, 'Clients');
    await page.getByRole('rowheader', { name: 'mx.example' }).waitFor();
    await go(page, 'Rules');
    await page.getByRole('button', { name: 'unconfirmed' }).click();
    await page.getByRole('img', { name: /Hits of unconfirmed in the last hour: 1 enforced, 0 monitored/ }).waitFor();
    expect(await page.locator('.plot canvas').count()).toBe(1);
  });

  test('try: lint errors at their line; the matrix changes as one types; exactly those are named whom it would hit', async () => {
    const page = await admitted();
    await go(page, 'Try');
    const policy = page.getByRole('textbox', { name: 'Policy' });
    await page.getByText('This is the policy in force.').waitFor();
    expect(await page.locator('td.worse, td.better, td.moved').count()).toBe(0);
    await policy.fill(consolePolicy.replace('fail', 'fial'));
    await page.getByText('did you mean "fail"').waitFor();
    expect(await page.locator('.gutter .wrong').innerText()).toBe('3');
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'line 3' }).click();
    expect(await policy.evaluate((area) => (area as unknown as { selectionStart: number }).selectionStart > 60)).toBe(
      true,
    );
    await policy.fill(consolePolicy.replace('tag: unconfirmed', 'reject: "not you"'));
    const cell = page.locator('[data-cell="tag reject"]');
    await until('the matrix shows it', async () => (await cell.textContent()) === '1');
    expect(await cell.getAttribute('class')).toBe('worse');
    await page.getByRole('heading', { name: /^Newly refused/ }).waitFor();
    await page.getByRole('button', { name: /^why / }).first().click();
    await page.getByText('550 5.7.25 not you').waitFor();
    await page.getByRole('button', { name: 'Revert' }).click();
    await page.getByText('This is the policy in force.').waitFor();
  });

  test('try: what is being written is there after a look elsewhere, and so is an exception that was begun there', async () => {
    const page = await admitted();
    await page.getByRole('button', { name: '192.0.2.5' }).click();
    await page.getByText('How to let it in all the same').click();
    await page.getByRole('button', { name: 'Put it into the policy' }).click();
    const policy = page.getByRole('textbox', { name: 'Policy' });
    await until('it is in the text', async () =>
      (await policy.inputValue()).includes('except: [{ when: { client_ip: 192.0.2.5 }'),
    );
    await until(
      'and spares that client',
      async () => (await page.locator('[data-cell="reject accept"]').textContent()) === '1',
    );
    const written = `${await policy.inputValue()}# mine\n`;
    await policy.fill(written);
    await go(page, 'Health');
    await go(page, 'Try');
    expect(await policy.inputValue()).toBe(written);
    await page.getByText('1 of 6 would have been different').waitFor();
  });

  test('try: a test in the policy fails at its line while the text is typed, and holds again', async () => {
    const page = await admitted();
    await go(page, 'Try');
    const policy = page.getByRole('textbox', { name: 'Policy' });
    await page.getByText('This is the policy in force.').waitFor();
    const tested = (expected: string) =>
      `${consolePolicy}tests:\n  - { name: nobody, client: { ip: 198.51.100.9 }, expect: ${expected} }\n`;
    await policy.fill(tested('accept'));
    await page.getByText('test "nobody" fails: expected action accept, came reject').waitFor();
    expect(await page.locator('.gutter .failed').innerText()).toBe('7');
    await page.getByText('1 of 1 test in this policy fails.').waitFor();
    await policy.fill(tested('reject'));
    await page.getByText('The test in this policy holds.').waitFor();
    expect(await page.locator('.gutter .failed').count()).toBe(0);
  });

  test('try: recorded sessions from before the start, as many as one wants; what is left out is named', async () => {
    const kept = await startConsoled(undefined, undefined, undefined, 'journal: { dir: journal }\n');
    try {
      writeFileSync(join(kept.folder, 'big.txt'), '192.0.2.1\n'.repeat(500_000));
      writeFileSync(
        join(kept.folder, 'policy.yaml'),
        consolePolicy.replace('iprev: fail', 'client_ip: { list: big.txt }'),
      );
      await kept.service.reload();
      const hour = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 13);
      mkdirSync(join(kept.folder, 'journal'));
      const lines = Array.from({ length: 1_200 }, (_, i) =>
        lineOf({
          id: `old${i}`,
          at: `${hour}:00:${String(i % 60).padStart(2, '0')}.000Z`,
          client: { port: 1_024 + i },
        }),
      );
      writeFileSync(join(kept.folder, 'journal', `${hour}.jsonl`), `garbage\n${lines.join('')}`);
      await kept.client('192.0.2.1');
      const page = await open(`http://127.0.0.1:${kept.port}/#token=${kept.token}`);
      await go(page, 'Try');
      await page.getByText(/^1,201 sessions since .*, from the journal;/).waitFor();
      const gaps = page.getByRole('list', { name: 'What is left out' });
      await gaps.getByText('All of them were recorded without the whole of sender and recipient').waitFor();
      await gaps.getByText('The list big.txt counts as empty here: 4.8 MB').waitFor();
      await gaps.getByText('1 line is left out: no JSON').waitFor();
      const range = page.getByRole('combobox', { name: 'Sessions' });
      await range.selectOption({ label: 'the last 1,000' });
      await page.getByText(/^1,000 sessions since .*, from the journal; older ones are left out/).waitFor();
      await range.selectOption({ label: 'the last hour' });
      await page.getByText(/^1 session since .*, from the journal;/).waitFor();
      await range.selectOption({ label: 'in memory' });
      await page.getByText(/^1 session since .*, in memory since the start;/).waitFor();
    } finally {
      for (const page of pages.splice(0)) await page.context().close();
      await kept.stop();
    }
  });

  test('a client leads to its decisions and to how it would be judged now', async () => {
    const page = await admitted();
    await go(page, 'Clients');
    await page.getByRole('link', { name: '192.0.2.1', exact: true }).click();
    await page.getByText('accept by otherwise').waitFor();
    expect(await text(page)).toContain('custom: "mx" sounds like a sender of mail, "mx.example" is the name');
    await page.goBack();
    await page.getByRole('link', { name: 'mx.example' }).click();
    await page.getByRole('button', { name: '192.0.2.1', exact: true }).waitFor();
    expect(await page.getByRole('searchbox').inputValue()).toBe('mx.example');
  });

  test('explain: an address and a name lead to the tree; nonsense is said so', async () => {
    const page = await admitted();
    await go(page, 'Explain');
    await page.getByLabel('Address').fill('nobody');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('that is not an IP address').waitFor();
    expect(troubles.splice(0).join()).toContain('400');
    await page.getByLabel('Address').fill('192.0.2.4');
    await page.getByLabel('HELO').fill('mx.example');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('tag by unconfirmed').waitFor();
    expect(await text(page)).toContain('mx.example');
  });

  test.each(['light', 'dark'] as const)(
    '%s, on a phone and on a desk: nothing runs out of the screen, and axe finds nothing',
    async (colorScheme) => {
      for (const viewport of [
        { width: 390, height: 844 },
        { width: 1280, height: 800 },
      ]) {
        const page = await admitted({ colorScheme, viewport, bypassCSP: true });
        await page.addScriptTag({ content: axeSource });
        await page.getByRole('button', { name: '192.0.2.5' }).click();
        for (const view of ['Live', 'Clients', 'Rules', 'Try', 'Explain', 'Health']) {
          if (view !== 'Live') await go(page, view);
          if (view === 'Try') await page.getByText('This is the policy in force.').waitFor();
          const wide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
          expect([view, viewport.width, wide <= 0]).toEqual([view, viewport.width, true]);
          const found = await page.evaluate(async () => {
            const { violations } = await (
              globalThis as never as {
                axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
              }
            ).axe.run();
            return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
          });
          expect([view, found]).toEqual([view, []]);
        }
      }
    },
    120_000, // six views, two sizes, each looked at by axe
  );

  test('a service that ends is said', async () => {
    const other = await startConsoled();
    const page = await open(`http://127.0.0.1:${other.port}/#token=${other.token}`);
    await page.getByText('ready').waitFor();
    await other.stop();
    await page.getByRole('status').getByText('service does not answer').waitFor();
    await page
      .getByRole('alert')
      .getByText(/^The service does not answer.* what is shown is from \d\d:\d\d:\d\d\.$/)
      .waitFor();
    for (const one of pages.splice(0)) await one.context().close();
    troubles = []; // the browser's own words on a connection that is refused
  });

  test('README, from npm start to another answer: eight decisions, one rule changed in Try, saved, and the next message hears it', async () => {
    const folder = temporaryFolder();
    const ports = await Promise.all([freePort(), freePort(), freePort(), freePort(), freePort()]);
    const file = (name: string, content: string): string => {
      writeFileSync(join(folder.path, name), content);
      return join(folder.path, name);
    };
    let demo: Running | undefined;
    try {
      const config = [2525, 2526, 2527, 10045, 10047].reduce(
        (moved, port, i) => moved.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${ports[i]}`),
        readFileSync(join(projectFolder, 'deploy/demo/iprevd.yaml'), 'utf8'),
      );
      file('zone.yaml', readFileSync(join(projectFolder, 'deploy/demo/zone.yaml'), 'utf8'));
      file('policy.yaml', readFileSync(join(projectFolder, 'policies/demo.yaml'), 'utf8'));
      const demoConfig = file('demo.yaml', config.replace('policy: demo', 'policy: policy.yaml'));
      demo = start('node', [cli, 'demo', '--config', demoConfig, '--folder', join(folder.path, 'var')]);
      await until('the demo says what next', () => demo?.output().includes('Ctrl-C ends it.') === true);
      const printed = /The console: (http:\S+)/.exec(demo.output())?.[1] ?? '';
      const send = () =>
        play({
          host: '127.0.0.1',
          port: ports[0] ?? 0,
          from: '127.0.0.4',
          proxied: false,
          helo: 'mail.elsewhere.example',
          mail: 'a@elsewhere.example',
          rcpt: ['you@demo.iprevd.example'],
          message: ['Subject: walk', '', 'Hello'],
        });
      const page = await open(printed);
      await until('the eight are there', async () => (await page.locator('table.live tbody tr').count()) === 8);
      await go(page, 'Try');
      const policy = page.getByRole('textbox', { name: 'Policy' });
      await page.getByText('This is the policy in force.').waitFor();
      const before = await policy.inputValue();
      await policy.fill(before.replace('tag: unconfirmed', 'reject: "the name of {ip} does not lead back"'));
      await page
        .getByText('2 of 8 would have been different: 2 newly refused, 2 of them after their mail was taken.')
        .waitFor();
      expect((await send()).rcpt[0]).toMatch(/^250 /);
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('and in force for clients that come now').waitFor();
      expect((await send()).rcpt[0]).toMatch(/^550 5\.7\.25 the name of 127\.0\.0\.4 does not lead back/);
      await go(page, 'Live');
      await until('the refusal is on top', async () =>
        (await page.locator('table.live tbody tr').first().innerText()).includes('reject'),
      );
      expect(readFileSync(join(folder.path, 'policy.yaml~'), 'utf8')).toBe(before);
    } finally {
      for (const page of pages.splice(0)) await page.context().close();
      await demo?.stop();
      folder.remove();
    }
  });
});
