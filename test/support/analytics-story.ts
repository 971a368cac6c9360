import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  AssetClass,
  type CandleInterval,
  Comparator,
  CostBasisMethod,
  Indicator,
  RuleAction,
  TradeSide,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { bitcoinRows } from './bitcoin-candles.ts';
import { uuid } from './query-bus.ts';
import type { ServerProcess } from './server-processes.ts';
import { tradingRule } from './trading-rules.ts';

// What a desk did in the spring of 2015, the same to the last id and time wherever it is played: what
// is asked of it afterwards has to have the same answers.

const { SMA, PRICE } = Indicator;
const { FIFO, LIFO, AVERAGE } = CostBasisMethod;

export const userId = 'local';

/** The candles that the strategy runs live on. */
export const liveRows = bitcoinRows().slice(0, 110);

export const liveRules = [
  tradingRule([SMA, 3], Comparator.CROSSES_ABOVE, [SMA, 8], RuleAction.ENTER_LONG),
  tradingRule([SMA, 3], Comparator.CROSSES_BELOW, [SMA, 8], RuleAction.EXIT_LONG),
];

export const liveCash = '10000';

export const bitcoinTerms = {
  tickSize: '0.01',
  lotSize: '0.00000001',
  minimumOrderSize: '0.0001',
};

/** What was held since the first of March, on the board: name, owner, units, currency. */
export const board = [
  ['Café Crème', 'ann', '1', 'USD'],
  ['Black coffee', 'bob', '5', 'USD'],
  ['Green tea', 'bob', '2', 'USD'],
  ['Mint tea', 'carol', '2', 'USD'],
  ['Mint tee', 'carol', '2', 'USD'],
  ['Water', 'carol', '0', 'USD'],
  ['Espresso', 'dora', '4', 'EUR'],
] as const;

/** More than a document of the view of cash flows has. */
export const hourlyDeposits = 280;

const time = (text: string) => timestampFromMs(Date.parse(text));

/** Sends commands one after the other, by ids that are the same in every telling. */
export function createTeller(write: ServerProcess) {
  const commands = write.client(TradingCommandService);
  let sent = 0;
  const metadata = () => {
    sent += 1;
    return { commandId: uuid(sent) };
  };
  const trade =
    (portfolioId: string) =>
    (side: TradeSide, instrumentId: string, order: readonly [string, string], more: object) =>
      commands.recordTrade({
        ...{ portfolioId, instrumentId, side, quantity: order[0], price: order[1] },
        ...{ metadata: metadata(), ...more },
      });
  return {
    commands,
    metadata,
    register: (instrumentId: string, more: object) =>
      commands.registerInstrument({
        ...{ instrumentId, assetClass: AssetClass.CRYPTO, market: 'example' },
        ...{ baseAsset: instrumentId.slice(0, 3), quoteCurrency: instrumentId.slice(4) },
        ...{ ...bitcoinTerms, metadata: metadata(), ...more },
      }),
    open: async (portfolioName: string, more: object = {}) => {
      const opened = await commands.openPortfolio({
        ...{ userId, portfolioName, baseCurrency: 'USD', costBasisMethod: FIFO },
        ...{ metadata: metadata(), ...more },
      });
      return opened.aggregateId;
    },
    strategy: async (strategyName: string, rules: typeof liveRules, more: object = {}) => {
      const made = await commands.createTradingStrategy({
        ...{ userId, strategyName, rules, metadata: metadata(), ...more },
      });
      const { aggregateId: strategyId } = made;
      await commands.activateTradingStrategy({ strategyId, metadata: metadata() });
      return strategyId;
    },
    deposit: (portfolioId: string, amount: string, at: string | number) => {
      const occurredAt = typeof at === 'string' ? time(at) : timestampFromMs(at);
      return commands.depositCash({ portfolioId, amount, occurredAt, metadata: metadata() });
    },
    withdraw: (portfolioId: string, amount: string, at: string) =>
      commands.withdrawCash({ portfolioId, amount, occurredAt: time(at), metadata: metadata() }),
    /** "quantity at price", when, and by which strategy. */
    buy: (portfolioId: string, instrumentId: string, order: string, at: string, by = '') =>
      trade(portfolioId)(TradeSide.BUY, instrumentId, orderOf(order), {
        ...{ executedAt: time(at), strategyId: by },
      }),
    sell: (portfolioId: string, instrumentId: string, order: string, at: string, by = '') =>
      trade(portfolioId)(TradeSide.SELL, instrumentId, orderOf(order), {
        ...{ executedAt: time(at), strategyId: by },
      }),
    candles: (instrumentId: string, interval: CandleInterval, rows: readonly CandleRow[]) =>
      commands.recordCandles({
        ...{ instrumentId, interval, metadata: metadata() },
        candles: rows.map(({ start, ...figures }) => ({ start: BigInt(start), ...figures })),
      }),
  };
}

export type Teller = ReturnType<typeof createTeller>;

export type CandleRow = (typeof liveRows)[number];

function orderOf(text: string): readonly [string, string] {
  const [quantity = '', price = ''] = text.split(' at ');
  return [quantity, price];
}

/** Buys and sells by hand, some of it for a strategy, money in and out. */
export async function tellMixed(teller: Teller) {
  const holder = await teller.strategy('Holds', [
    tradingRule([PRICE, 0], Comparator.ABOVE, '1', RuleAction.ENTER_LONG),
  ]);
  const id = await teller.open('Mixed bag', { costBasisMethod: LIFO });
  await teller.deposit(id, '10000', '2014-12-10T09:00:00Z');
  await teller.buy(id, 'BTC-USD', '4 at 350', '2014-12-12T10:00:00Z', holder);
  await teller.buy(id, 'ACM-USD', '20 at 90', '2015-01-06T15:00:00Z');
  await teller.buy(id, 'BTC-USD', '2.5 at 210.5', '2015-01-20T10:00:00Z', holder);
  await teller.sell(id, 'BTC-USD', '3 at 221.05', '2015-02-10T10:00:00Z', holder);
  await teller.sell(id, 'ACM-USD', '5 at 91.25', '2015-02-20T15:00:00Z');
  await teller.withdraw(id, '500', '2015-02-25T12:00:00Z');
  await teller.deposit(id, '1000.01', '2015-03-02T12:00:00Z');
  await teller.buy(id, 'ETH-USD', '30 at 12.1', '2015-03-02T13:00:00Z');
  await teller.sell(id, 'BTC-USD', '1 at 290', '2015-03-11T10:00:00Z', holder);
  await teller.sell(id, 'BTC-USD', '0.5 at 240', '2015-03-25T10:00:00Z');
  await teller.sell(id, 'ETH-USD', '30 at 11.5', '2015-03-26T10:00:00Z', holder);
  return { portfolioId: id, strategyId: holder };
}

/** Paid into every ten minutes of a day and a half: hours with many flows each. */
export async function tellHours(teller: Teller): Promise<string> {
  const id = await teller.open('Heures', { costBasisMethod: AVERAGE });
  const start = Date.parse('2015-03-01T01:00:00Z');
  const tenMinutes = 600_000;
  await teller.deposit(id, '1000', start - 3 * tenMinutes);
  const at = (turn: number) => new Date(start + turn * tenMinutes + 1).toISOString();
  for (let turn = 0; turn < hourlyDeposits; turn += 1) {
    await teller.deposit(id, '1.25', start + turn * tenMinutes);
    if (turn === 20) await teller.buy(id, 'ETH-USD', '40 at 12.2', at(turn));
    if (turn === 150) await teller.sell(id, 'ETH-USD', '15 at 12.4', at(turn));
  }
  await teller.withdraw(id, '300.5', '2015-03-03T05:10:00Z');
  return id;
}

/** Portfolios that bought at the same time; some of them the same. */
export async function tellBoard(teller: Teller): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const [name, owner, units, baseCurrency] of board) {
    const id = await teller.open(name, { userId: owner, baseCurrency });
    ids.push(id);
    await teller.deposit(id, '2000', '2015-03-01T12:00:00Z');
    if (units === '0') {
      await teller.deposit(id, '1', '2015-03-05T12:00:00Z');
      continue;
    }
    const instrumentId = `BTC-${baseCurrency}`;
    await teller.buy(id, instrumentId, `${units} at 260`, '2015-03-01T13:00:00Z');
    if (name !== 'Espresso') continue;
    await teller.sell(id, instrumentId, '1 at 300', '2015-03-10T13:00:00Z');
  }
  await teller.open('Empty cup', { userId: 'ann' });
  return ids;
}
