import { randomUUID } from 'node:crypto';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { CommandLogService } from '../../src/gen/cipherhorizon/platform/v1/command_log_pb.ts';
import { ProjectionService } from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  AssetClass,
  Comparator,
  CostBasisMethod,
  Indicator,
  RuleAction,
  TradeSide,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { createServers, type ServerProcess } from './server-processes.ts';
import { temporaryFolder } from './temporary.ts';

const patience = { seconds: 20n };
const userId = 'local';
const rules = [
  {
    indicator: { indicator: Indicator.SMA, window: 20 },
    comparator: Comparator.CROSSES_ABOVE,
    against: { case: 'threshold' as const, value: '100' },
    action: RuleAction.ENTER_LONG,
  },
];

/** What a user does from the first command to the proof, over real processes and real clients. */
export function describeStory(engines: string, environment: () => NodeJS.ProcessEnv): void {
  describe(`the story over ${engines}`, () => {
    jest.setTimeout(120_000);
    let servers: ReturnType<typeof createServers>;
    let write: ServerProcess;
    let read: ServerProcess;
    let projector: ServerProcess;
    const folder = temporaryFolder();
    const commands = () => write.client(TradingCommandService);
    const queries = () => read.client(TradingQueryService);
    const projections = () => projector.client(ProjectionService);
    // The stores may hold what earlier stories left.
    const mark = randomUUID().slice(0, 8);
    const instrumentId = `BTC-${mark.toUpperCase()}`;

    beforeAll(async () => {
      servers = createServers(folder, environment());
      write = await servers.start('write');
      projector = await servers.start('projector');
      read = await servers.start('read');
    }, 60_000);
    afterAll(() => servers[Symbol.asyncDispose]());

    const freshAs = (atLeastAsFreshAs: string) => ({ atLeastAsFreshAs, patience });

    async function verifyAll(): Promise<void> {
      for (const { view } of (await projections().listProjections({})).projections) {
        let differences = -1n;
        for await (const step of projections().verifyProjection({ view })) {
          if (step.done) differences = step.differences;
        }
        expect({ view, differences }).toEqual({ view, differences: 0n });
      }
    }

    test('a strategy is found by its words as soon as its command says', async () => {
      const strategyName = `Évasion ${mark}`;
      const made = await commands().createTradingStrategy({ userId, strategyName, rules });
      const consistency = freshAs(made.consistencyToken);
      for (const text of [`evasion ${mark}`, `Evas ${mark}`, `evasoin ${mark}`]) {
        const { hits } = await queries().searchStrategies({ userId, text, consistency });
        expect(hits.map(({ strategy }) => strategy?.strategyId)).toEqual([made.aggregateId]);
      }
      const taken = await commands()
        .createTradingStrategy({ userId, strategyName, rules })
        .catch(ConnectError.from);
      expect(taken).toMatchObject({ code: Code.AlreadyExists });
      const { aggregateId: strategyId } = made;
      const renamed = await commands().updateTradingStrategy({
        ...{ strategyId, strategyName: `Retour ${mark}` },
      });
      const again = await commands().createTradingStrategy({ userId, strategyName, rules });
      const token = again.consistencyToken;
      const found = await queries().searchStrategies({
        ...{ userId, text: mark, consistency: freshAs(token) },
      });
      expect(found.hits).toHaveLength(2);
      expect(renamed.revision).toBeGreaterThan(made.revision);
    });

    test('a repeated command has its first answer, also after a restart', async () => {
      const metadata = { commandId: randomUUID() };
      const open = {
        ...{ userId, portfolioName: `Twice ${mark}`, baseCurrency: 'USD', metadata },
        costBasisMethod: CostBasisMethod.FIFO,
      };
      const first = await commands().openPortfolio(open);
      const deposit = {
        ...{ portfolioId: first.aggregateId, amount: '100.25' },
        metadata: { commandId: randomUUID() },
      };
      const receipts = await Promise.all([1, 2, 3].map(() => commands().depositCash(deposit)));
      await write.stop('SIGKILL');
      write = await write.again();
      receipts.push(await commands().depositCash(deposit));
      expect(new Set(receipts.map(({ revision }) => revision)).size).toBe(1);
      expect(receipts.filter(({ repeated }) => !repeated)).toHaveLength(1);
      const other = await commands()
        .depositCash({ ...deposit, amount: '1' })
        .catch(ConnectError.from);
      expect(other).toMatchObject({ code: Code.AlreadyExists });
      const consistency = freshAs(receipts[0]?.consistencyToken ?? '');
      const { portfolio } = await queries().getPortfolio({
        ...{ portfolioId: first.aggregateId, consistency },
      });
      expect(portfolio?.cash).toBe('100.25');
      const logged = await read
        .client(CommandLogService)
        .getCommand({ commandId: deposit.metadata.commandId, consistency });
      expect(logged.command?.commandId).toBe(deposit.metadata.commandId);
    });

    test('a portfolio is valued, rebuilt, rolled back and proved', async () => {
      await commands().registerInstrument({
        ...{ instrumentId, assetClass: AssetClass.CRYPTO, baseAsset: 'BTC' },
        ...{ quoteCurrency: 'USD', tickSize: '0.01', lotSize: '0.00000001' },
      });
      const { aggregateId: portfolioId } = await commands().openPortfolio({
        ...{ userId, portfolioName: `Held ${mark}`, baseCurrency: 'USD' },
        costBasisMethod: CostBasisMethod.FIFO,
      });
      await commands().depositCash({ portfolioId, amount: '1000' });
      for (const [side, quantity, price] of [
        [TradeSide.BUY, '2', '100'],
        [TradeSide.SELL, '0.5', '140'],
      ] as const) {
        await commands().recordTrade({ portfolioId, instrumentId, side, quantity, price });
      }
      const last = await commands().depositCash({ portfolioId, amount: '0.5' });
      const look = async () => {
        const consistency = freshAs(last.consistencyToken);
        const { portfolio } = await queries().getPortfolio({ portfolioId, consistency });
        const [position] = portfolio?.positions ?? [];
        return { cash: portfolio?.cash, quantity: position?.quantity };
      };
      const held = { cash: '870.5', quantity: '1.5' };
      expect(await look()).toEqual(held);
      const view = 'trading_portfolios';
      let switched = false;
      for await (const { progress } of projections().rebuildProjection({ view })) {
        switched = progress?.switched ?? switched;
      }
      expect(switched).toBe(true);
      expect(await look()).toEqual(held);
      await projections().rollbackProjection({ view });
      expect(await look()).toEqual(held);
      const consistency = freshAs(last.consistencyToken);
      const { trades } = await queries().listTrades({ portfolioId, consistency });
      expect(trades).toHaveLength(2);
      await verifyAll();
    });

    test('the projector is killed, and goes on where it was', async () => {
      const { aggregateId: portfolioId } = await commands().openPortfolio({
        ...{ userId, portfolioName: `Killed ${mark}`, baseCurrency: 'USD' },
        costBasisMethod: CostBasisMethod.FIFO,
      });
      await projector.stop('SIGKILL');
      let token = '';
      for (let n = 0; n < 50; n += 1) {
        token = (await commands().depositCash({ portfolioId, amount: '1' })).consistencyToken;
      }
      projector = await projector.again();
      const consistency = freshAs(token);
      const { portfolio } = await queries().getPortfolio({ portfolioId, consistency });
      expect(portfolio?.cash).toBe('50');
      await verifyAll();
    });
  });
}
