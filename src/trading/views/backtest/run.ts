import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  BacktestTradeReasonSchema,
  type BacktestTradeSchema,
  type EquityPointSchema,
  type RunBacktestAnswerSchema,
} from '../../../gen/cipherhorizon/trading/v1/backtest_pb.ts';
import { TradeSideSchema } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { type Decimal, isZero, toText } from '../../../kernel/decimal.ts';
import type { Reader } from '../../../read/kit.ts';
import { createBacktest, type EquityPoint } from '../../model/backtest.ts';
import type { BacktestTrade } from '../../model/backtest-account.ts';
import { amountText } from '../amounts.ts';
import { secondsPerDay } from '../days.ts';
import { enumOf } from '../enums.ts';
import { createDailyEquity, createDrawdown } from './curve.ts';
import { candleOf, readCandles } from './read-candles.ts';
import { toResult } from './result.ts';
import type { Prepared } from './setup.ts';

export type Part = NonNullable<MessageInitShape<typeof RunBacktestAnswerSchema>['part']>;

/** Candles between two turns of others: some milliseconds. */
const slice = 250;
const tradesPerPage = 500;
const pointsPerPage = 1000;

/**
 * The parts of the answer behind the first, as they come; an `undefined` is where others have their
 * turn. No more than a page of the equity curve is kept: of it, the days are, and all trades.
 */
export async function* runParts(
  reader: Reader,
  prepared: Prepared,
): AsyncGenerator<Part | undefined> {
  const { instrument, interval, period, setup, warmUpCandles } = prepared;
  const until = (period.to + 1) * secondsPerDay;
  const span = { from: Math.max(0, setup.from - warmUpCandles * interval.seconds), until };
  const backtest = createBacktest(setup);
  const days = createDailyEquity(period.from, setup.cash);
  const toPoint = createDrawdown(setup.cash);
  const trades: BacktestTrade[] = [];
  let told = 0;
  let points: MessageInitShape<typeof EquityPointSchema>[] = [];
  let firstOpen: Decimal | undefined;
  let last: EquityPoint | undefined;
  let held = 0;
  let since = 0;

  for await (const rows of readCandles(reader, instrument.instrumentId, interval, span)) {
    for (const row of rows) {
      const candle = candleOf(row, interval);
      const { trades: done, point } = backtest.next(candle);
      trades.push(...done);
      if (point !== undefined) {
        days.add(point);
        points.push(toPoint(point));
        firstOpen ??= candle.open;
        last = point;
        if (!isZero(point.position)) held += 1;
      }
      since += 1;
      if (since < slice) continue;
      since = 0;
      yield undefined;
      if (points.length < pointsPerPage) continue;
      yield { case: 'equity', value: { points } };
      points = [];
    }
    yield progressOf(rows.at(-1)?.[0], setup.from, until, backtest.counts().candles, trades.length);
    while (trades.length - told >= tradesPerPage) {
      yield tradesPart(trades.slice(told, told + tradesPerPage));
      told += tradesPerPage;
    }
  }
  if (told < trades.length) yield tradesPart(trades.slice(told));
  if (points.length > 0) yield { case: 'equity', value: { points } };
  const ran = { counts: backtest.counts(), trades, days: days.days, firstOpen, last, held };
  yield { case: 'result', value: toResult(prepared, ran) };
}

function progressOf(
  at: number | undefined,
  from: number,
  until: number,
  candles: number,
  trades: number,
): Part | undefined {
  if (at === undefined) return undefined;
  const done = Math.min(1, Math.max(0, (at - from) / (until - from)));
  return { case: 'progress', value: { done, candles: BigInt(candles), trades: BigInt(trades) } };
}

function tradesPart(trades: readonly BacktestTrade[]): Part {
  return { case: 'trades', value: { trades: trades.map(toTrade) } };
}

function toTrade(trade: BacktestTrade): MessageInitShape<typeof BacktestTradeSchema> {
  return {
    number: trade.number,
    side: enumOf(TradeSideSchema, trade.side),
    quantity: toText(trade.quantity),
    price: toText(trade.price),
    fee: toText(trade.fee),
    executedAt: BigInt(trade.at),
    reason: enumOf(BacktestTradeReasonSchema, trade.reason),
    cash: amountText(trade.cash),
    position: toText(trade.position),
  };
}
