import type { JsonObject } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { ConfigError } from '../../src/config/environment.ts';
import { BadRequestSchema, ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { CliError, type ExitCode, exitCode } from './exit-codes.ts';
import { oneLine } from './text.ts';

export type Described = {
  readonly exit: ExitCode;
  readonly lines: readonly string[];
  readonly json: JsonObject;
};

export type ErrorContext = {
  /** That was called last. */
  readonly server?: { readonly name: string; readonly url: string } | undefined;
  /** Where the local key was looked for. */
  readonly dataDirectory?: string | undefined;
};

/** What an error means to whoever typed the command. */
export function describeError(error: unknown, context: ErrorContext = {}): Described {
  if (error instanceof ConnectError) return describeStatus(error, context);
  if (error instanceof CliError) return plain(error.exit, error.message);
  if (error instanceof ConfigError) return plain(exitCode.usage, error.message);
  const { code } = error as NodeJS.ErrnoException;
  const message = error instanceof Error ? error.message : String(error);
  return plain(exitCode.failed, code === undefined ? `internal error: ${message}` : message);
}

function plain(exit: ExitCode, message: string): Described {
  const lines = message.split('\n').map((line) => line.trimEnd());
  return { exit, lines, json: { error: { message } } };
}

function describeStatus(error: ConnectError, context: ErrorContext): Described {
  const status = Code[error.code]?.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  const info = error.findDetails(ErrorInfoSchema)[0];
  if (info === undefined || info.reason === 'RPC_UNKNOWN')
    return withoutReason(error, status ?? '', context);
  const violations = error
    .findDetails(BadRequestSchema)
    .flatMap(({ fieldViolations }) => fieldViolations);
  const fields = violations.map(({ field, reason, description }) => ({
    ...{ field, rule: reason, message: description },
  }));
  const [first] = fields;
  const isFirstField = error.rawMessage === `${first?.field}: ${first?.message}`;
  const isAway = error.code === Code.Unavailable;
  const isFault = error.code === Code.Internal || error.code === Code.DataLoss;
  const exit = isAway ? exitCode.unreachable : isFault ? exitCode.failed : exitCode.refused;
  const what = isAway ? 'not available' : isFault ? 'failed' : 'refused';
  return {
    exit,
    lines: [
      `${what}: ${info.reason} (${status})`,
      ...(isFirstField ? [] : [oneLine(error.rawMessage)]),
      ...fields
        .filter(({ message }) => message !== error.rawMessage)
        .map(({ field, rule, message }) => oneLine(`  ${field}: ${message} [${rule}]`)),
      ...Object.entries(info.metadata).map(([key, value]) => `  ${key}: ${oneLine(value)}`),
      ...(error.code === Code.Unauthenticated ? tokenHints(context) : []),
    ].filter((line) => line.trim() !== ''),
    json: {
      error: {
        ...{ code: info.reason, status: status ?? '', message: error.rawMessage },
        ...{ fields, metadata: info.metadata },
      },
    },
  };
}

function tokenHints({ dataDirectory = '' }: ErrorContext): string[] {
  return [
    'A token comes from --token, from HORIZON_TOKEN, or by the local key that `up`',
    `has made in the data directory (CIPHERHORIZON_DATA_DIR, now ${dataDirectory}).`,
  ];
}

/** No server of ours has answered, or it has broken. */
function withoutReason(error: ConnectError, status: string, { server }: ErrorContext): Described {
  const where = server === undefined ? 'the server' : `the ${server.name} server at ${server.url}`;
  const json = (message: string): JsonObject => ({ error: { status, message } });
  const away = (message: string, ...hints: string[]): Described => ({
    ...{ exit: exitCode.unreachable, lines: [message, ...hints], json: json(message) },
  });
  switch (error.code) {
    case Code.Unavailable:
    case Code.Aborted:
    case Code.Canceled:
      return away(
        `cannot reach ${where}: ${oneLine(error.rawMessage)}`,
        '`npm start` starts the servers; --help names the options for their addresses.',
      );
    case Code.DeadlineExceeded:
      return away(`${where} did not answer in time (--timeout)`);
    case Code.Unimplemented:
      return away(`${where} does not serve this call: is the address right?`);
    default: {
      const message = `${where} failed: ${oneLine(error.rawMessage)} (${status})`;
      return { exit: exitCode.failed, lines: [message], json: json(message) };
    }
  }
}
