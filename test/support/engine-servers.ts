import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { eventually, memoryOf } from './clients.ts';

const run = promisify(execFile);

/** A store that a test may do anything to: a process of its own with data of its own. */
export type EngineServer = AsyncDisposable & {
  readonly url: string;
  readonly start: () => Promise<void>;
  /** SIGKILL; the data stay. */
  readonly kill: () => Promise<void>;
  /** SIGSTOP: it hangs. */
  readonly pause: () => Promise<void>;
  readonly resume: () => Promise<void>;
  /** Resident, bytes; 0 while it does not run. */
  readonly memory: () => number;
};

/**
 * An Elasticsearch beside the one that the other tests use: by the same launcher, which
 * ELASTICSEARCH_LAUNCHER names.
 */
export function ownElasticsearch(folder: string, port: number): EngineServer {
  const launcher = process.env.ELASTICSEARCH_LAUNCHER;
  if (launcher === undefined || launcher === '') {
    throw new Error('ELASTICSEARCH_LAUNCHER has to name what starts an Elasticsearch');
  }
  const major = process.env.ELASTICSEARCH_MAJOR ?? '9';
  const where = ['--port', `${port}`, '--dir', folder, '--heap', '384m', '--major', major];
  // Its processes keep what it was given as its outputs: nobody waits for their end.
  const launch = (command: string) =>
    new Promise<void>((done, failed) => {
      // It starts in half the time, which is what a test that starts it again and again needs most.
      const env = { ...process.env, ES_JAVA_OPTS: '-XX:TieredStopAtLevel=1' };
      const child = spawn(launcher, [command, ...where], { env, stdio: 'ignore' });
      child.on('error', failed);
      child.on('exit', (code) => {
        if (code === 0) done();
        else failed(new Error(`${launcher} ${command} ended with ${code}`));
      });
    });
  const pid = async () => {
    const parent = readFileSync(join(folder, 'pid'), 'utf8').trim();
    return Number((await run('pgrep', ['-P', parent])).stdout.trim().split('\n')[0]);
  };
  let server = 0;
  return {
    url: `http://127.0.0.1:${port}`,
    start: async () => {
      await launch('up');
      server = await pid();
    },
    kill: async () => {
      server = 0;
      await launch('kill');
    },
    pause: () => launch('pause'),
    resume: () => launch('resume'),
    memory: () => (server === 0 ? 0 : memoryOf(server)),
    [Symbol.asyncDispose]: () => launch('clean'),
  };
}

/** cmd/event-store.ts. Its port is given: a free one could be taken by another while it is dead. */
export function ownEventStore(folder: string, port: number): EngineServer {
  const address = `127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  let log = '';
  const start = async () => {
    const started = spawn(process.execPath, [resolve('cmd', 'event-store.ts')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        LOG_LEVEL: 'warn',
        CIPHERHORIZON_DATA_DIR: folder,
        EVENT_STORE_ADDRESS: address,
      },
    });
    child = started;
    started.stderr?.on('data', (chunk) => {
      log = `${log}${chunk}`.slice(-10_000);
    });
    await eventually(async () => {
      if (started.exitCode !== null) return;
      const socket = connect(port, '127.0.0.1');
      try {
        await once(socket, 'connect');
      } finally {
        socket.destroy();
      }
    });
    if (started.exitCode !== null) throw new Error(`the event store has ended: ${log}`);
  };
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
    child = undefined;
  };
  const signal = async (name: NodeJS.Signals) => {
    child?.kill(name);
  };
  return {
    url: `esdb://${address}?tls=false`,
    ...{ start, kill },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    memory: () => (child?.pid === undefined ? 0 : memoryOf(child.pid)),
    [Symbol.asyncDispose]: kill,
  };
}
