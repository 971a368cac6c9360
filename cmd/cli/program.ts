import { Command, CommanderError, Option } from 'commander';
import type { Environment } from '../../src/config/environment.ts';
import { addAnalysisCommands } from './analysis.ts';
import { durationArgument, urlArgument } from './arguments.ts';
import { addBacktestCommand } from './backtest.ts';
import { addCallCommand } from './call.ts';
import type { Bind, Cli } from './cli.ts';
import { addCommandLog } from './command-log.ts';
import { describeError } from './errors.ts';
import { addEventCommands } from './events.ts';
import { exitCode } from './exit-codes.ts';
import { addImportCommands } from './import.ts';
import { addLeaderboardCommand } from './leaderboard.ts';
import { createOutput, type Streams } from './output.ts';
import { addPerformanceCommand } from './performance.ts';
import { addPortfolioCommand } from './portfolio.ts';
import { addProcessCommands } from './processes.ts';
import { addProjectionCommands } from './projection.ts';
import { addRunsCommand } from './runs.ts';
import { openSession, type Session, type SessionOptions } from './session.ts';
import { addSignalsCommand } from './signals.ts';
import { addStrategiesCommand } from './strategies.ts';
import { addTokenCommand } from './token.ts';
import { addUpCommand } from './up.ts';

type GlobalOptions = Omit<SessionOptions, 'timeoutMs'> & {
  readonly json?: true;
  readonly timeout: number;
};

const epilogue = `
Exit codes:
  0  done
  1  it failed, or a comparison found differences, or a part was not taken
  2  the command line or the configuration is wrong
  3  a server cannot be reached, or is not available now
  4  refused; the code, the reason and the fields at fault are printed

Environment: HORIZON_WRITE_URL, HORIZON_READ_URL, HORIZON_PROJECTOR_URL,
HORIZON_TOKEN, CIPHERHORIZON_DATA_DIR (where the local key is), NO_COLOR.
DEBUG=1 shows stack traces.`;

/** Runs one command line and gives its exit code. Writes to the streams alone; throws nothing. */
export async function runCli(
  args: readonly string[],
  env: Environment,
  streams: Streams,
): Promise<number> {
  let exit: number = exitCode.ok;
  const program = createProgram(streams, (action) => async (...given) => {
    const command = given.at(-1) as Command;
    exit = await runAction(command, env, streams, (cli) =>
      action(cli, ...(given.slice(0, -1) as never[])),
    );
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exit;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  }
}

async function runAction(
  command: Command,
  env: Environment,
  streams: Streams,
  action: (cli: Cli) => Promise<unknown>,
): Promise<number> {
  const { json, timeout, ...options } = command.optsWithGlobals<GlobalOptions>();
  const output = createOutput(streams, json === true);
  let session: Session | undefined;
  try {
    session = openSession(env, { ...options, timeoutMs: timeout });
    const code = await action({ env, streams, session, output });
    return typeof code === 'number' ? code : exitCode.ok;
  } catch (error) {
    const described = describeError(error, {
      server: session?.lastServer(),
      dataDirectory: session?.config.dataDirectory,
    });
    if (output.json) output.note(JSON.stringify(described.json));
    else for (const line of described.lines) output.remark(line);
    if (env.DEBUG === '1') output.note((error as Error).stack ?? String(error));
    return described.exit;
  } finally {
    session?.[Symbol.dispose]();
  }
}

function createProgram({ stdout, stderr }: Streams, bind: Bind): Command {
  const program = new Command('horizon')
    .description('CipherHorizon: commands, queries and operations')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      getOutHelpWidth: () => 80,
      getErrHelpWidth: () => 80,
    })
    .configureHelp({ showGlobalOptions: true, minWidthToWrap: 20 })
    .showHelpAfterError('(--help says more)')
    .option('--json', 'JSON instead of tables: one document, or one a line')
    .addOption(new Option('--token <jwt>', 'bearer token (HORIZON_TOKEN; else by the local key)'))
    .addOption(urlOption('write'))
    .addOption(urlOption('read'))
    .addOption(urlOption('projector'))
    .addOption(
      new Option('--timeout <duration>', 'how long to wait for an answer')
        .argParser(durationArgument)
        .default(30_000, '30s'),
    )
    .addHelpText('after', epilogue);
  addUpCommand(program, bind);
  addTokenCommand(program, bind);
  addImportCommands(program, bind);
  addCallCommand(program, bind);
  addStrategiesCommand(program, bind);
  addPortfolioCommand(program, bind);
  addPerformanceCommand(program, bind);
  addSignalsCommand(program, bind);
  addAnalysisCommands(program, bind);
  addLeaderboardCommand(program, bind);
  addBacktestCommand(program, bind);
  addRunsCommand(program, bind);
  addCommandLog(program, bind);
  addProcessCommands(program, bind);
  addProjectionCommands(program, bind);
  addEventCommands(program, bind);
  return program;
}

function urlOption(server: string): Option {
  return new Option(`--${server}-url <url>`, `HTTP address of the ${server} server`)
    .env(`HORIZON_${server.toUpperCase()}_URL`)
    .argParser(urlArgument);
}
