import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { Config } from '../../src/config/config.ts';
import { localAudience, localIssuer, openLocalKey } from '../../src/transport/local-key.ts';
import { nodeOptions } from '../node-options.ts';
import type { ServerName } from '../services.ts';
import { stopSignal } from '../stop-signals.ts';
import { durationArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { allRoles, localSubject } from './credentials.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { isServing } from './health-check.ts';
import { addressText, findAddresses, type ServerAddresses, variableOf } from './ports.ts';
import { readableLog } from './server-log.ts';
import { StartFailure, supervise } from './supervise.ts';
import { printWelcome } from './welcome.ts';

const scripts: { readonly [server in ServerName]: string } = {
  write: resolve(import.meta.dirname, '../write-server.ts'),
  projector: resolve(import.meta.dirname, '../projector.ts'),
  read: resolve(import.meta.dirname, '../read-server.ts'),
};
const names = Object.keys(scripts) as ServerName[];

const startMs = 60_000;
const lookAgainMs = 100;
/** What a server may take to stop beyond its calls in flight. */
const stopMarginMs = 3000;
const tokenTtlSeconds = 24 * 3600;

export function addUpCommand(program: Command, bind: Bind): void {
  program
    .command('up')
    .description('run the three servers with embedded engines, until Ctrl-C')
    .addOption(
      new Option('--ready-within <duration>', 'how long a start may take')
        .argParser(durationArgument)
        .default(startMs, '60s'),
    )
    .action(bind(runUp));
}

async function runUp(cli: Cli, { readyWithin }: { readonly readyWithin: number }): Promise<number> {
  const { session, output, streams } = cli;
  const { config } = session;
  const addresses = await findAddresses(config.servers);
  const key = await openLocalKey(config.dataDirectory);
  const env = serverEnvironment(cli, addresses, key.publicKeyFile);
  const isTerminal = streams.stderr.isTTY === true;
  const stop = new AbortController();
  stopSignal().addEventListener('abort', () => {
    if (!stop.signal.aborted) output.note('stopping');
    stop.abort();
  });
  // What servers say while they start is told when they have, or why one has not.
  const held: string[] = [];
  let isUp = false;
  const tell = (line: string): void => output.note(isTerminal ? readableLog(line) : line);
  const servers = names.map((name) =>
    supervise({
      ...{ name, script: scripts[name], nodeOptions: nodeOptions[name], env },
      signal: stop.signal,
      patienceMs: config.limits.shutdownMs + stopMarginMs,
      onLine: (line) => (isUp ? tell(line) : void held.push(line)),
      onNote: output.note,
    }),
  );
  const ended = Promise.all(servers.map((server) => server.ended));
  try {
    await Promise.race([untilServing(addresses, config, readyWithin, stop.signal), ended]);
    if (!stop.signal.aborted) {
      isUp = true;
      for (const { trust } of servers) trust();
      for (const line of held) tell(line);
      const claims = { subject: localSubject, roles: allRoles, ttlSeconds: tokenTtlSeconds };
      const token = config.authentication === undefined ? await key.signToken(claims) : undefined;
      printWelcome(output, { config, addresses, token });
    }
    return (await ended).some(({ wasKilled }) => wasKilled) ? exitCode.failed : exitCode.ok;
  } catch (error) {
    throw error instanceof StartFailure ? startError(error) : error;
  } finally {
    stop.abort();
    await Promise.allSettled(servers.map((server) => server.ended));
  }
}

/** Servers take tokens of the local key, unless the environment names keys of its own. */
function serverEnvironment(
  { env, session }: Cli,
  addresses: ServerAddresses,
  publicKeyFile: string,
): NodeJS.ProcessEnv {
  const variables: NodeJS.ProcessEnv = { LOG_LEVEL: 'warn', ...env };
  for (const name of names) {
    variables[variableOf(name, 'grpc')] = addressText(addresses[name].grpc);
    variables[variableOf(name, 'http')] = addressText(addresses[name].http);
  }
  if (session.config.authentication !== undefined) return variables;
  return {
    ...variables,
    AUTH_KEY_FILE: publicKeyFile,
    AUTH_ISSUER: localIssuer,
    AUTH_AUDIENCE: localAudience,
  };
}

async function untilServing(
  addresses: ServerAddresses,
  { tls }: Config,
  withinMs: number,
  signal: AbortSignal,
): Promise<void> {
  const until = Date.now() + withinMs;
  let waiting = names;
  while (!signal.aborted) {
    const states = await Promise.all(
      waiting.map((name) => isServing(addresses[name].grpc, tls !== undefined)),
    );
    waiting = waiting.filter((_, at) => states[at] !== true);
    if (waiting.length === 0) return;
    if (Date.now() > until) {
      throw new CliError(`not ready within ${withinMs / 1000} s: ${waiting.join(', ')}`);
    }
    await sleep(lookAgainMs);
  }
}

function startError({ message, lastLines }: StartFailure): CliError {
  const lines = lastLines.map((line) => `  ${readableLog(line)}`);
  return new CliError(
    [message, ...(lines.length > 0 ? ['Its last lines:'] : []), ...lines].join('\n'),
  );
}
