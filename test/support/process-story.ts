import { join } from 'node:path';
import type { DescMessage } from '@bufbuild/protobuf';
import type { Client } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createEventStoreDbSource } from '../../src/engines/eventstoredb/store.ts';
import { createSqliteEventSource } from '../../src/engines/sqlite/event-log.ts';
import type { CommandReceipt } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import {
  ProcessCommandService,
  ProcessQueryService,
  ProcessState,
  StepState,
} from '../../src/gen/cipherhorizon/platform/v1/processes_pb.ts';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { SignalCommandService } from '../../src/gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import { deriveUuid } from '../../src/kernel/derived-id.ts';
import { start } from '../../src/kernel/position.ts';
import { processEventSchemas } from '../../src/process/events.ts';
import type { EventSource } from '../../src/projection/event-source.ts';
import type { EventStore } from '../../src/write/event-store.ts';
import { eventually } from './clients.ts';
import type { TestBus } from './command-bus.ts';
import { runHorizon } from './horizon-cli.ts';
import { createServers, type ServerProcess } from './server-processes.ts';
import { createDesk, type Desk } from './signal-desk.ts';
import { temporaryFolder } from './temporary.ts';

// Processes in the servers themselves: signals that go from reservation to settlement while the write
// server is killed after each of the events of their process, and what an operator sees and does.

const types = processEventSchemas.map(({ typeName }) => typeName);

const settled = [
  'PortfolioOpened',
  'CashDeposited',
  'FundsReserved',
  'TradeRecorded',
  'ReservationReleased',
];

export type ProcessStoryOptions = {
  /** What the servers read besides, such as the engines. */
  readonly environment?: () => NodeJS.ProcessEnv;
  /** The write server is killed after each event of a process, or after every so many. */
  readonly killEvery?: number;
};

/** Signals from reservation to settlement, over real processes and real clients. */
export function describeProcesses(engines: string, options: ProcessStoryOptions = {}): void {
  describe(`processes over ${engines}`, () => {
    jest.setTimeout(300_000);
    const { killEvery = 1 } = options;
    const environment = (): NodeJS.ProcessEnv => options.environment?.() ?? {};
    const folder = temporaryFolder();
    let servers: ReturnType<typeof createServers>;
    let write: ServerProcess;
    let read: ServerProcess;
    let source: EventSource;

    beforeAll(async () => {
      servers = createServers(folder, environment());
      write = await servers.start('write');
      read = await servers.start('read');
      await servers.start('projector');
      const connectionString = environment().EVENTSTORE_URL ?? '';
      source =
        connectionString === ''
          ? createSqliteEventSource({ path: join(folder, 'events.db') })
          : createEventStoreDbSource({ connectionString });
    });
    afterAll(async () => {
      await source?.[Symbol.asyncDispose]();
      await servers?.[Symbol.asyncDispose]();
    });

    /** Commands go to the write server that runs; who gets no answer sends the same one again. */
    function remoteBus(): TestBus {
      const services = [TradingCommandService, SignalCommandService];
      const send = async (schema: DescMessage, command: object): Promise<CommandReceipt> => {
        for (const service of services) {
          const method = service.methods.find(({ input }) => input.typeName === schema.typeName);
          if (method === undefined) continue;
          const metadata = { commandId: crypto.randomUUID() };
          return eventually(async () => {
            const client = write.client(service) as Client<typeof TradingCommandService>;
            const call = client[method.localName as 'depositCash'];
            return call({ ...command, metadata } as never);
          });
        }
        throw new Error(`no service has ${schema.typeName}`);
      };
      return { send } as unknown as TestBus;
    }

    const ownStore = {
      read: (stream: string) => source.readStream(stream),
    } as unknown as EventStore;

    function openDesk(): Promise<Desk> {
      return createDesk(ownStore, { bus: remoteBus() });
    }

    async function signalOn(desk: Desk): Promise<{ signalId: string; processId: string }> {
      await desk.candles([100, 100, 100, 100]);
      const receipt = (await desk.execute()) as CommandReceipt;
      const signalId = receipt.aggregateId;
      return { signalId, processId: deriveUuid('process/trade_signal_1d', signalId) };
    }

    async function processEvents(processId: string): Promise<readonly string[]> {
      const names: string[] = [];
      for await (const { type } of source.readStream(`process-${processId}`)) {
        names.push(type.split('.').at(-1) ?? '');
      }
      return names;
    }

    /** Resolves when the process has so many events. */
    async function untilEvents(
      processId: string,
      count: number,
      signal: AbortSignal,
    ): Promise<void> {
      const after = start;
      for await (const _ of source.subscribe({ after, filter: { types }, signal })) {
        if ((await processEvents(processId)).length >= count) return;
      }
    }

    async function shown(processId: string) {
      const { process } = await read.client(ProcessQueryService).getProcess({ processId });
      if (process === undefined) throw new Error('no such process');
      return process;
    }

    let completed = '';

    describe('the process of a signal', () => {
      test('completes, each effect once, though the write server is killed after each event', async () => {
        let isThrough = false;
        let kills = 0;
        for (let event = 1; !isThrough; event += killEvery) {
          const desk = await openDesk();
          const { processId } = await signalOn(desk);
          const over = new AbortController();
          const killing = untilEvents(processId, event, over.signal).then(async () => {
            if (over.signal.aborted) return;
            await write.stop('SIGKILL');
            kills += 1;
            write = await write.again();
          });
          await eventually(async () => {
            expect(await desk.names(`portfolio-${desk.portfolioId}`)).toContain('FundsReserved');
          });
          await desk.candles([101, 101, 101, 101]);
          await eventually(async () => {
            expect((await processEvents(processId)).at(-1)).toBe('ProcessCompleted');
          });
          const names = await processEvents(processId);
          isThrough = names.length <= event;
          over.abort();
          await killing;
          expect(await desk.names(`portfolio-${desk.portfolioId}`)).toEqual(settled);
          await eventually(async () => {
            const process = await shown(processId);
            expect(process.state).toBe(ProcessState.COMPLETED);
            expect(process.steps.map(({ state }) => state)).toEqual(
              process.steps.map(() => StepState.COMPLETED),
            );
          });
          completed = processId;
        }
        console.info(`${kills} kills`);
        expect(kills * killEvery).toBeGreaterThan(5);
      });

      test('is undone where an operator cancels it: what is reserved is free again', async () => {
        const desk = await openDesk();
        const { processId } = await signalOn(desk);
        const watched: ProcessState[] = [];
        const over = new AbortController();
        await eventually(() => shown(processId));
        const watching = (async () => {
          const answers = read
            .client(ProcessQueryService)
            .watchProcess({ processId }, { signal: over.signal });
          for await (const { process } of answers) {
            watched.push(process?.state ?? ProcessState.UNSPECIFIED);
            if (process?.state === ProcessState.COMPENSATED) return;
          }
        })();
        await eventually(async () => {
          expect(await desk.names(`portfolio-${desk.portfolioId}`)).toContain('FundsReserved');
        });
        const cancel = () =>
          write.client(ProcessCommandService).cancelProcess({ processId, note: 'a mistake' });
        await cancel();
        await write.stop('SIGKILL');
        write = await write.again();
        await eventually(async () => {
          expect((await shown(processId)).state).toBe(ProcessState.COMPENSATED);
        });
        await watching;
        over.abort();
        expect(watched[0]).toBe(ProcessState.IN_PROGRESS);
        const { action, reason } = await shown(processId);
        expect(action).toMatchObject({ note: 'a mistake' });
        expect(reason?.code).toBe('PROCESS_CANCELLED');
        const names = await desk.names(`portfolio-${desk.portfolioId}`);
        expect(names.slice(2)).toEqual(['FundsReserved', 'ReservationReleased']);
        // A candle that comes later fills nothing.
        await desk.candles([90, 90, 90, 90]);
        expect(await desk.names(`portfolio-${desk.portfolioId}`)).toEqual(names);
      });
    });

    describe('an operator', () => {
      const horizon = (...args: string[]) =>
        runHorizon(args, {
          ...process.env,
          CIPHERHORIZON_DATA_DIR: folder,
          ...{ HORIZON_WRITE_URL: write.url, HORIZON_READ_URL: read.url },
        });

      test('lists processes and reads one, on 80 columns', async () => {
        const list = await horizon('process', 'list', '--state', 'completed');
        expect(list).toMatchObject({ exit: 0, stderr: '' });
        expect(list.stdout).toContain(completed);
        const shows = await horizon('process', 'show', completed);
        expect(shows).toMatchObject({ exit: 0, stderr: '' });
        expect(shows.stdout).toContain('trade_signal_1d: completed');
        for (const line of `${list.stdout}${shows.stdout}`.split('\n')) {
          // What is to be copied is in one piece, whatever it takes.
          if (!line.startsWith('{')) expect(line.length).toBeLessThanOrEqual(80);
        }
      });

      test('finds none that waits, and none to look at', async () => {
        for (const filter of [['--state', 'in-progress'], ['--failed']]) {
          const { exit, stdout } = await horizon('process', 'list', ...filter, '--json');
          expect(exit).toBe(0);
          expect(JSON.parse(stdout).processes ?? []).toEqual([]);
        }
      });

      test('is told why a process is not tried again', async () => {
        const { exit, stderr } = await horizon('process', 'retry', completed);
        expect(exit).not.toBe(0);
        expect(stderr).toContain('has not failed');
      });

      test('sees them in the metrics', async () => {
        const text = await (await fetch(`${write.url}/metrics`)).text();
        expect(text).toMatch(/cqrs_process_in_progress\{definition="trade_signal_1d",.*\} 0/);
        expect(text).toMatch(/cqrs_process_total\{.*outcome="compensated".*\} 1/);
        expect(text).toMatch(/cqrs_policy_interests\{policy="paper_venue",.*\} 0/);
      });
    });
  });
}
