// The pictures in docs/, taken of the demo as `npm start` runs it: node tools/screenshots.mjs <address with token> [folder]. Wants
// Chromium. Some more clients are sent first, so that there is something to see.

import { chromium } from 'playwright-core';
import { play } from '../dist/demo/player.js';

const [address, folder = 'docs'] = process.argv.slice(2);
if (address === undefined) throw new Error('the address that the demo prints, please');

const names = [undefined, 'mail.good.example', 'nobody.example', 'mail.elsewhere.example', 'old.gone.example'];
const often = [1, 1, 1, 1, 2, 3, 3, 4, 1, 1, 3, 1];
for (const i of often) {
  const helo = names[i];
  const to = { host: '127.0.0.1', port: 2525, from: `127.0.0.${i + 1}`, proxied: false };
  await play({
    ...to,
    helo,
    mail: `a@${helo}`,
    rcpt: ['you@demo.iprevd.example'],
    message: ['Subject: hello', '', 'Hello'],
  });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
}

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
const take = async (name, { view, colorScheme = 'light', viewport = { width: 1180, height: 640 } }, prepare) => {
  const context = await browser.newContext({ colorScheme, viewport });
  const page = await context.newPage();
  await page.goto(address);
  await page.getByText('ready', { exact: true }).waitFor();
  await page.getByRole('link', { name: view, exact: true }).click();
  await prepare(page);
  await page.waitForTimeout(700);
  await page.screenshot({ path: `${folder}/${name}.png` });
  await context.close();
};
const change = async (page) => {
  await page.getByText('This is the policy in force.').waitFor();
  const policy = page.getByRole('textbox', { name: 'Policy' });
  const text = await policy.inputValue();
  await policy.fill(text.replace('tag: unconfirmed', 'reject: "the name of {ip} does not lead back"'));
  await policy.evaluate((area) => area.scrollTo(0, 0));
  await page.getByRole('heading', { name: /^Newly refused/ }).waitFor();
};
const open = async (page) => {
  await page.getByRole('button', { name: '127.0.0.3' }).first().click();
};
await take('console-live', { view: 'Live' }, open);
await take('console-try', { view: 'Try' }, change);
await take(
  'console-rules',
  { view: 'Rules', colorScheme: 'dark', viewport: { width: 1180, height: 480 } },
  async (page) => {
    await page.getByRole('row', { name: 'unconfirmed' }).waitFor();
  },
);
await take('console-explain', { view: 'Explain', viewport: { width: 390, height: 720 } }, async (page) => {
  await page.getByLabel('Address').fill('127.0.0.8');
  await page.keyboard.press('Enter');
  await page.getByText('accept by otherwise').waitFor();
});
await browser.close();
