/** What the exit code of every command means; `--help` says the same. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** A sentence for the user instead of a stack trace, and the exit code. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: ExitCode;

  constructor(message: string, exit: ExitCode = exitCode.failed, options?: ErrorOptions) {
    super(message, options);
    this.exit = exit;
  }
}
