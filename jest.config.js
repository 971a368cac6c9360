/** What `npm test` runs: nothing of it needs a server that is not started by the tests themselves. */
/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/engines/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types.cjs' },
  // The e2e tests each start servers of their own: two at a time keep a small machine responsive.
  maxWorkers: 2,
  // What hangs is found; what is slow because the machine has other work to do passes.
  testTimeout: 30_000,
};
