import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, jest, test } from '@jest/globals';
import { runHorizon, startUp, type Up } from '../support/horizon-cli.ts';
import { temporaryFolder } from '../support/temporary.ts';

// `horizon up`, which `npm start` is: starts, restarts, stops, and leaves nothing behind.

jest.setTimeout(120_000);

const folder = temporaryFolder();
let up: Up | undefined;

afterEach(async () => {
  if (up?.child.exitCode === null && up.child.signalCode === null) await up.stop('SIGTERM');
  up = undefined;
});

const urlOf = ({ welcome }: Up, server: string): string =>
  welcome.servers.find(({ name }) => name === server)?.url ?? '';

/** Whether somebody listens at the URL. */
function listens(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}

test('what was stored is there after a stop and a start', async () => {
  const data = join(folder, 'kept');
  up = await startUp(data);
  const open = {
    ...{ userId: 'local', portfolioName: 'Savings', baseCurrency: 'USD' },
    costBasisMethod: 'COST_BASIS_METHOD_FIFO',
  };
  const sent = await runHorizon(['call', 'OpenPortfolio', '-'], up.env, JSON.stringify(open));
  const { aggregateId: portfolioId } = JSON.parse(sent.stdout);
  expect(await up.stop('SIGINT')).toBe(0);
  for (const { url } of up.welcome.servers) expect(await listens(url)).toBe(false);

  up = await startUp(data);
  await until(async () => {
    const { exit, stdout } = await runHorizon(['portfolio', portfolioId], up?.env ?? {});
    return exit === 0 && stdout.startsWith('Savings\n');
  });
});

test('a server that dies is started again, where it was', async () => {
  up = await startUp(join(folder, 'restarted'));
  const running = up;
  const before = pidOf(running, 'read-server');
  process.kill(before, 'SIGKILL');
  await until(async () =>
    running.notes().includes('the read server has ended (killed by SIGKILL)'),
  );
  await until(() => listens(urlOf(running, 'read')));
  await until(async () => (await runHorizon(['strategies'], running.env)).exit === 0);
  expect(pidOf(running, 'read-server')).not.toBe(before);
});

function pidOf({ child }: Up, script: string): number {
  return Number(
    execFileSync('pgrep', ['-P', String(child.pid), '-f', script], { encoding: 'utf8' }),
  );
}

test('an address in use is told with the variable that moves it', async () => {
  up = await startUp(join(folder, 'first'));
  const { host } = new URL(urlOf(up, 'write'));
  const env = {
    ...process.env,
    ...{ CIPHERHORIZON_DATA_DIR: join(folder, 'second'), WRITE_HTTP_ADDRESS: host },
    ...{ WRITE_GRPC_ADDRESS: '127.0.0.1:0' },
  };
  const { exit, stderr } = await runHorizon(['up'], env);
  expect(exit).toBe(1);
  expect(stderr).toMatch(new RegExp(`${host} is in use\\.\\nWRITE_HTTP_ADDRESS moves it`));
});

test('the servers stop when `up` is killed', async () => {
  up = await startUp(join(folder, 'orphans'));
  const { welcome } = up;
  await up.stop('SIGKILL');
  for (const { url } of welcome.servers) await until(async () => !(await listens(url)));
});
