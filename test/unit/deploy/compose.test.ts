import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openLocalKey } from '../../../src/transport/local-key.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { compose, makeSecrets, readText, root, servers } from './deployment.ts';

// docker-compose.yml hangs together, and says to the servers what they understand.

const services = Object.entries(compose.services);
const secrets = join(temporaryFolder(), 'secrets');

describe('the servers', () => {
  test('are the three, and once more each in a cluster', () => {
    const named = servers.map(([name, { profiles = [] }]) => [name, ...profiles].join(' of '));
    expect(named.toSorted()).toEqual([
      ...['projector', 'projector-2 of cluster'],
      ...['read-server', 'read-server-2 of cluster'],
      ...['write-server', 'write-server-2 of cluster'],
    ]);
  });

  test.each(servers)('%s is asked for its health where it listens', (_, service) => {
    const [program, script, address = ''] = service.healthcheck?.test.slice(1) ?? [];
    const [, port] = address.split(':');
    expect(address).toMatch(/^127\.0\.0\.1:/);
    expect([program, script]).toEqual(['node', 'deploy/healthy.mjs']);
    expect(existsSync(join(root, script ?? ''))).toBe(true);
    const listens = Object.entries(service.environment ?? {}).filter(([name]) =>
      name.endsWith('_HTTP_ADDRESS'),
    );
    expect(listens.map(([, own]) => own)).toEqual([`0.0.0.0:${port}`]);
    expect(service.ports?.some((published) => published.endsWith(`:${port}`))).toBe(true);
  });
});

describe('every service', () => {
  const [once, lasting] = [
    services.filter(([, { restart }]) => restart === 'no'),
    services.filter(([, { restart }]) => restart !== 'no'),
  ];

  test('is there to stay, with a limit and a check, or does its work once', () => {
    expect(once.map(([name]) => name).toSorted()).toEqual([
      'elasticsearch-certificates',
      'elasticsearch-user',
      'eventstore-certificates',
      'horizon',
    ]);
    expect(lasting).toHaveLength(16);
  });

  test.each(lasting)('%s', (_, service) => {
    expect(service.restart).toBe('unless-stopped');
    expect(service.mem_limit).toMatch(/^\d+[gm]$/);
    expect(service.healthcheck?.test.length).toBeGreaterThan(1);
  });

  test.each(services)('%s is of one version, and comes to what it names', (_, service) => {
    expect(service.image).toMatch(/:v?\d+\.\d+\.\d+(-[\w-]+)?$/);
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    for (const secret of service.secrets ?? []) expect(compose.secrets).toHaveProperty([secret]);
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('./')) expect(existsSync(join(root, source))).toBe(true);
      else expect(compose.volumes).toHaveProperty([source]);
    }
    const { depends_on: others = {} } = service;
    for (const other of Array.isArray(others) ? others : Object.keys(others)) {
      expect(compose.services).toHaveProperty([other]);
    }
  });

  const scripts = services.flatMap(([name, { entrypoint = [], command = [] }]) =>
    [...entrypoint, ...command].filter((part) => part.includes('\n')).map((text) => [name, text]),
  );

  test.each(scripts)('%s: its shell script is one', (_, text = '') => {
    // What Compose would put in from its own environment has one "$".
    expect(text.replaceAll('$$', '')).not.toContain('$');
    const checked = spawnSync('bash', ['-n', '-c', text.replaceAll('$$', '$')]);
    expect({ status: checked.status, said: checked.stderr.toString() }).toEqual({
      ...{ status: 0, said: '' },
    });
  });

  test('has its secrets from files alone', () => {
    for (const [, { environment = {} }] of services) {
      for (const [name, value] of Object.entries(environment)) {
        if (!/PASSWORD|SECRET|TOKEN|API_KEY/.test(name)) continue;
        expect([name, value]).toEqual([
          expect.stringMatching(/_FILE$/),
          expect.stringMatching(/^\/run\/secrets\//),
        ]);
      }
    }
  });
});

describe('deploy/make-secrets.sh', () => {
  test('makes every file, keeps what is there, and closes the folder', () => {
    makeSecrets(secrets);
    const files = Object.values(compose.secrets).map(({ file }) =>
      file.replace('./deploy/secrets/', ''),
    );
    expect(readdirSync(secrets).toSorted()).toEqual(files.toSorted());
    const contents = () => files.map((file) => readFileSync(join(secrets, file), 'utf8'));
    const first = contents();
    expect(new Set(first).size).toBe(files.length);
    for (const content of first) expect(content.length).toBeGreaterThan(40);
    makeSecrets(secrets);
    expect(contents()).toEqual(first);
    expect(readText('deploy/secrets/.gitignore')).toMatch(/^\*$/m);
  });

  test('makes a key that the CLI signs with', async () => {
    makeSecrets(secrets);
    const publicKey = readFileSync(join(secrets, 'local-key.pub.pem'), 'utf8');
    const { signToken } = await openLocalKey(secrets);
    await signToken({ subject: 'ana', roles: ['user'], ttlSeconds: 60 });
    expect(readFileSync(join(secrets, 'local-key.pub.pem'), 'utf8')).toBe(publicKey);
  });
});

describe('the profiles', () => {
  const of = (profile: string, kind: string) =>
    services.filter(
      ([name, { profiles = [] }]) => profiles.includes(profile) && name.startsWith(kind),
    );

  test('have one node of each store, or three', () => {
    expect(readText('.env')).toMatch(/^COMPOSE_PROFILES=single$/m);
    for (const kind of ['eventstore', 'elasticsearch']) {
      expect(of('single', kind).map(([name]) => name)).toEqual([kind]);
      expect(of('cluster', kind).map(([name]) => name)).toEqual(
        [1, 2, 3].map((n) => `${kind}-${n}`),
      );
    }
  });

  test('have stores that answer to the one name which the servers know', () => {
    for (const kind of ['eventstore', 'elasticsearch']) {
      for (const [, { networks }] of of('cluster', kind)) {
        expect(networks?.default.aliases).toEqual([kind]);
      }
    }
    for (const [, { environment }] of servers) {
      expect(environment?.ELASTICSEARCH_URL).toBe('https://elasticsearch:9200');
    }
    makeSecrets(secrets);
    expect(readFileSync(join(secrets, 'eventstore-url'), 'utf8')).toMatch(/@eventstore:2113\?/);
  });

  test('have nodes that know the others, and keep their own data', () => {
    for (const [name, { environment = {}, volumes = [] }] of of('cluster', 'eventstore')) {
      const others = [1, 2, 3].map((n) => `eventstore-${n}`).filter((other) => other !== name);
      const seeds = others.map((other) => `${other}:2113`).join(',');
      expect(environment).toMatchObject({
        EVENTSTORE_CLUSTER_SIZE: '3',
        EVENTSTORE_GOSSIP_SEED: seeds,
        EVENTSTORE_NODE_HOST_ADVERTISE_AS: name,
        EVENTSTORE_CERTIFICATE_FILE: `/certs/${name}/node.crt`,
      });
      expect(volumes).toContain(`${name}:/var/lib/eventstore`);
    }
    for (const [name, { environment = {}, volumes = [] }] of of('cluster', 'elasticsearch')) {
      const nodes = 'elasticsearch-1,elasticsearch-2,elasticsearch-3';
      expect(environment).toMatchObject({
        'node.name': name,
        'discovery.seed_hosts': nodes,
        'cluster.initial_master_nodes': nodes,
        'xpack.security.http.ssl.key': `certs/${name}/${name}.key`,
      });
      expect(volumes).toContain(`${name}:/usr/share/elasticsearch/data`);
    }
  });
});
