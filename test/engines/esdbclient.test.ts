import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { eventStoreServer } from '../support/event-store-server.ts';

const server = eventStoreServer();
const suite = resolve(import.meta.dirname, 'esdbclient_test.py');

test('a client in another language appends, reads, subscribes and deletes', async () => {
  const python = process.env.ESDBCLIENT_PYTHON;
  if (python === undefined) {
    throw new Error('ESDBCLIENT_PYTHON names no Python that has esdbclient of PyPI');
  }
  const env = { ...process.env, EVENTSTORE_URL: `esdb://127.0.0.1:${server.port()}?Tls=false` };
  const { code, told } = await new Promise<{ code: unknown; told: string }>((done) => {
    execFile(python, [suite], { env }, (error, stdout, stderr) =>
      done({ code: error?.code ?? 0, told: stdout + stderr }),
    );
  });

  if (code !== 0) throw new Error(told);
  expect(told).toMatch(/^Ran 16 tests/m);
}, 120_000);
