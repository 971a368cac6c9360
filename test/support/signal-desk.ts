import { randomUUID } from 'node:crypto';
import {
  type DescMessage,
  fromJson,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  ActivateTradingStrategyCommandSchema,
  CreateTradingStrategyCommandSchema,
  DepositCashCommandSchema,
  OpenPortfolioCommandSchema,
  RecordCandlesCommandSchema,
  RegisterInstrumentCommandSchema,
} from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  AssetClass,
  CandleInterval,
  Comparator,
  CostBasisMethod,
  Indicator,
  type RiskProfileSchema,
  RuleAction,
  TradeSide,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { ExecuteTradeSignalCommandSchema } from '../../src/gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import type { RecordedEvent } from '../../src/kernel/event.ts';
import type { Principal } from '../../src/kernel/principal.ts';
import { isRejection } from '../../src/kernel/rejection.ts';
import { orderWrite, signalWrite, tradingWrite } from '../../src/trading/write.ts';
import type { EventStore } from '../../src/write/event-store.ts';
import { accepted, alice, operator, startBus, type TestBus } from './command-bus.ts';

// A user with a portfolio, a strategy and candles, for tests of signals: over the real command bus.

export const day = CandleInterval.CANDLE_INTERVAL_1D;
export const daySeconds = 86_400;
/** The start of the first candle. */
export const firstDay = Date.UTC(2024, 0, 1) / 1000;
export const internal: Principal = { subject: 'alice', roles: ['process'] };
export const venue: Principal = { subject: 'alice', roles: ['venue'] };

export const deskContexts = [tradingWrite, signalWrite, orderWrite];

/** open, high, low, close, volume. */
export type Row = readonly [number, number, number, number, number?];

export type DeskOptions = {
  readonly cash?: string;
  /** That of another desk: one write server. */
  readonly bus?: TestBus;
  readonly risk?: MessageInitShape<typeof RiskProfileSchema>;
};

export async function createDesk(store: EventStore, options: DeskOptions = {}) {
  const { bus = startBus(store, { contexts: deskContexts }) } = options;
  const suffix = randomUUID().slice(0, 8).toUpperCase();
  const instrumentId = `BTC-${suffix}`;
  let candles = 0;

  const register = (id: string) =>
    bus.send(
      RegisterInstrumentCommandSchema,
      {
        ...{ instrumentId: id, assetClass: AssetClass.CRYPTO, baseAsset: 'BTC' },
        ...{ quoteCurrency: 'USD', tickSize: '0.01', lotSize: '0.001', minimumOrderSize: '0.01' },
      },
      operator,
    );
  accepted(await register(instrumentId));
  const opened = await bus.send(OpenPortfolioCommandSchema, {
    ...{ userId: 'alice', portfolioName: 'Desk', baseCurrency: 'USD' },
    costBasisMethod: CostBasisMethod.FIFO,
  });
  const portfolioId = accepted(opened).aggregateId;
  const { cash = '1000' } = options;
  const occurredAt = timestampFromMs((firstDay - daySeconds) * 1000);
  accepted(await bus.send(DepositCashCommandSchema, { portfolioId, amount: cash, occurredAt }));

  const strategy = async (risk: MessageInitShape<typeof RiskProfileSchema> = {}) => {
    const rule = {
      indicator: { indicator: Indicator.RSI, window: 14 },
      comparator: Comparator.BELOW,
      against: { case: 'threshold' as const, value: '30' },
      action: RuleAction.ENTER_LONG,
    };
    const strategyName = randomUUID();
    const made = await bus.send(CreateTradingStrategyCommandSchema, {
      ...{ userId: 'alice', strategyName, rules: [rule], riskProfile: risk },
    });
    const strategyId = accepted(made).aggregateId;
    accepted(await bus.send(ActivateTradingStrategyCommandSchema, { strategyId }));
    return strategyId;
  };
  const strategyId = await strategy(options.risk);

  const desk = {
    bus,
    instrumentId,
    portfolioId,
    strategyId,
    strategy,
    register,
    /** Records the next candles of a series, each a day behind the one before. */
    candles: async (...rows: readonly Row[]) => {
      const recorded = rows.map((row, index) => candleOf(row, candles + index));
      candles += rows.length;
      const command = { instrumentId, interval: day, candles: recorded };
      accepted(await bus.send(RecordCandlesCommandSchema, command, operator));
    },
    execute: (
      more: MessageInitShape<typeof ExecuteTradeSignalCommandSchema> = {},
      by: Principal = alice,
    ) =>
      bus.send(
        ExecuteTradeSignalCommandSchema,
        {
          ...{ userId: 'alice', strategyId, portfolioId, instrumentId, side: TradeSide.BUY },
          ...{ interval: day, size: { case: 'quantity', value: '1' }, execution: free },
          ...more,
        } as MessageInitShape<typeof ExecuteTradeSignalCommandSchema>,
        by,
      ),
    send: async <Desc extends DescMessage>(
      schema: Desc,
      command: MessageInitShape<Desc>,
      by: Principal = internal,
    ): Promise<readonly string[] | string> => {
      const outcome = await bus.send(schema, command, by);
      if (isRejection(outcome)) return outcome.code;
      const names = outcome.events.map(({ type }) => short(type));
      return names.filter((name) => name !== 'NothingChanged');
    },
    /** All events of a stream, as messages of one type. */
    events: async <Desc extends DescMessage>(
      stream: string,
      schema: Desc,
    ): Promise<readonly MessageShape<Desc>[]> =>
      (await read(store, stream))
        .filter(({ type }) => type === schema.typeName)
        .map(({ data }) => fromJson(schema, data as never)),
    names: async (stream: string) => (await read(store, stream)).map(({ type }) => short(type)),
  };
  return desk;
}

export type Desk = Awaited<ReturnType<typeof createDesk>>;

/** Neither fee nor slippage: prices are those of the candles. */
export const free = { feeRate: '0', slippage: '0' };

export function candleOf([open, high, low, close, volume = 1000]: Row, index: number) {
  const texts = { open: `${open}`, high: `${high}`, low: `${low}`, close: `${close}` };
  return { start: BigInt(firstDay + index * daySeconds), ...texts, volume: `${volume}` };
}

function short(type: string): string {
  return type.split('.').at(-1) ?? '';
}

async function read(store: EventStore, stream: string): Promise<readonly RecordedEvent[]> {
  const found: RecordedEvent[] = [];
  for await (const event of store.read(stream)) found.push(event);
  return found;
}
