import { Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { runCli } from '../../../cmd/cli/program.ts';
import { widthOf } from '../../../cmd/cli/text.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const env = { CIPHERHORIZON_DATA_DIR: temporaryFolder() };

async function run(...args: string[]) {
  const written = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') =>
    new Writable({
      write: (chunk, _encoding, done) => {
        written[name] += chunk;
        done();
      },
    });
  const streams = { stdout: into('stdout'), stderr: into('stderr') };
  return { exit: await runCli(args, env, streams), ...written };
}

const commands = [
  ...[[], ['up'], ['token'], ['import'], ['import', 'candles'], ['import', 'instruments']],
  ...[['call'], ['strategies'], ['portfolio'], ['performance'], ['command']],
  ...[['backtest'], ['runs']],
  ...[['command', 'list'], ['command', 'replay'], ['projection'], ['projection', 'status']],
  ...[
    ['projection', 'rebuild'],
    ['projection', 'verify'],
    ['projection', 'rollback'],
  ],
  ...[
    ['projection', 'parked'],
    ['projection', 'parked', 'retry'],
    ['events', 'tail'],
  ],
  ['events', 'show'],
];

test.each(commands.map((words) => [words.join(' '), words] as const))(
  'the help of "%s" fits 80 columns',
  async (_, words) => {
    const { exit, stdout, stderr } = await run(...words, '--help');
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: horizon/);
    expect(stdout).toMatch(/--json/);
    for (const line of stdout.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(80);
  },
);

describe('a command line that is wrong is exit code 2', () => {
  test.each([
    ['an unknown command', ['strategy']],
    ['an unknown option', ['strategies', '--colour']],
    ['no id', ['performance']],
    ['an id that is none', ['performance', 'mine']],
    ['a day that is none', ['performance', '018f6f3e-0000-7000-8000-000000000001', '--from', 'x']],
    ['an address that is none', ['strategies', '--read-url', 'localhost']],
    ['an unknown role', ['token', '--roles', 'king']],
    ['an unknown RPC', ['call', 'GetStratgy']],
    ['a request that is no JSON', ['call', 'GetStrategy', '{']],
    [
      'an unknown interval',
      ['import', 'candles', 'x.csv', '--instrument', 'A', '--interval', '2d'],
    ],
  ])('%s', async (_, args) => {
    const { exit, stdout, stderr } = await run(...args);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stderr).not.toBe('');
  });
});

test('errors are JSON too, where JSON is wanted', async () => {
  const { exit, stdout, stderr } = await run(
    'import',
    'candles',
    'no.csv',
    '--instrument',
    'A',
    '--json',
  );
  expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
  expect(JSON.parse(stderr)).toEqual({ error: { message: 'there is no file no.csv' } });
});

test('a token, for a person and for a script', async () => {
  const plain = await run('token', '--subject', 'ana', '--roles', 'user, analyst');
  expect(plain).toMatchObject({ exit: 0, stderr: '' });
  expect(plain.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const { stdout } = await run('token', '--ttl', '90s', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ subject: 'local', ttlSeconds: 90 });
});

test('the RPCs that can be called', async () => {
  const { stdout } = await run('call');
  expect(stdout).toMatch(/^RPC +SERVER +REQUEST$/m);
  for (const line of stdout.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(80);
});
