import { type DestinationStream, destination, type Level, pino } from 'pino';
import type { Log } from '../kernel/telemetry.ts';

export type LogLevel = Level | 'silent';

export type ProcessLog = Log & {
  /** Writes out what is still buffered. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

// Nobody logs a secret on purpose; this is for objects that are logged whole, by the names that they
// would be logged under. (A wildcard would triple the cost of every line.)
const secrets = ['password', 'newPassword', 'token', 'authorization', 'secret', 'privateKey'];
const holders = ['command', 'query', 'request', 'payload', 'headers'];

/**
 * The structured log of a process, one JSON object a line. Lines are gathered and written in the
 * background, at the latest after half a second; what is left goes out when the process exits, or
 * by disposing.
 * @param target a file, appended to; or standard output (1) or error (2)
 */
export function createLog(options: {
  readonly name: string;
  readonly level: LogLevel;
  readonly target?: string | 1 | 2;
}): ProcessLog {
  const { name, level, target = 1 } = options;
  const sink = destination({
    dest: target,
    sync: false,
    minLength: 4096,
    periodicFlush: 500,
    mkdir: true,
  });
  const log = createLogTo(sink, name, level);
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        sink.once('close', resolve);
        sink.end();
      }),
  };
}

/** The same log over any stream. */
export function createLogTo(stream: DestinationStream, name: string, level: LogLevel): Log {
  const paths = [
    ...secrets,
    ...holders.flatMap((holder) => secrets.map((secret) => `${holder}.${secret}`)),
  ];
  return pino({ name, level, redact: { paths, censor: '[redacted]' } }, stream);
}
