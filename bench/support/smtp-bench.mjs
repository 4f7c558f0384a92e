// What all benchmarks in a namespace begin with: options, programs that must be there, a namespace, its DNS, a time limit. Outside the
// namespace it does not return (see smtp-namespace.mjs).

import { parseArgs } from 'node:util';
import { startDns } from './smtp-dns.mjs';
import { provide, smtpNeeds } from './smtp-install.mjs';
import { enterNamespace } from './smtp-namespace.mjs';

const wholeMs = 30 * 60_000;

const commonOptions = {
  rounds: { type: 'string', default: '7' },
  only: { type: 'string', multiple: true, default: [] },
  cli: { type: 'string', multiple: true, default: [] },
  install: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
};

/**
 * `options`: those of this benchmark, `counts`: the most that each option which is a number may be, `clients`: addresses of
 * 198.18.0.0/16 that have names, `programs`: what must be there, see smtp-install.mjs, `elsewhere`: what the DNS says about
 * everything else. Result: the options' values, numbers as numbers, and a folder; `closeDns` ends the DNS.
 */
export async function begin({ options = {}, counts = {}, clients, programs = smtpNeeds, elsewhere }) {
  const { values } = parseArgs({ options: { ...commonOptions, ...options } });
  const numbers = Object.fromEntries(
    Object.entries({ rounds: 1_000, ...counts }).map(([option, max]) => [option, wholeNumber(values, option, max)]),
  );
  provide(values, programs);
  const folder = await enterNamespace();
  setTimeout(() => {
    process.stderr.write(`The benchmark was given up after ${wholeMs / 60_000} minutes; try fewer --rounds.\n`);
    process.exit(1);
  }, wholeMs).unref();
  const dns = await startDns(folder, clients, elsewhere);
  return { values: { ...values, ...numbers }, folder, closeDns: dns.close };
}

function wholeNumber(values, option, max) {
  const number = Number(values[option]);
  if (Number.isInteger(number) && number >= 1 && number <= max) return number;
  process.stderr.write(`--${option} is a number from 1 to ${max}.\n`);
  return process.exit(1);
}
