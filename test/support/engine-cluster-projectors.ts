import { setTimeout as delay } from 'node:timers/promises';
import { fromText } from '../../src/engines/elasticsearch/read-models/positions.ts';
import {
  ProjectionService,
  ProjectionState,
} from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { CostBasisMethod } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { isAfter, type Position } from '../../src/kernel/position.ts';
import { eventually } from './clients.ts';
import { ask } from './elasticsearch.ts';
import type { ServerProcess } from './server-processes.ts';

/** What a projector says of itself and of the one that works. */
export async function projectorOf(server: ServerProcess) {
  const { projector, projections } = await server
    .client(ProjectionService)
    .listProjections({}, { timeoutMs: 10_000 });
  if (projector === undefined) throw new Error('it says nothing of itself');
  return { ...projector, projections };
}

/** Every view of it is live. Asks seldom: for the answer every document is counted. */
export async function untilLive(server: ServerProcess): Promise<void> {
  await eventually(async () => {
    const { projections } = await projectorOf(server);
    const behind = projections.find(({ state }) => state !== ProjectionState.LIVE);
    if (behind === undefined) return;
    await delay(200);
    throw new Error(`${behind.view} is in state ${behind.state}`);
  }, 120_000);
}

/** Opens a portfolio. @returns what writes to it, and waits until queries show it, for milliseconds */
export async function startProbe(write: ServerProcess, read: ServerProcess) {
  const commands = write.client(TradingCommandService);
  const queries = read.client(TradingQueryService);
  const { aggregateId: portfolioId } = await commands.openPortfolio({
    ...{ userId: 'local', portfolioName: 'probe', baseCurrency: 'USD' },
    costBasisMethod: CostBasisMethod.FIFO,
  });
  let cash = 0;
  return async (): Promise<number> => {
    const startedAt = performance.now();
    const { consistencyToken } = await commands.depositCash({ portfolioId, amount: '1' });
    cash += 1;
    const consistency = { atLeastAsFreshAs: consistencyToken, patience: { seconds: 30n } };
    const { portfolio } = await queries.getPortfolio({ portfolioId, consistency });
    if (portfolio?.cash !== `${cash}`) throw new Error(`it has ${portfolio?.cash}, not ${cash}`);
    return Math.round(performance.now() - startedAt);
  };
}

export async function untilStandby(server: ServerProcess): Promise<void> {
  await eventually(async () => {
    const { body } = await server.ready();
    if (body.state !== 'standby') throw new Error(JSON.stringify(body));
  }, 60_000);
}

type Entry = { readonly _index: string; readonly _id: string };

/**
 * Looks at entries of live generations as Elasticsearch has them, again and again, until it is
 * stopped: checkpoints and documents whose position must never become an earlier one.
 */
export function watchPositions(entries: readonly Entry[]) {
  const newest = new Map<string, Position>();
  const wrong: string[] = [];
  const end = new AbortController();
  let looks = 0;

  async function look(): Promise<void> {
    const { docs } = (await ask('POST', '/_mget', {
      docs: entries.map((entry) => ({ ...entry, _source: ['at'] })),
    })) as { docs: (Entry & { _source?: { at: string } })[] };
    looks += 1;
    for (const [i, { _index, _id, _source }] of docs.entries()) {
      if (_source === undefined) continue;
      // The alias, not the generation that is behind it now.
      const key = `${entries[i]?._index}/${_id}`;
      const at = fromText(_source.at);
      if (at === undefined) throw new Error(`${key} is at ${_source.at}`);
      const before = newest.get(key) ?? at;
      if (isAfter(before, at)) wrong.push(`${key} is at ${_source.at}, of ${_index}`);
      else newest.set(key, at);
    }
  }

  const watching = (async () => {
    while (!end.signal.aborted) {
      await look();
      await delay(20);
    }
  })();
  // Whoever stops it hears of it.
  watching.catch(() => undefined);
  return {
    wrong,
    looks: () => looks,
    /** How many of the entries have been there. */
    seen: () => newest.size,
    stop: async () => {
      end.abort();
      await watching;
    },
  };
}
