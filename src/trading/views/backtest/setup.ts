import { create } from '@bufbuild/protobuf';
import type {
  FillAssumptions,
  RunBacktestQuery,
} from '../../../gen/cipherhorizon/trading/v1/backtest_pb.ts';
import { CandleInterval, IndicatorSchema } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { type Strategy, StrategySchema } from '../../../gen/cipherhorizon/trading/v1/queries_pb.ts';
import { decimal, isPositive, toText } from '../../../kernel/decimal.ts';
import { isRejection, type Rejection, rejectField } from '../../../kernel/rejection.ts';
import { notFound, type Reader } from '../../../read/kit.ts';
import { type BacktestSetup, defaultGoodForCandles } from '../../model/backtest.ts';
import { defaultFillModel, type FillModel } from '../../model/fills.ts';
import { indicatorMethod } from '../../model/indicators.ts';
import { riskLimitsOf } from '../../model/risk.ts';
import { memoryOfRules, termsOf } from '../../model/rules.ts';
import { type Interval, intervalOf } from '../candles/intervals.ts';
import { dayText, secondsPerDay } from '../days.ts';
import { nameOf } from '../enums.ts';
import { type InstrumentDocument, instruments } from '../instruments/instruments.ts';
import { askedPeriod, type Period } from '../performance/period.ts';
import type { Found } from '../reading.ts';
import { toStrategy } from '../strategies/strategy-document.ts';
import { runPeriod } from './period.ts';

/** All that a run needs but its candles. */
export type Prepared = {
  readonly strategy: Strategy;
  readonly instrument: InstrumentDocument;
  readonly interval: Interval;
  readonly period: Period;
  readonly warmUpCandles: number;
  readonly setup: BacktestSetup;
};

const defaults = { cash: '10000', fraction: '1' };

export async function prepare(
  query: RunBacktestQuery,
  reader: Reader,
  found: Found,
): Promise<Prepared | Rejection> {
  const asked = askedPeriod(query);
  if (isRejection(asked)) return asked;
  const amounts = amountsOf(query);
  if (isRejection(amounts)) return amounts;
  const { instrumentId } = query;
  const instrument = (await reader.get(instruments, instrumentId))?.document as
    | InstrumentDocument
    | undefined;
  if (instrument === undefined) return notFound('instrument', instrumentId);
  const interval = intervalOf(intervalAsked(query));
  const period = await runPeriod(reader, instrumentId, interval, asked);
  if (isRejection(period)) return period;
  const strategy = create(StrategySchema, toStrategy(found));
  const setup: BacktestSetup = {
    rules: strategy.rules,
    limits: riskLimitsOf(strategy.riskProfile),
    model: fillModelOf(query.fills),
    instrument: {
      tickSize: decimal(instrument.tickSize),
      lotSize: decimal(instrument.lotSize),
      minimumOrderSize: decimal(instrument.minimumOrderSize),
    },
    ...amounts,
    goodForCandles: query.goodForCandles || defaultGoodForCandles,
    from: period.from * secondsPerDay,
  };
  const warmUpCandles = memoryOfRules(strategy.rules);
  return { strategy, instrument, interval, period, warmUpCandles, setup };
}

function intervalAsked({ interval }: RunBacktestQuery): CandleInterval {
  return interval || CandleInterval.CANDLE_INTERVAL_1D;
}

function amountsOf({ initialCash, fraction }: RunBacktestQuery) {
  const amounts = {
    cash: decimal(initialCash || defaults.cash),
    fraction: decimal(fraction || defaults.fraction),
  };
  if (!isPositive(amounts.cash)) return refuseZero('INITIAL_CASH_INVALID', 'initial_cash');
  if (!isPositive(amounts.fraction)) return refuseZero('FRACTION_INVALID', 'fraction');
  return amounts;
}

function refuseZero(code: string, field: string): Rejection {
  return rejectField(code, field, `${field} is 0; it has to be over 0`);
}

function fillModelOf(asked: FillAssumptions | undefined): FillModel {
  const fraction = (text: string | undefined, otherwise: FillModel['feeRate']) =>
    text === undefined || text === '' ? otherwise : decimal(text);
  const { feeRate, slippage, rejectionRate } = defaultFillModel;
  const participation = asked?.participation ?? '';
  return {
    feeRate: fraction(asked?.feeRate, feeRate),
    slippage: fraction(asked?.slippage, slippage),
    ...(participation !== '' && { participation: decimal(participation) }),
    delayCandles: asked?.delayCandles ?? 0,
    rejectionRate: fraction(asked?.rejectionRate, rejectionRate),
    seed: asked?.seed ?? '',
  };
}

/** What is run, with all that the query left open filled in. */
export function toStarted(query: RunBacktestQuery, prepared: Prepared) {
  const { strategy, instrument, period, setup, warmUpCandles } = prepared;
  const { participation, ...model } = setup.model;
  const used = new Set(termsOf(strategy.rules).map(({ indicator }) => indicator));
  return {
    strategyId: strategy.strategyId,
    strategyName: strategy.strategyName,
    instrumentId: instrument.instrumentId,
    interval: intervalAsked(query),
    currency: instrument.quoteCurrency,
    from: dayText(period.from),
    to: dayText(period.to),
    initialCash: toText(setup.cash),
    fraction: toText(setup.fraction),
    fills: {
      feeRate: toText(model.feeRate),
      slippage: toText(model.slippage),
      participation: participation === undefined ? '' : toText(participation),
      delayCandles: model.delayCandles,
      rejectionRate: toText(model.rejectionRate),
      seed: model.seed,
    },
    rules: strategy.rules,
    ...(strategy.riskProfile && { riskProfile: strategy.riskProfile }),
    indicators: [...used].map((indicator) => ({
      indicator,
      method:
        indicatorMethod[nameOf(IndicatorSchema, indicator) as keyof typeof indicatorMethod] ?? '',
    })),
    warmUpCandles,
    goodForCandles: setup.goodForCandles ?? defaultGoodForCandles,
  };
}
