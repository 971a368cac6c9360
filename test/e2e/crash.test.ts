import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CommandLogService,
  CommandOutcome,
} from '../../src/gen/cipherhorizon/platform/v1/command_log_pb.ts';
import { ProjectionService } from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { CostBasisMethod } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { clientOf, eventually, processesOf } from '../support/clients.ts';
import { startUp, type Up } from '../support/horizon-cli.ts';
import { temporaryFolder } from '../support/temporary.ts';

// CRASH_ROUNDS=200 npm test -- e2e/crash: the whole of it. A few rounds run every time.
const rounds = Number(process.env.CRASH_ROUNDS ?? 6);
const workers = 16;

const folder = temporaryFolder();
let up: Up;
beforeAll(async () => {
  up = await startUp(folder);
}, 60_000);
afterAll(async () => {
  await up.stop('SIGTERM');
}, 30_000);

const names = ['write-server', 'projector', 'read-server'] as const;

async function isServing(): Promise<void> {
  for (const { url } of up.welcome.servers) {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(1_000) });
    if (!answer.ok) throw new Error(`${url} is not ready`);
  }
}

describe('servers that are killed', () => {
  test(
    'lose no acknowledged command, apply none twice, and come back by themselves',
    async () => {
      const commands = clientOf(up, 'write', TradingCommandService);
      const queries = clientOf(up, 'read', TradingQueryService);
      const open = (portfolioName: string) =>
        commands.openPortfolio({
          userId: 'local',
          portfolioName,
          baseCurrency: 'USD',
          costBasisMethod: CostBasisMethod.FIFO,
        });
      const opened = await Promise.all(['a', 'b', 'c', 'd'].map(open));
      const ids = opened.map(({ aggregateId }) => aggregateId);
      const counts = new Map(ids.map((id) => [id, 0]));
      const acknowledged: string[] = [];
      let stop = false;
      const work = async () => {
        while (!stop) {
          const portfolioId = ids[Math.floor(Math.random() * ids.length)] ?? '';
          const metadata = { commandId: randomUUID() };
          // A client that got no answer sends the same command again.
          await eventually(() => commands.depositCash({ portfolioId, amount: '1', metadata }));
          acknowledged.push(metadata.commandId);
          counts.set(portfolioId, (counts.get(portfolioId) ?? 0) + 1);
        }
      };
      const working = Array.from({ length: workers }, work);
      const backAfterMs: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 300));
        const name = names[Math.floor(Math.random() * names.length)] ?? 'projector';
        const pid = await eventually(async () => {
          const found = processesOf(up).get(name);
          if (found === undefined) throw new Error(`${name} is not running`);
          return found;
        });
        process.kill(pid, 'SIGKILL');
        const killedAt = Date.now();
        await eventually(async () => {
          if (processesOf(up).get(name) === pid) throw new Error('it is still there');
          await isServing();
        });
        backAfterMs.push(Date.now() - killedAt);
      }
      stop = true;
      await Promise.all(working);
      expect(acknowledged.length).toBeGreaterThan(rounds);
      console.info(
        `${rounds} kills, ${acknowledged.length} commands, ` +
          `serving again after ${Math.max(...backAfterMs)} ms at most`,
      );

      const last = await commands.depositCash({ portfolioId: ids[0] ?? '', amount: '1' });
      counts.set(ids[0] ?? '', (counts.get(ids[0] ?? '') ?? 0) + 1);
      const consistency = { atLeastAsFreshAs: last.consistencyToken, patience: { seconds: 20n } };
      for (const portfolioId of ids) {
        const answer = await queries.getPortfolio({ portfolioId, consistency });
        expect(answer.portfolio?.cash).toBe(String(counts.get(portfolioId)));
      }
      const log = clientOf(up, 'read', CommandLogService);
      for (const commandId of acknowledged.slice(-20)) {
        const { command } = await log.getCommand({ commandId, consistency });
        expect(command?.outcome).toBe(CommandOutcome.ACCEPTED);
      }
      const projections = clientOf(up, 'projector', ProjectionService);
      for (const { view } of (await projections.listProjections({})).projections) {
        let differences = -1n;
        for await (const step of projections.verifyProjection({ view })) {
          if (step.done) differences = step.differences;
        }
        expect({ view, differences }).toEqual({ view, differences: 0n });
      }
    },
    120_000 + rounds * 10_000,
  );
});
