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

/** Gives a number as the exit code; without one it is 0. */
export type Action = (cli: Cli, ...args: never[]) => Promise<unknown>;

/** Makes a commander action of ours, which gets the arguments and then the options of its command. */
export type Bind = (action: Action) => (...args: unknown[]) => Promise<void>;
