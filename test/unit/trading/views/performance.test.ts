import type { MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  AssetClass,
  CandleInterval,
} from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  type GetPortfolioPerformanceQuerySchema,
  type GetPortfolioValueSeriesQuerySchema,
  SeriesBucket,
  TradingQueryService,
} from '../../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { add, decimal, sub, toText } from '../../../../src/kernel/decimal.ts';
import { answered, bob, callOf, refused, uuid } from '../../../support/query-bus.ts';
import { sharedData } from '../../../support/shared-data.ts';
import { temporaryFolder } from '../../../support/temporary.ts';
import { createStory } from '../../../support/trading-events.ts';
import { startTradingRead } from '../../../support/trading-read.ts';

const { method } = TradingQueryService;
const folder = temporaryFolder();
const portfolioId = uuid(1);
const stop: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of stop.splice(0)) await end();
});

type Story = ReturnType<typeof createStory>;

async function read({ events }: Story) {
  const bus = await startTradingRead(folder, events);
  stop.push(() => bus[Symbol.asyncDispose]());
  const query = (more: object) => ({ portfolioId, ...more });
  const performance = async (
    more: MessageInitShape<typeof GetPortfolioPerformanceQuerySchema> = {},
  ) => answered(await bus.ask(method.getPortfolioPerformance, query(more)));
  const series = async (more: MessageInitShape<typeof GetPortfolioValueSeriesQuerySchema> = {}) =>
    answered(await bus.ask(method.getPortfolioValueSeries, query(more)));
  return { ...bus, performance, series };
}

describe('1 BTC, bought at the first close of 2016 and held', () => {
  const oracle = JSON.parse(sharedData('oracles/btcusd-oracle-2016-2017.json'));
  const closes = sharedData('market/btcusd-daily.csv')
    .trim()
    .split('\n')
    .map((line) => {
      const [time = '', , , , close = ''] = line.split(',');
      const day = `${time.slice(0, 4)}-${time.slice(4, 6)}-${time.slice(6, 8)}`;
      return [day, close] as const;
    });

  function buyAndHold() {
    const story = createStory();
    story.instrument('BTC-USD');
    story.candles('BTC-USD', closes);
    const price = closes.find(([day]) => day === '2016-01-01')?.[1] ?? '';
    const portfolio = story.portfolio(portfolioId);
    portfolio.deposit(price, '2016-01-01T00:00:00Z');
    portfolio.buy('BTC-USD', '2016-01-01T23:59:59Z', { quantity: '1', price });
    return story;
  }

  test.each([
    ['both days given', { from: '2016-01-01', to: '2017-12-31' }],
    ['only the last one', { to: '2017-12-31' }],
  ])('has the figures of the oracle: %s', async (_, asked) => {
    const { performance } = await read(buyAndHold());
    const answer = await performance(asked);
    expect(answer).toMatchObject({
      ...{ portfolioId, currency: 'USD', from: '2016-01-01', to: '2017-12-31' },
      ...{ pricedAt: '2017-12-31', annualisationFactor: 365, annualisationBasis: 'ALL_CRYPTO' },
      ...{ startValue: '435.66', endValue: '13863.13', deposits: '0', withdrawals: '0' },
      ...{ gain: '13427.47', dailyReturns: 730, carriedPrices: 0 },
    });
    const figures = {
      cum_return: answer.timeWeightedReturn?.value,
      cagr: answer.cagr?.value,
      annual_volatility: answer.volatility?.value,
      sharpe: answer.sharpe?.value,
      sortino: answer.sortino?.value,
      max_drawdown: answer.maximumDrawdown?.value,
      calmar: answer.calmar?.value,
      var_95: answer.valueAtRisk95?.value,
      cvar_95: answer.conditionalValueAtRisk95?.value,
    };
    for (const [name, value] of Object.entries(figures)) {
      expect([name, value]).toEqual([name, expect.closeTo(oracle[name], 9)]);
    }
    expect(answer.maximumDrawdown).toMatchObject({
      peakDate: oracle.mdd_peak,
      troughDate: oracle.mdd_trough,
      recoveryDate: '2017-08-05',
    });
    // 730 days of 365: the money earns what the time does.
    expect(answer.moneyWeightedReturn?.value).toBeCloseTo(Math.sqrt(1 + oracle.cum_return) - 1, 9);
  });

  test('names the method of every measure', async () => {
    const { performance } = await read(buyAndHold());
    const measures = Object.values(await performance()).flatMap((value) =>
      typeof value === 'object' && 'method' in value ? [value.method] : [],
    );
    expect(measures).toHaveLength(10);
    expect(new Set(measures).size).toBe(10);
    expect(measures).not.toContain('');
  });

  test('goes on to the last recorded price where no end is asked for, and no further', async () => {
    const { performance } = await read(buyAndHold());
    const last = closes.at(-1)?.[0];
    expect(await performance()).toMatchObject({ from: '2016-01-01', to: last, pricedAt: last });
    expect(await performance({ to: '2035-01-01' })).toMatchObject({ to: last });
  });

  test('has the monthly returns of the oracle', async () => {
    const { series } = await read(buyAndHold());
    const { points, currency } = await series({ to: '2017-12-31', bucket: SeriesBucket.MONTH });
    expect(currency).toBe('USD');
    const expected: Record<string, number> = oracle.monthly_returns;
    expect(points.map(({ date }) => date)).toEqual(
      Object.keys(expected).map((month) => `${month}-01`),
    );
    for (const { date, periodReturn } of points) {
      const month = date.slice(0, 7);
      expect([month, periodReturn]).toEqual([month, expect.closeTo(expected[month] as number, 9)]);
    }
    // Also in a series that begins with the month: its base is the day before.
    const alone = await series({
      from: '2016-02-01',
      to: '2016-02-29',
      bucket: SeriesBucket.MONTH,
    });
    expect(alone.points).toEqual([points[1]]);
  });

  test('a yearly rate without risk lowers the ratios by what compounds to it', async () => {
    const { performance } = await read(buyAndHold());
    const asked = { to: '2017-12-31' };
    const answer = await performance({ ...asked, riskFreeRate: '0.1' });
    const daily = 1.1 ** (1 / 365) - 1;
    const lower = (daily * 365) / oracle.annual_volatility;
    expect(answer.sharpe?.value).toBeCloseTo(oracle.sharpe - lower, 9);
    expect(answer.volatility?.value).toBeCloseTo(oracle.annual_volatility, 9);
  });

  test('takes the annualisation factor that is asked for, and only one of the two', async () => {
    const { performance, ask } = await read(buyAndHold());
    const answer = await performance({ to: '2017-12-31', annualisationFactor: 252 });
    expect(answer).toMatchObject({
      ...{ annualisationFactor: 252, annualisationBasis: 'REQUESTED', dailyReturns: 730 },
    });
    const volatility = oracle.annual_volatility * Math.sqrt(252 / 365);
    expect(answer.volatility?.value).toBeCloseTo(volatility, 9);
    const other = { portfolioId, annualisationFactor: 100 };
    expect(refused(await ask(method.getPortfolioPerformance, other)).kind).toBe('INVALID');
  });

  test('is for its owner alone', async () => {
    const { ask } = await read(buyAndHold());
    for (const one of [method.getPortfolioPerformance, method.getPortfolioValueSeries]) {
      const outcome = refused(await ask(one, { portfolioId }, callOf(bob)));
      expect(outcome).toMatchObject({ kind: 'NOT_FOUND', code: 'PORTFOLIO_NOT_FOUND' });
    }
  });
});

describe('flows', () => {
  test('the time-weighted return of the public case: deposits at the start, withdrawals at the end', async () => {
    const oracle = JSON.parse(sharedData('oracles/twr-case.json'));
    const story = createStory();
    story.instrument('X-USD');
    const portfolio = story.portfolio(portfolioId);
    // Gains and fees are the rise and fall of the one unit that is held.
    let price = decimal('5000');
    portfolio.deposit('10000', '2011-12-31T08:00:00Z');
    portfolio.buy('X-USD', '2011-12-31T09:00:00Z', { quantity: '1', price: '5000' });
    const closes = new Map<string, string>([['2011-12-31', '5000']]);
    for (const [date, kind, amount] of oracle.flows.slice(1)) {
      if (kind === 'deposit') portfolio.deposit(amount, `${date}T10:00:00Z`);
      if (kind === 'withdraw') portfolio.withdraw(amount, `${date}T11:00:00Z`);
      if (kind === 'gain') price = add(price, decimal(amount));
      if (kind === 'fee') price = sub(price, decimal(amount));
      closes.set(date, toText(price));
    }
    story.candles('X-USD', [...closes]);
    const { performance, series } = await read(story);
    const answer = await performance();
    expect(answer).toMatchObject({
      ...{ from: '2011-12-31', to: '2012-01-08', startValue: '10000', endValue: oracle.endValue },
      ...{ deposits: '5600', withdrawals: '4097.04', gain: '-906.81', dailyReturns: 8 },
    });
    const total = Number(oracle.accumulated.at(-1));
    expect(Math.abs((answer.timeWeightedReturn?.value ?? 0) - total)).toBeLessThan(
      oracle.tolerance,
    );
    const { points } = await series();
    expect(points.map(({ date }) => date)).toEqual(oracle.dates);
    expect(points[0]?.periodReturn).toBeUndefined();
    for (const [at, { periodReturn = 0 }] of points.entries()) {
      expect(Math.abs(periodReturn - Number(oracle.daily[at]))).toBeLessThan(oracle.tolerance);
    }
  });

  test('the first day is where it starts: its deposits and its gain are in the start value', async () => {
    const story = createStory();
    story.instrument('BTC-USD');
    story.candles('BTC-USD', [
      ['2020-01-01', '110'],
      ['2020-01-02', '121'],
      ['2020-01-03', '121'],
    ]);
    const portfolio = story.portfolio(portfolioId);
    portfolio.deposit('100', '2020-01-01T01:00:00Z');
    portfolio.buy('BTC-USD', '2020-01-01T02:00:00Z', { quantity: '1', price: '100' });
    portfolio.deposit('79', '2020-01-03T23:00:00Z');
    const { performance } = await read(story);
    expect(await performance()).toMatchObject({
      ...{ from: '2020-01-01', startValue: '110', endValue: '200', deposits: '79', gain: '11' },
      ...{ dailyReturns: 2, timeWeightedReturn: { value: expect.closeTo(0.1, 12) } },
    });
    // From a later day on, what came before is in the start value too.
    expect(await performance({ from: '2020-01-02' })).toMatchObject({
      ...{ from: '2020-01-02', startValue: '121', deposits: '79', gain: '0', dailyReturns: 1 },
    });
  });
});

test('the money-weighted return is the rate that all flows were worth', async () => {
  const story = createStory();
  story.instrument('BTC-USD');
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit('1000', '2020-01-01T01:00:00Z');
  portfolio.buy('BTC-USD', '2020-01-01T02:00:00Z', { quantity: '1', price: '1000' });
  portfolio.deposit('500', '2020-06-01T01:00:00Z');
  portfolio.withdraw('200', '2020-09-01T01:00:00Z');
  story.candles('BTC-USD', [
    ['2020-01-01', '1000'],
    ['2020-12-31', '1300'],
  ]);
  const { performance } = await read(story);
  const rate = (await performance()).moneyWeightedReturn?.value ?? Number.NaN;
  const years = (date: string) => (Date.parse(date) - Date.parse('2020-01-01')) / 86_400_000 / 365;
  const flows: [string, number][] = [
    ['2020-01-01', -1000],
    ['2020-06-01', -500],
    ['2020-09-01', 200],
    ['2020-12-31', 1600],
  ];
  const present = flows.map(([date, amount]) => amount / (1 + rate) ** years(date));
  expect(present.reduce((sum, value) => sum + value)).toBeCloseTo(0, 9);
  expect(rate).toBeGreaterThan(0.2);
});

describe('prices', () => {
  test('a close stays until the next one, and such days are counted', async () => {
    const story = createStory();
    story.instrument('BTC-USD');
    story.candles('BTC-USD', [
      ['2019-12-30', '90'],
      ['2020-01-02', '120'],
      ['2020-01-05', '150'],
    ]);
    const portfolio = story.portfolio(portfolioId);
    portfolio.deposit('200', '2020-01-01T01:00:00Z');
    portfolio.buy('BTC-USD', '2020-01-01T02:00:00Z', { quantity: '2', price: '100' });
    portfolio.sell('BTC-USD', '2020-01-06T02:00:00Z', { quantity: '2', price: '150' });
    const { performance, series } = await read(story);
    const { points } = await series();
    expect(points.map(({ value }) => value)).toEqual(['180', '240', '240', '240', '300', '300']);
    expect(points.map(({ cash }) => cash)).toEqual(['0', '0', '0', '0', '0', '300']);
    // On the 6th nothing was held any more.
    expect(await performance()).toMatchObject({ carriedPrices: 3, pricedAt: '2020-01-05' });
    const short = { from: '2020-01-03', to: '2020-01-04' };
    expect(await performance(short)).toMatchObject({ carriedPrices: 2, pricedAt: '2020-01-02' });
  });

  test('before the first close, the price of the last trade stands in', async () => {
    const story = createStory();
    story.instrument('BTC-USD');
    story.candles('BTC-USD', [['2020-01-04', '300']]);
    const portfolio = story.portfolio(portfolioId);
    portfolio.deposit('1000', '2020-01-01T01:00:00Z');
    portfolio.buy('BTC-USD', '2020-01-01T02:00:00Z', { quantity: '1', price: '100' });
    portfolio.buy('BTC-USD', '2020-01-03T02:00:00Z', { quantity: '1', price: '200' });
    const { performance, series } = await read(story);
    const { points } = await series();
    expect(points.map(({ value }) => value)).toEqual(['1000', '1000', '1100', '1300']);
    expect(await performance()).toMatchObject({ carriedPrices: 3, pricedAt: '2020-01-04' });
    const before = await performance({ to: '2020-01-03' });
    expect(before).toMatchObject({ to: '2020-01-03', carriedPrices: 3, pricedAt: '' });
  });

  test('without a candle of the day, the last close of finer ones counts', async () => {
    const story = createStory();
    story.instrument('BTC-USD');
    const hours = CandleInterval.CANDLE_INTERVAL_1H;
    story.candles(
      'BTC-USD',
      [
        ['2020-01-01T05:00:00Z', '100'],
        ['2020-01-01T23:00:00Z', '110'],
        ['2020-01-02T04:00:00Z', '120'],
      ],
      hours,
    );
    story.candles('BTC-USD', [['2020-01-01', '111']]);
    story.candles('BTC-USD', [['2020-01-01T12:00:00Z', '1']], hours);
    story.candles('BTC-USD', [['2020-01-02T03:00:00Z', '2']], hours);
    const portfolio = story.portfolio(portfolioId);
    portfolio.deposit('111', '2020-01-01T01:00:00Z');
    portfolio.buy('BTC-USD', '2020-01-01T02:00:00Z', { quantity: '1', price: '111' });
    const { series, performance } = await read(story);
    expect((await series()).points.map(({ value }) => value)).toEqual(['111', '120']);
    expect(await performance()).toMatchObject({ carriedPrices: 0 });
  });
});

describe('markets that close', () => {
  const friday = '2020-01-03';

  function held(assetClass: AssetClass) {
    const story = createStory();
    story.instrument('ACME-USD', { assetClass });
    story.candles('ACME-USD', [
      ['2020-01-02', '100'],
      [friday, '110'],
      ['2020-01-06', '99'],
      ['2020-01-07', '99'],
    ]);
    const portfolio = story.portfolio(portfolioId);
    portfolio.deposit('100', '2020-01-02T01:00:00Z');
    const order = { quantity: '1', price: '100', assetClass };
    portfolio.buy('ACME-USD', '2020-01-02T02:00:00Z', order);
    return { story, portfolio };
  }

  test('have returns for the days on which they are open: 252 in a year', async () => {
    const { performance } = await read(held(AssetClass.EQUITY).story);
    const answer = await performance();
    expect(answer).toMatchObject({
      ...{ annualisationFactor: 252, annualisationBasis: 'MARKETS_THAT_CLOSE' },
      ...{ dailyReturns: 3, carriedPrices: 2 },
      maximumDrawdown: { value: expect.closeTo(-0.1, 12), peakDate: friday },
    });
    expect(answer.cagr?.value).toBeCloseTo(0.99 ** (252 / 3) - 1, 12);
    const calendar = await performance({ annualisationFactor: 365 });
    expect(calendar).toMatchObject({
      dailyReturns: 5,
      timeWeightedReturn: answer.timeWeightedReturn,
    });
  });

  test('what other instruments gain meanwhile goes into the next such day', async () => {
    const { story, portfolio } = held(AssetClass.EQUITY);
    story.instrument('BTC-USD');
    story.candles('BTC-USD', [
      [friday, '100'],
      ['2020-01-04', '150'],
      ['2020-01-08', '200'],
    ]);
    portfolio.deposit('100', `${friday}T01:00:00Z`);
    portfolio.buy('BTC-USD', `${friday}T02:00:00Z`, { quantity: '1', price: '100' });
    const { performance } = await read(story);
    const answer = await performance();
    // Friday, Monday with the weekend, Tuesday, and Wednesday with a price of the other alone.
    expect(answer).toMatchObject({ annualisationFactor: 252, dailyReturns: 4 });
    const wealth = (210 / 200) * (249 / 210) * (299 / 249);
    expect(answer.timeWeightedReturn?.value).toBeCloseTo(wealth - 1, 12);
  });
});

test('what the first day brought is before the first return, and the answer says so', async () => {
  const story = createStory();
  story.instrument('BTC-USD');
  story.candles('BTC-USD', [['2020-01-01', '110']]);
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit('101', '2020-01-01T01:00:00Z');
  portfolio.buy('BTC-USD', '2020-01-01T02:00:00Z', { quantity: '1', price: '100', fee: '1' });
  portfolio.deposit('10', '2020-01-02T01:00:00Z');
  const { performance } = await read(story);
  expect(await performance()).toMatchObject({
    ...{ startValue: '110', endValue: '120', gain: '0', dailyReturns: 1 },
    dailyReturnMethod: 'FROM_END_OF_FIRST_DAY_DEPOSITS_AT_START_WITHDRAWALS_AT_END',
    timeWeightedReturn: { value: 0, method: 'TWR_DAILY_FROM_END_OF_FIRST_DAY' },
    moneyWeightedReturn: { method: 'XIRR_ACT_365_FROM_END_OF_FIRST_DAY' },
  });
});

describe('what cannot be said', () => {
  test('of a portfolio without activities nothing is measured', async () => {
    const story = createStory();
    story.portfolio(portfolioId);
    const { performance, series } = await read(story);
    const answer = await performance({ from: '2020-01-01' });
    expect(answer).toMatchObject({
      ...{ from: '2020-01-01', to: '', pricedAt: '', startValue: '0', endValue: '0', gain: '0' },
      ...{ dailyReturns: 0, annualisationBasis: 'NOTHING_HELD' },
      timeWeightedReturn: { undefinedReason: 'NO_RETURNS' },
      moneyWeightedReturn: { undefinedReason: 'NO_FLOWS' },
      maximumDrawdown: { undefinedReason: 'NO_RETURNS' },
      calmar: { undefinedReason: 'NO_RETURNS' },
    });
    expect(answer.timeWeightedReturn?.value).toBeUndefined();
    expect((await series()).points).toEqual([]);
  });

  test('cash alone has no variance and no drawdown', async () => {
    const story = createStory();
    const portfolio = story.portfolio(portfolioId);
    portfolio.deposit('100', '2020-01-01T01:00:00Z');
    portfolio.deposit('100', '2020-01-05T01:00:00Z');
    const { performance } = await read(story);
    expect(await performance()).toMatchObject({
      ...{ dailyReturns: 4, timeWeightedReturn: { value: 0 }, endValue: '200', deposits: '100' },
      ...{ annualisationFactor: 252, annualisationBasis: 'NOTHING_HELD', carriedPrices: 0 },
      sharpe: { undefinedReason: 'NO_VARIANCE' },
      sortino: { undefinedReason: 'NO_DOWNSIDE' },
      calmar: { undefinedReason: 'NO_DRAWDOWN' },
      maximumDrawdown: { value: 0, peakDate: '', troughDate: '', recoveryDate: '' },
    });
    // One day: no return, and no time for a rate.
    expect(await performance({ to: '2020-01-01' })).toMatchObject({
      ...{ from: '2020-01-01', to: '2020-01-01', dailyReturns: 0, startValue: '100' },
      volatility: { undefinedReason: 'NO_RETURNS' },
      moneyWeightedReturn: { undefinedReason: 'NO_FLOWS' },
    });
    expect(await performance({ to: '2019-12-31' })).toMatchObject({
      ...{ from: '', to: '2019-12-31', endValue: '0', dailyReturns: 0 },
    });
    expect(await performance({ from: '2021-01-01' })).toMatchObject({
      ...{ from: '2020-01-05', to: '2020-01-05', endValue: '200', dailyReturns: 0 },
    });
  });

  test('days without any capital have no return, and end no chain', async () => {
    const story = createStory();
    const portfolio = story.portfolio(portfolioId);
    portfolio.deposit('100', '2020-01-01T01:00:00Z');
    portfolio.withdraw('100', '2020-01-02T01:00:00Z');
    portfolio.deposit('50', '2020-01-05T01:00:00Z');
    const { performance } = await read(story);
    expect(await performance()).toMatchObject({
      dailyReturns: 2,
      timeWeightedReturn: { value: 0 },
    });
  });

  test.each([
    [{ from: '2023-02-30' }, 'from', "from is '2023-02-30', a day that does not exist"],
    [{ to: '2023-13-01' }, 'to', "to is '2023-13-01', a day that does not exist"],
    [
      { from: '2020-01-02', to: '2020-01-01' },
      'from',
      'from is 2020-01-02, after to, which is 2020-01-01',
    ],
    [
      { from: '1950-01-01', to: '2020-01-01' },
      'from',
      'the period has 25568 days; it can have 50 years at most',
    ],
  ])('the period %j is refused', async (asked, field, message) => {
    const story = createStory();
    story.portfolio(portfolioId).deposit('1', '2020-01-01');
    const { ask } = await read(story);
    for (const one of [method.getPortfolioPerformance, method.getPortfolioValueSeries]) {
      const refusal = refused(await ask(one, { portfolioId, ...asked }));
      expect(refusal).toMatchObject({ kind: 'INVALID', code: 'PERIOD_INVALID', message });
      expect(refusal.fields?.map((one) => one.field)).toEqual([field]);
    }
  });

  test('more than fifty years are refused also where nobody asked for them', async () => {
    const story = createStory();
    const portfolio = story.portfolio(portfolioId);
    portfolio.deposit('1', '1970-01-01');
    portfolio.deposit('1', '2020-01-03');
    const { ask } = await read(story);
    const outcome = refused(await ask(method.getPortfolioPerformance, { portfolioId }));
    expect(outcome.code).toBe('PERIOD_INVALID');
    answered(await ask(method.getPortfolioPerformance, { portfolioId, from: '1970-01-05' }));
  });

  test('a period may begin long before the portfolio: it is as long as what is known', async () => {
    const story = createStory();
    story.portfolio(portfolioId).deposit('1', '2020-01-03');
    const { performance } = await read(story);
    expect(await performance({ from: '1950-01-01' })).toMatchObject({ from: '2020-01-03' });
  });

  test('a rate without risk that loses all is refused', async () => {
    const story = createStory();
    story.portfolio(portfolioId);
    const { ask } = await read(story);
    const query = { portfolioId, riskFreeRate: '-1' };
    const refusal = refused(await ask(method.getPortfolioPerformance, query));
    expect(refusal.code).toBe('RISK_FREE_RATE_INVALID');
  });
});

describe('series', () => {
  test('weeks begin on Monday, months on their first day; a bucket ends with the period', async () => {
    const story = createStory();
    story.instrument('BTC-USD');
    const portfolio = story.portfolio(portfolioId);
    // A Wednesday.
    portfolio.deposit('100', '2020-01-29T01:00:00Z');
    portfolio.buy('BTC-USD', '2020-01-29T02:00:00Z', { quantity: '1', price: '100' });
    portfolio.deposit('50', '2020-02-01T01:00:00Z');
    portfolio.withdraw('20', '2020-02-03T01:00:00Z');
    story.candles('BTC-USD', [
      ['2020-01-29', '100'],
      ['2020-02-01', '150'],
      ['2020-02-04', '180'],
    ]);
    const { series } = await read(story);
    const firstReturn = (150 + 50) / (100 + 50) - 1;
    const secondReturn = ((180 + 30) / (150 + 30)) * 1 - 1;
    const flows = { deposits: '150', withdrawals: '0' };
    expect((await series({ bucket: SeriesBucket.WEEK })).points).toMatchObject([
      {
        ...{ date: '2020-01-27', value: '200', cash: '50', ...flows },
        periodReturn: expect.closeTo(firstReturn, 12),
      },
      {
        ...{ date: '2020-02-03', value: '210', cash: '30', deposits: '0', withdrawals: '20' },
        periodReturn: expect.closeTo(secondReturn, 12),
      },
    ]);
    expect((await series({ bucket: SeriesBucket.MONTH })).points).toMatchObject([
      { date: '2020-01-01', value: '100', deposits: '100', periodReturn: 0 },
      {
        ...{ date: '2020-02-01', value: '210', deposits: '50', withdrawals: '20' },
        periodReturn: expect.closeTo((1 + firstReturn) * (1 + secondReturn) - 1, 12),
      },
    ]);
    const days = (await series({ from: '2020-02-01', to: '2020-02-02' })).points;
    expect(days.map(({ date }) => date)).toEqual(['2020-02-01', '2020-02-02']);
    expect(days[0]?.periodReturn).toBeCloseTo(firstReturn, 12);
  });
});
