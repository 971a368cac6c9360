import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import {
  createElasticsearchReadModelStore,
  createElasticsearchReadModels,
  type ElasticsearchOptions,
} from '../../src/engines/elasticsearch/read-models.ts';
import { startProxy } from '../support/elasticsearch-proxy.ts';

jest.setTimeout(60_000);

const pemFile = resolve(import.meta.dirname, '../unit/transport/localhost.pem');

/** What the server is told of who asks. */
async function authorizationOf(auth: NonNullable<ElasticsearchOptions['auth']>) {
  await using proxy = await startProxy();
  const options = { url: proxy.url, indexPrefix: 'access', requestTimeoutMs: 10_000, auth };
  await using store = createElasticsearchReadModelStore(options);
  await store.generations();
  return proxy.authorizations;
}

describe('access', () => {
  test('by API key, by name and password', async () => {
    expect(await authorizationOf({ apiKey: 'abc=' })).toEqual(['ApiKey abc=']);
    const basic = Buffer.from('reader:secret').toString('base64');
    const auth = { username: 'reader', password: 'secret' };
    expect(await authorizationOf(auth)).toEqual([`Basic ${basic}`]);
  });

  test.each([401, 403])(
    'that is refused with %i is a fault without the credentials',
    async (status) => {
      await using proxy = await startProxy();
      const error = { type: 'security_exception', reason: 'unable to authenticate user [reader]' };
      proxy.decide(() => ({ status, body: { error, status } }));
      const auth = { username: 'reader', password: 'secret' };
      const options = { url: proxy.url, indexPrefix: 'access', requestTimeoutMs: 10_000, auth };
      await using store = createElasticsearchReadModelStore(options);
      const fault = await store.generations().catch((reason: unknown) => reason);
      expect(fault).toMatchObject({ code: 'STORE_FAILED' });
      expect(String(fault)).toContain('the credentials are refused or not enough');
      expect(JSON.stringify(fault) + String((fault as Error).cause)).not.toContain('secret');
    },
  );

  test('over TLS, where the CA is known', async () => {
    const pem = readFileSync(pemFile);
    const server = createServer({ key: pem, cert: pem }, (_, response) => {
      const json = 'application/vnd.elasticsearch+json;compatible-with=8';
      response.writeHead(200, { 'content-type': json, 'x-elastic-product': 'Elasticsearch' });
      response.end('{}');
    });
    await new Promise<void>((listening) => {
      server.listen(0, '127.0.0.1', () => listening());
    });
    try {
      const { port } = server.address() as AddressInfo;
      const url = `https://localhost:${port}`;
      const options = { url, indexPrefix: 'access', requestTimeoutMs: 10_000 };
      await using trusting = createElasticsearchReadModelStore({ ...options, caFile: pemFile });
      expect(await trusting.generations()).toEqual([]);
      await using doubting = createElasticsearchReadModelStore(options);
      const fault = await doubting.generations().catch((reason: unknown) => reason);
      expect(fault).toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(String(fault)).toMatch(/self-signed certificate/);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('to what is not Elasticsearch is told so', async () => {
    await using proxy = await startProxy('another product');
    proxy.decide(() => ({ status: 200, body: {} }));
    const options = { url: proxy.url, indexPrefix: 'access', requestTimeoutMs: 10_000 };
    await using models = createElasticsearchReadModels(options);
    const model = { name: 'things', schema: {} };
    const fault = await models.progress(model).catch((reason: unknown) => reason);
    expect(fault).toMatchObject({ code: 'STORE_FAILED' });
    expect(String(fault)).toContain('what answers there is not Elasticsearch');
  });

  test('speaks as a client of version 8, which servers of 8 and 9 understand', async () => {
    await using proxy = await startProxy();
    const options = { url: proxy.url, indexPrefix: 'access', requestTimeoutMs: 10_000 };
    await using models = createElasticsearchReadModels(options);
    const model = { name: 'things', schema: {} };
    await expect(models.progress(model)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    for (const accepted of proxy.accepted) expect(accepted).toMatch(/compatible-with=8/);
  });
});
