import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createLog, createLogTo, type LogLevel } from '../../../src/transport/log.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-'));
});
afterEach(() => rm(folder, { recursive: true }));

function written(level: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => {
    lines.push(JSON.parse(line));
  };
  return { lines, log: createLogTo({ write }, 'test', level) };
}

test('a line is one JSON object with its level, name and fields', () => {
  const { lines, log } = written('info');
  log.debug({}, 'too fine');
  log.info({ view: 'candles', lag: 3 }, 'caught up');
  log.error({ err: new Error('no') }, 'failed');
  expect(lines).toMatchObject([
    { level: 30, name: 'test', view: 'candles', lag: 3, msg: 'caught up' },
    {
      level: 50,
      err: { type: 'Error', message: 'no', stack: expect.stringContaining('log.test') },
    },
  ]);
  expect(lines).toHaveLength(2);
});

test('secrets stay out, at the top and in what is logged whole', () => {
  const { lines, log } = written('info');
  const secrets = { password: 'hunter2', token: 'hunter2', authorization: 'Bearer hunter2' };
  log.info({ ...secrets, command: { newPassword: 'hunter2', name: 'kept' } }, 'sent');
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(lines).toMatchObject([{ password: '[redacted]', command: { name: 'kept' } }]);
});

test('what is buffered is written when the log is disposed', async () => {
  const target = join(folder, 'deep', 'server.log');
  {
    await using log = createLog({ name: 'test', level: 'info', target });
    log.info({ n: 1 }, 'one');
  }
  expect(JSON.parse(await readFile(target, 'utf8'))).toMatchObject({ n: 1, msg: 'one' });
});

test('and when the process ends without it', async () => {
  const target = join(folder, 'server.log');
  const source = resolve(import.meta.dirname, '../../../src/transport/log.ts');
  const program = `
    const { createLog } = await import(${JSON.stringify(source)});
    const log = createLog({ name: 'test', level: 'info', target: ${JSON.stringify(target)} });
    for (let n = 0; n < 100; n += 1) log.info({ n }, 'line');
  `;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  expect((await readFile(target, 'utf8')).trim().split('\n')).toHaveLength(100);
});
