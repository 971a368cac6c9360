import type { Environment } from '../../src/config/environment.ts';
import type { Output, Streams } from './output.ts';
import type { Session } from './session.ts';

/** What every command has at hand. */
export type Cli = {
  readonly env: Environment;
  readonly streams: Streams;
  readonly session: Session;
  readonly output: Output;
};

type Action = (cli: Cli, ...args: never[]) => Promise<number | undefined>;

/**
 * Makes a commander action of a function that gets the session, the arguments and the options of the
 * command, and gives the exit code: 0 where it is undefined.
 */
export type Bind = (action: Action) => (...args: unknown[]) => Promise<void>;
