import { afterEach } from '@jest/globals';
import { uuid } from './query-bus.ts';
import { sharedData } from './shared-data.ts';
import { temporaryFolder } from './temporary.ts';
import { createStory } from './trading-events.ts';
import { startTradingRead, startTradingReadInMemory } from './trading-read.ts';

export type Story = ReturnType<typeof createStory>;
export type Ask = ReturnType<typeof startTradingReadInMemory>['ask'];

export const portfolioId = uuid(1);

/** Both places that documents can be in; what is asked of them must be answered alike. */
export const engines = ['SQLite', 'memory'] as const;

/** Starts query buses, and stops them after each test of the file. */
export function analysisReads() {
  const folder = temporaryFolder();
  const stop: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of stop.splice(0)) await end();
  });
  return async (engine: (typeof engines)[number], { events }: Story): Promise<Ask> => {
    if (engine === 'memory') return startTradingReadInMemory(events).ask;
    const bus = await startTradingRead(folder, events);
    stop.push(() => bus[Symbol.asyncDispose]());
    return bus.ask;
  };
}

/** By day: of the shared candles of BTC-USD. */
export function bitcoinCloses(): readonly (readonly [day: string, close: string])[] {
  return sharedData('market/btcusd-daily.csv')
    .trim()
    .split('\n')
    .map((line) => {
      const [time = '', , , , close = ''] = line.split(',');
      return [`${time.slice(0, 4)}-${time.slice(4, 6)}-${time.slice(6, 8)}`, close] as const;
    });
}

/** 1 BTC, bought at the first close of 2016 and held. */
export function buyAndHold(): Story {
  const story = createStory();
  const closes = bitcoinCloses();
  story.instrument('BTC-USD');
  story.candles('BTC-USD', closes);
  const price = closes.find(([day]) => day === '2016-01-01')?.[1] ?? '';
  const portfolio = story.portfolio(portfolioId);
  portfolio.deposit(price, '2016-01-01T00:00:00Z');
  portfolio.buy('BTC-USD', '2016-01-01T00:00:00Z', { quantity: '1', price });
  return story;
}
