import { expect } from '@jest/globals';
import { createEventStoreDbSource } from '../../src/engines/eventstoredb/store.ts';
import { ProjectionService } from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { causationKey } from '../../src/kernel/event.ts';
import { toToken } from '../../src/kernel/token.ts';
import type { Ledger } from './engine-ledger.ts';
import type { Load } from './engine-load.ts';
import type { ServerProcess } from './server-processes.ts';

/** The log has each acknowledged command once, as its receipt says, and no command besides. */
export async function checkLog(
  connectionString: string,
  { acknowledged }: Ledger,
): Promise<string> {
  await using source = createEventStoreDbSource({ connectionString });
  const stored = new Map<string, string[]>();
  const ids = new Set<string>();
  for await (const { events } of source.readAll()) {
    for (const { id, stream, revision, metadata } of events) {
      if (ids.has(id)) throw new Error(`the event ${id} is in the log twice`);
      ids.add(id);
      // What belongs to strategies' names and to the writing is not told by receipts.
      if (!/^(portfolio|strategy|instrument)-/.test(stream)) continue;
      const command = String(metadata[causationKey]);
      stored.set(command, [...(stored.get(command) ?? []), `${stream}@${revision}`]);
    }
  }
  const told = new Map(
    [...acknowledged].map(([id, { stream, events }]) => [
      id,
      events.map(({ revision }) => `${stream}@${revision}`),
    ]),
  );
  const wrong = [...new Set([...told.keys(), ...stored.keys()])].filter(
    (id) => stored.get(id)?.join() !== told.get(id)?.join(),
  );
  const seen = wrong.map((id) => ({ id, told: told.get(id), stored: stored.get(id) }));
  expect(seen.slice(0, 10)).toEqual([]);
  return toToken((await source.head()).position);
}

/** What queries answer, as fresh as the log is, is the sum of what was acknowledged. */
export async function checkAnswers(read: ServerProcess, load: Load, token: string): Promise<void> {
  const queries = read.client(TradingQueryService);
  const consistency = { atLeastAsFreshAs: token, patience: { seconds: 20n } };
  for (const { id: portfolioId, cash, quantity } of load.portfolios) {
    const { portfolio } = await queries.getPortfolio({ portfolioId, consistency });
    const [position] = portfolio?.positions ?? [];
    expect({ cash: portfolio?.cash, quantity: position?.quantity }).toEqual({
      ...{ cash: `${cash}`, quantity: `${quantity}` },
    });
  }
  const found: string[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page: { pageSize: number; cursor: string } = { pageSize: 500, cursor };
    const question = { userId: 'local', text: load.mark, consistency, page };
    const { hits, page: next } = await queries.searchStrategies(question);
    found.push(...hits.map(({ strategy }) => strategy?.strategyId ?? ''));
    cursor = next?.nextCursor === '' ? undefined : next?.nextCursor;
  }
  expect(found.toSorted()).toEqual([...load.strategies].sort());
}

/** Every view equals what a replay of the log gives. */
export async function checkViews(projector: ServerProcess): Promise<number> {
  const projections = projector.client(ProjectionService);
  const views = (await projections.listProjections({})).projections.map(({ view }) => view);
  const compared = new Map<string, unknown>();
  let documents = 0n;
  for (const view of views) {
    for await (const step of projections.verifyProjection({ view })) {
      if (!step.done) continue;
      const { differences } = step;
      compared.set(view, { differences, documents: step.documents.map((one) => one.documentId) });
      documents += step.documentsCompared;
    }
  }
  const none = { differences: 0n, documents: [] };
  expect(compared).toEqual(new Map(views.map((view) => [view, none])));
  return Number(documents);
}
