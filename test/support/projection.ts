import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import {
  createSqliteReadModelStore,
  createSqliteReadModels,
} from '../../src/engines/sqlite/read-models.ts';
import {
  type CashDeposited,
  CashDepositedSchema,
  PortfolioUpdatedSchema,
} from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import type { NewEvent } from '../../src/kernel/event.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { toToken } from '../../src/kernel/token.ts';
import { defineView, type View } from '../../src/projection/kit.ts';
import { createProjector, type ProjectorOptions } from '../../src/projection/projector.ts';
import { quiet } from './command-bus.ts';

type Sum = { readonly deposits: number; readonly note: string };

/** Counts deposits by currency; a deposit noted 'poison' cannot be applied, nor 'wrong' stored. */
export function sumsView(change: Partial<View<Sum>> = {}): View {
  return defineView<Sum>({
    name: 'test_sums',
    version: 1,
    schema: { deposits: { kind: 'integer', sort: true }, note: { kind: 'keyword' } },
    events: [CashDepositedSchema],
    ids: ({ message }) => {
      const { currency, note } = message as CashDeposited;
      if (note === 'no ids') throw new Error('whose is it?');
      return [currency];
    },
    project: (sum, { message }) => {
      const { note } = message as CashDeposited;
      if (note === 'poison') throw new Error('poison');
      const deposits = (sum?.deposits ?? 0) + 1;
      const isWrong = note === 'wrong' || typeof sum?.note === 'number';
      return { deposits, note: isWrong ? (7 as never) : note };
    },
    ...change,
  });
}

export function deposited(currency: string, note = ''): NewEvent {
  const data: JsonObject = { currency, note, amount: '1' };
  return { id: randomUUID(), type: CashDepositedSchema.typeName, data, metadata: {} };
}

export function other(): NewEvent {
  return { id: randomUUID(), type: PortfolioUpdatedSchema.typeName, data: {}, metadata: {} };
}

/** An event log and read models in a folder, with projectors over them. */
export function openStores(folder: string) {
  const log = createSqliteEventLog({ path: join(folder, 'events.db') });
  const store = createSqliteReadModelStore({ path: join(folder, 'views.db') });
  const models = createSqliteReadModels({ path: join(folder, 'views.db') });
  let started = 0;
  const start = (options: Partial<ProjectorOptions> & Pick<ProjectorOptions, 'views'>) => {
    started += 1;
    const projector = createProjector({
      name: `projector ${started}`,
      source: log,
      store,
      log: quiet,
      now: Date.now,
      ...options,
    });
    const stop = new AbortController();
    const running = projector.run(stop.signal);
    return {
      ...projector,
      stopping: stop.signal,
      [Symbol.asyncDispose]: async () => {
        stop.abort();
        await running;
      },
    };
  };
  return {
    log,
    store,
    models,
    start,
    append: (stream: string, ...events: NewEvent[]) => log.append(stream, 'any', events),
    /** Waits until the view has applied all that is in the log now. */
    caughtUp: async (view: View) => {
      const { position } = await log.head();
      for (;;) {
        const at = await models.progress(view).then(
          (progress) => progress.position,
          () => undefined,
        );
        if (at !== undefined && at.commit >= position.commit) return toToken(at);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    documentOf: async (view: View, id: string) => (await models.get(view, id))?.document,
    [Symbol.asyncDispose]: async () => {
      await models[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
    },
  };
}
