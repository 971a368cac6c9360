import { expect, test } from '@jest/globals';
import type { View } from '../../../../src/projection/kit.ts';
import { positions } from '../../../../src/trading/views/portfolios/positions.ts';
import { tradingViews } from '../../../../src/trading/views.ts';
import { project } from '../../../support/project.ts';
import { createStory } from '../../../support/trading-events.ts';

/** Of a portfolio that is paid into, buys, sells and pays out so often, all in one day. */
function activities(rounds: number) {
  const story = createStory();
  story.instrument('BTC-USD');
  story.strategy('s-1', 'Momentum');
  const portfolio = story.portfolio('p-1');
  const day = Date.parse('2024-01-02');
  const order = { quantity: '1', price: '10', strategyId: 's-1' };
  for (let round = 0; round < rounds; round += 1) {
    const time = new Date(day + round * 1000).toISOString();
    portfolio.deposit('10', time);
    portfolio.buy('BTC-USD', time, order);
    portfolio.sell('BTC-USD', time, order);
    portfolio.withdraw('10', time);
  }
  return story.events;
}

function longest(view: View, events: ReturnType<typeof activities>): number {
  const documents = [...project(view, events).values()];
  return Math.max(0, ...documents.map((document) => JSON.stringify(document).length));
}

// What grows with every event is copied with every event: the square of a busy day. Positions name
// what each of their sales realised, in pages that are shared, not copied.
test('no document grows with the number of activities, but for positions', () => {
  const [some, many] = [activities(250), activities(1_000)];
  const grown = tradingViews
    .filter((view) => view !== positions)
    .map((view) => ({ view: view.name, some: longest(view, some), many: longest(view, many) }))
    .filter((size) => size.many > 1.5 * size.some);
  expect(grown).toEqual([]);
});
