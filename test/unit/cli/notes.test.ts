import { execFileSync } from 'node:child_process';
import { Writable } from 'node:stream';
import { create } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { createOutput } from '../../../cmd/cli/output.ts';
import { noteMore } from '../../../cmd/cli/pages.ts';
import { errorLines, formatLag, pastErrorLine, standbyLine } from '../../../cmd/cli/projection.ts';
import {
  ProjectionStatusSchema,
  ProjectorStatusSchema,
} from '../../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';

function keep() {
  let said = '';
  const stream = new Writable({
    write: (chunk, _, done) => {
      said += String(chunk);
      done();
    },
  });
  return { stream, said: () => said };
}

test('the cursor to go on with fits on 80 columns, and is whole where it is pasted', () => {
  for (const nextCursor of ['abc', 'WyJY_-'.repeat(40)]) {
    const { stream, said } = keep();
    noteMore(createOutput({ stdout: stream, stderr: stream }, false), { nextCursor });
    const [first = '', ...pasted] = said().trimEnd().split('\n');
    for (const line of [first, ...pasted]) expect(line.length).toBeLessThanOrEqual(80);
    const echoed = execFileSync('sh', ['-c', `printf '%s|' ${pasted.join('\n').trim()}`]);
    expect(String(echoed)).toBe(`--cursor|${nextCursor}|`);
  }
});

test('a name in a heading moves no cursor', () => {
  const { stream, said } = keep();
  createOutput({ stdout: stream, stderr: stream }, false).heading(
    '\u001b]0;pwn\u0007a\u001b[31m\u202eb',
  );
  expect(said()).toBe('ab\n');
});

test('an error that several views have stands once', () => {
  const status = (view: string, lastError: string, second = 0) =>
    create(ProjectionStatusSchema, {
      ...{ view, lastError, lastErrorAt: { seconds: BigInt(second) } },
    });
  const away = 'the store is away';
  expect(errorLines([status('a', away, 1), status('b', away, 3), status('c', away, 2)])).toEqual([
    'all views: last error 1970-01-01 00:00:03: the store is away',
  ]);
  const some = [status('a', away, 1), status('b', ''), status('c', away), status('d', 'full')];
  expect(errorLines(some)).toEqual([
    'a, c: last error 1970-01-01 00:00:01: the store is away',
    'd: last error 1970-01-01 00:00:00: full',
  ]);
  expect(errorLines([status('a', '')])).toEqual([]);
});

test('what is over is not told as what is wrong', () => {
  const lastErrorAt = { seconds: 3n };
  const live = create(ProjectorStatusSchema, { lastError: 'the store is away', lastErrorAt });
  expect(pastErrorLine(live)).toBe('over: an error 1970-01-01 00:00:03: the store is away');
});

test('a projector that stands by says who works', () => {
  const projector = create(ProjectorStatusSchema, { name: 'b:50053', worker: 'a:50053' });
  expect(standbyLine(projector)).toBe('b:50053 stands by: a:50053 works');
  expect(standbyLine({ ...projector, worker: '' })).toBe('b:50053 stands by: nobody works');
});

test('a lag that nobody counts is not told as none', () => {
  expect([formatLag(-1n), formatLag(0n), formatLag(12_345n)]).toEqual(['-', '0', '12,345']);
});
