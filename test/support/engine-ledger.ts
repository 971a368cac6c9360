import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import type { CommandReceipt } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';

/** What clients saw, by what they did and the status with its reason: how often. */
export type Seen = Map<string, number>;

/** What clients of one load after another have seen. */
export type Ledger = {
  /** Each command once, by its id. */
  readonly acknowledged: Map<string, CommandReceipt>;
  readonly refusals: Seen;
  readonly queryFaults: Seen;
};

export type TryOptions = { readonly timeoutMs: number };

/** How long a client waits for an answer before it asks again. */
export const tryOptions: TryOptions = { timeoutMs: 5_000 };

/** After these the same may be sent again: the store or the server was away, or nobody answered. */
const passing = [Code.Unavailable, Code.DeadlineExceeded, Code.Aborted];

/** Notes an error that passes by itself. @throws any other */
function note(seen: Seen, error: unknown): void {
  if (!(error instanceof ConnectError)) throw error;
  const [info] = error.findDetails(ErrorInfoSchema);
  const key = `${Code[error.code]} ${info?.reason ?? '-'}`;
  seen.set(key, (seen.get(key) ?? 0) + 1);
  if (!passing.includes(error.code)) throw error;
}

export type Asking = ReturnType<typeof createAsking>;

/** How clients behave that want their commands done and their questions answered. */
export function createAsking({ acknowledged, refusals, queryFaults }: Ledger) {
  let longestWaitMs = 0;
  let answers = 0;

  /** The same command, with the same id, until it is acknowledged. @throws what does not pass */
  async function send(
    command: (metadata: { commandId: string }, options: TryOptions) => Promise<CommandReceipt>,
  ): Promise<CommandReceipt> {
    const metadata = { commandId: randomUUID() };
    const startedAt = performance.now();
    for (;;) {
      try {
        const receipt = await command(metadata, tryOptions);
        acknowledged.set(metadata.commandId, receipt);
        longestWaitMs = Math.max(longestWaitMs, performance.now() - startedAt);
        return receipt;
      } catch (error) {
        note(refusals, error);
        await delay(20 + 200 * Math.random());
      }
    }
  }

  /** An answer that is not there is noted. @throws what is wrong in one, and what does not pass */
  async function ask(question: (options: TryOptions) => Promise<void>): Promise<void> {
    try {
      await question(tryOptions);
      answers += 1;
    } catch (error) {
      note(queryFaults, error);
      await delay(500);
    }
  }

  return { send, ask, answers: () => answers, longestWaitMs: () => longestWaitMs };
}
