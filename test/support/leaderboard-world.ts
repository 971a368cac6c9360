import { toJson } from '@bufbuild/protobuf';
import { file_cipherhorizon_trading_v1_events as eventsFile } from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import { LeaderboardQueryService } from '../../src/gen/cipherhorizon/trading/v1/leaderboards_pb.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { leaderboardRead, tradingRead } from '../../src/trading/read.ts';
import { standings } from '../../src/trading/views/leaderboards/standings.ts';
import { tradingViews } from '../../src/trading/views.ts';
import type { LoggedEvent } from './project.ts';
import { openStores } from './projection.ts';
import { analyst, answered, callOf, startQueryBus } from './query-bus.ts';
import type { createStory } from './trading-events.ts';

/** A story that is written into a log, read models that follow it, and queries over them. */
export function openLeaderboardWorld(folder: string, story: ReturnType<typeof createStory>) {
  const stores = openStores(folder);
  const bus = startQueryBus({
    contexts: [tradingRead, leaderboardRead],
    readModels: stores.models,
  });
  let written = 0;
  /** In their order: the log takes one after the other. */
  const writeNew = async () => {
    const events = story.events.slice(written);
    written = story.events.length;
    await Promise.all(events.map((event) => write(stores, event)));
  };
  return {
    ...stores,
    ...bus,
    startProjector: () => stores.start({ views: tradingViews }),
    /** Writes what the story has told since; waits until every view has it. */
    tell: async () => {
      await writeNew();
      for (const view of tradingViews) await stores.caughtUp(view);
    },
    write: writeNew,
    standingOf: (id: string) => stores.documentOf(standings, id),
    board: async (query: object, call = callOf(analyst)) =>
      answered(await bus.ask(LeaderboardQueryService.method.listLeaderboard, query, call)),
    ask: bus.ask,
  };
}

async function write(
  stores: Pick<ReturnType<typeof openStores>, 'append'>,
  { message, recorded }: LoggedEvent,
): Promise<void> {
  const schema = eventsFile.messages.find(({ typeName }) => typeName === message.$typeName);
  if (schema === undefined) throw new Error(`${message.$typeName} is no event of trading`);
  const { id, type, stream } = recorded;
  const data = toJson(schema, message) as JsonObject;
  await stores.append(stream, { id, type, data, metadata: {} });
}
