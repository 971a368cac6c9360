import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { createSqliteReadModels } from '../../src/engines/sqlite/read-models.ts';
import type { ReadModel, ReadModels } from '../../src/read/read-models.ts';
import { temporaryFolder } from '../support/temporary.ts';

const script = fileURLToPath(new URL('../support/read-models-writer.ts', import.meta.url));
const folder = temporaryFolder();

const view: ReadModel = {
  name: 'counters',
  schema: {
    step: { kind: 'integer', filter: true, sort: true },
    title: { kind: 'text', search: 1 },
    tags: { kind: 'keyword', many: true, filter: true },
  },
};

async function startWriter(path: string) {
  const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), closed]);
  return {
    isRunning: () => child.exitCode === null && child.signalCode === null,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

/** The step of all documents: they and the words of one batch are seen together or not at all. */
async function expectOneStep(models: ReadModels): Promise<number> {
  const { position } = await models.progress(view);
  const byStep = { field: 'step', descending: true };
  const { items } = await models.list(view, { where: [], sort: byStep, limit: 20 });
  const steps = new Set(items.map(({ document }) => Number(document.step)));
  expect(items).toHaveLength(10);
  expect(steps.size).toBe(1);
  const [step = 0] = steps;
  expect(BigInt(step)).toBeGreaterThanOrEqual(position.commit);
  const words = { text: 'step all', where: [], facets: [], limit: 20 };
  const hits = (await models.search(view, words)).items;
  expect(hits).toHaveLength(10);
  expect(new Set(hits.map(({ document }) => document.title)).size).toBe(1);
  return step;
}

describe('read models in SQLite, written by another process', () => {
  test('a writer that is killed leaves documents, words and checkpoint of one batch', async () => {
    const path = join(folder, 'killed.db');
    await using models = createSqliteReadModels({ path });
    let last = 0;
    for (let round = 0; round < 10; round += 1) {
      {
        await using writer = await startWriter(path);
        // At another point of its work each time.
        await pause(7 * round);
        expect(writer.isRunning()).toBe(true);
      }
      const step = await expectOneStep(models);
      expect((await models.progress(view)).position.commit).toBe(BigInt(step));
      const where = [{ field: 'step', in: [step] }];
      expect((await models.list(view, { where, limit: 20 })).items).toHaveLength(10);
      const tagged = [{ field: 'tags', in: [`t${step % 3}`] }];
      expect((await models.list(view, { where: tagged, limit: 20 })).items).toHaveLength(10);
      const words = { text: `step${step}`, where: [], facets: [], limit: 20 };
      expect((await models.search(view, words)).items[0]?.score).toBeGreaterThan(2);
      expect(step).toBeGreaterThan(last);
      last = step;
    }
    const database = new Database(path);
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    database.close();
  }, 60_000);

  test('no question fails or sees half a batch while another process writes and rebuilds', async () => {
    const path = join(folder, 'busy.db');
    await using models = createSqliteReadModels({ path });
    await using writer = await startWriter(path);
    const first = (await models.progress(view)).generation;
    let last = 0;
    // Until ten generations have come and gone.
    for (let generation = first; generation < first + 10; ) {
      expect(writer.isRunning()).toBe(true);
      const step = await expectOneStep(models);
      expect(step).toBeGreaterThanOrEqual(last);
      last = step;
      generation = (await models.progress(view)).generation;
      await pause(1);
    }
  }, 60_000);
});
