// Tests run from their TypeScript sources as ES modules; types are checked by tools/test.mjs, not here.

import { availableParallelism } from 'node:os';

export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['babel-jest', { presets: [['@babel/preset-typescript', { onlyRemoveTypeImports: true }]] }] },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Most of the time a suite waits, for a mail server or a browser: two at once on two cores, where jest would run one.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/tools/tally.mjs'],
};
