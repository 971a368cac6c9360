import type { StreamEvent } from './events.ts';
import { createRandom } from './random.ts';
import {
  activity,
  candles,
  dayMs,
  instrumentsTraded,
  opened,
  portfolioOf,
  registered,
} from './trading-events.ts';

const startMs = Date.UTC(2022, 0, 1);
const days = 4 * 365;

export const { id: benchPortfolioId } = portfolioOf(0);

/** One portfolio of so many activities over four years, with a price of every day for all it has. */
export function* portfolioLog(activities: number): Generator<StreamEvent> {
  const random = createRandom(4);
  const portfolio = portfolioOf(0);
  const traded = instrumentsTraded(portfolio);
  for (const instrument of traded) yield registered(instrument, startMs);
  yield opened(portfolio, 0, startMs);
  let index = 1;
  let done = 0;
  for (let day = 0; day < days; day += 1) {
    for (const until = Math.round((activities * (day + 1)) / days); done < until; done += 1) {
      const kind = done === 0 ? 0 : 90 + Math.floor(random() * 910);
      yield activity(portfolio, kind, random, index, startMs + day * dayMs + done);
      index += 1;
    }
    for (const instrument of traded) {
      yield candles(instrument, index, startMs + day * dayMs);
      index += 1;
    }
  }
}
