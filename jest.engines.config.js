import process from 'node:process';
import common from './jest.config.js';

/** Which tests of test/engines need what. */
const needs = [
  [/^elasticsearch/, ['ELASTICSEARCH_URL']],
  [/^eventstoredb/, ['EVENTSTORE_URL']],
  [/^both-story/, ['EVENTSTORE_URL', 'ELASTICSEARCH_URL']],
  [/^both-writers/, ['EVENTSTORE_URL', 'ELASTICSEARCH_URL']],
  [/^both-projectors/, ['EVENTSTORE_URL', 'ELASTICSEARCH_URL']],
  [/^both-failures/, ['ELASTICSEARCH_LAUNCHER']],
  [/^esdbclient/, ['ESDBCLIENT_PYTHON']],
];

const names = [...new Set(needs.flatMap(([, variables]) => variables))];
const isSet = (name) => (process.env[name] ?? '') !== '';
if (!names.some(isSet)) {
  throw new Error(`no engine to test: set one of ${names.join(', ')}`);
}
const missing = needs.filter(([, variables]) => !variables.every(isSet));
for (const [pattern, variables] of missing) {
  console.warn(
    `NOT RUN: test/engines/${pattern.source.slice(1)}*: it needs ${variables.join(' and ')}`,
  );
}

/** What `npm run test:engines` runs: the tests over the real engines that the environment names. */
/** @type {import('jest').Config} */
export default {
  ...common,
  testMatch: ['<rootDir>/test/engines/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    ...missing.map(([pattern]) => `<rootDir>/test/engines/${pattern.source.slice(1)}`),
  ],
  maxWorkers: 1,
};
