import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  RecordCandlesCommandSchema,
  TradingCommandService,
} from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import type { Candle, CandleInterval } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { deriveUuid } from '../../src/write/ids.ts';
import { formatStart } from './format.ts';
import type { Session } from './session.ts';

export type Series = { readonly instrumentId: string; readonly interval: CandleInterval };

/** What has become of the candles of a file, by their starts. */
export type CandleTally = {
  readonly recorded: Set<bigint>;
  /** They were there before, with the same figures. */
  readonly before: Set<bigint>;
  /** They are there with other figures, which stay: a sentence for each. */
  readonly differing: Map<bigint, string>;
};

const batchSize = 1000;
const pageSize = 500;
const attempts = 20;
const pauseMs = 250;

export function emptyTally(): CandleTally {
  return { recorded: new Set(), before: new Set(), differing: new Map() };
}

/**
 * Records the candles that the series does not have yet, in commands of up to 1,000. A command's id
 * derives from what it records, so that a second import of the same finds its first answer. Keeps
 * the tally as it goes: what is in it is true also where this throws.
 */
export async function importCandles(
  session: Session,
  series: Series,
  candles: readonly Candle[],
  tally: CandleTally,
  onProgress: (done: number) => void,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const missing = await findMissing(session, series, candles, tally);
    try {
      return await record(session, series, missing, tally, onProgress);
    } catch (error) {
      // The view was behind what others, or an earlier import, have recorded: look again.
      if (reasonOf(error) !== 'CANDLE_ALREADY_RECORDED' || attempt === attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** Enters in the tally what the read server knows, and gives what it does not. */
async function findMissing(
  session: Session,
  series: Series,
  candles: readonly Candle[],
  { recorded, before, differing }: CandleTally,
): Promise<readonly Candle[]> {
  const known = await readRecorded(session, series, candles);
  return candles.filter((candle) => {
    if (recorded.has(candle.start) || before.has(candle.start)) return false;
    const there = known.get(candle.start);
    if (there === undefined) return true;
    if (figures(there) === figures(candle)) before.add(candle.start);
    else {
      const time = formatStart(Number(candle.start));
      const message = `${time}: recorded as ${figures(there)}, the file has ${figures(candle)}`;
      differing.set(candle.start, message);
    }
    return false;
  });
}

async function readRecorded(
  session: Session,
  { instrumentId, interval }: Series,
  candles: readonly Candle[],
): Promise<ReadonlyMap<bigint, Candle>> {
  const known = new Map<bigint, Candle>();
  const [first, last] = [candles[0], candles.at(-1)];
  if (first === undefined || last === undefined) return known;
  const queries = session.client(TradingQueryService);
  const from = timestampFromMs(Number(first.start) * 1000);
  const until = timestampFromMs(Number(last.start) * 1000 + 1000);
  let cursor = '';
  do {
    const page = { pageSize, cursor };
    const query = { instrumentId, interval, from, until, page };
    const answer = await queries.listCandles(query, session.limited).catch(noneIfNotFound);
    for (const candle of answer?.candles ?? []) known.set(candle.start, candle);
    cursor = answer?.page?.nextCursor ?? '';
  } while (cursor !== '');
  return known;
}

/** A series that has no candle yet, or that the view does not know yet. */
function noneIfNotFound(error: unknown): undefined {
  if (error instanceof ConnectError && error.code === Code.NotFound) return undefined;
  throw error;
}

async function record(
  session: Session,
  { instrumentId, interval }: Series,
  missing: readonly Candle[],
  tally: CandleTally,
  onProgress: (done: number) => void,
): Promise<void> {
  const commands = session.client(TradingCommandService);
  for (let from = 0; from < missing.length; from += batchSize) {
    onProgress(tally.recorded.size + tally.before.size + tally.differing.size);
    const candles = missing.slice(from, from + batchSize);
    const content = candles.map((candle) => `${candle.start},${figures(candle)}`).join('\n');
    const commandId = deriveUuid(`import candles ${instrumentId} ${interval}`, content);
    const command = create(RecordCandlesCommandSchema, {
      ...{ instrumentId, interval },
      candles: [...candles],
      metadata: { commandId },
    });
    const receipt = await commands.recordCandles(command, session.limited);
    const into = receipt.repeated ? tally.before : tally.recorded;
    for (const { start } of candles) into.add(start);
  }
}

function figures({ open, high, low, close, volume }: Candle): string {
  return [open, high, low, close, volume].join(',');
}

function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof ConnectError)) return undefined;
  return error.findDetails(ErrorInfoSchema)[0]?.reason;
}
