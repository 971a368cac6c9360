import { Code, ConnectError } from '@connectrpc/connect';
import { NothingChangedSchema } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import type { BadRow } from './csv-file.ts';
import type { InstrumentRow } from './instrument-file.ts';
import type { Session } from './session.ts';

export type InstrumentTally = {
  registered: number;
  /** They were registered before, with the same terms. */
  before: number;
  readonly refused: BadRow[];
};

/**
 * Registers instruments one by one. One that is refused does not stop the others; a server that is
 * away does, and the tally says how far it came.
 */
export async function importInstruments(
  session: Session,
  rows: readonly InstrumentRow[],
  tally: InstrumentTally,
  onProgress: (done: number) => void,
): Promise<void> {
  const commands = session.client(TradingCommandService);
  for (const [done, { line, command }] of rows.entries()) {
    onProgress(done);
    try {
      const { repeated, events } = await commands.registerInstrument(command, session.limited);
      const isNew = !repeated && events.some(({ type }) => type !== NothingChangedSchema.typeName);
      if (isNew) tally.registered += 1;
      else tally.before += 1;
    } catch (error) {
      if (!isAboutRow(error)) throw error;
      tally.refused.push({ line, value: command.instrumentId, rule: error.rawMessage });
    }
  }
}

/** The other rows may fare better. */
function isAboutRow(error: unknown): error is ConnectError {
  if (!(error instanceof ConnectError)) return false;
  const codes = [Code.InvalidArgument, Code.AlreadyExists, Code.FailedPrecondition];
  return codes.includes(error.code);
}
