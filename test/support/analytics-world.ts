import { tellInstruments, tellMarkets } from './analytics-markets.ts';
import type { Asked } from './analytics-questions.ts';
import { tellRun } from './analytics-run.ts';
import { createTeller, tellBoard, tellHours, tellMixed } from './analytics-story.ts';
import { createServers } from './server-processes.ts';

/** The three servers over some engines, and the story of a desk played on them. */
export async function playAnalytics(folder: string, environment: NodeJS.ProcessEnv) {
  const servers = createServers(folder, { LOG_LEVEL: 'warn', ...environment }, 120_000);
  try {
    const [write, projector, read] = await Promise.all([
      servers.start('write'),
      servers.start('projector'),
      servers.start('read'),
    ]);
    const teller = createTeller(write);
    await tellInstruments(teller);
    const live = await tellRun(teller, write, read);
    await tellMarkets(teller);
    const mixed = await tellMixed(teller);
    const hours = await tellHours(teller);
    const boardIds = await tellBoard(teller);
    const { consistencyToken } = await live.stop();
    const asked: Asked = {
      ...{ mixed: mixed.portfolioId, hours, live: live.portfolioId, runId: live.runId },
      strategies: [mixed.strategyId, live.strategyId],
    };
    return {
      ...{ write, projector, read, teller, asked, boardIds },
      crossover: live.strategyId,
      /** As fresh as the end of the story. */
      consistency: { atLeastAsFreshAs: consistencyToken, patience: { seconds: 30n } },
      [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
    };
  } catch (error) {
    await servers[Symbol.asyncDispose]();
    throw error;
  }
}

export type World = Awaited<ReturnType<typeof playAnalytics>>;
