import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readConfig } from '../../../src/config/config.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { makeSecrets, servers } from './deployment.ts';

// What docker-compose.yml gives to the servers is what they read, and all right to them.

const secrets = join(temporaryFolder(), 'secrets');

test.each(servers)('%s is configured as it reads its environment', (_, service) => {
  makeSecrets(secrets);
  const asked = new Set<string>();
  const values = Object.entries(service.environment ?? {}).map(([name, value]) => [
    name,
    value.replace('/run/secrets', secrets).replace(/\$\{\w+:-(.*)\}/, '$1'),
  ]);
  const environment = new Proxy(Object.fromEntries(values) as NodeJS.ProcessEnv, {
    get: (target, name) => {
      asked.add(String(name));
      return target[String(name)];
    },
  });
  const config = readConfig(environment);
  const ofNode = ['NODE_OPTIONS'];
  const given = Object.keys(service.environment ?? {});
  expect(given.filter((name) => !ofNode.includes(name) && !asked.has(name))).toEqual([]);
  // No embedded store: what is in a container of ours is not kept.
  expect(config.eventStore.engine).toBe('eventstoredb');
  expect(config.readStore.engine).toBe('elasticsearch');
  expect(config.authentication).toBeDefined();
});
