import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import type { CashDeposited } from '../../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import { StoreFault } from '../../../src/kernel/fault.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import type { Derivation, View } from '../../../src/projection/kit.ts';
import { createOperations } from '../../../src/projection/operations.ts';
import type { Projector } from '../../../src/projection/projector.ts';
import type { ReadModelStore } from '../../../src/projection/read-model-store.ts';
import { callOf, operator } from '../../support/command-bus.ts';
import { rates, sums, verified, worthView } from '../../support/derived-views.ts';
import { deposited, openStores, sumsView } from '../../support/projection.ts';
import { temporaryFolder } from '../../support/temporary.ts';

// What of a derived view is computed again when its projector starts.

const root = temporaryFolder();

function fresh() {
  const folder = mkdtempSync(join(root, 'r-'));
  const stores = openStores(folder);
  const edit = (sql: string) => {
    const file = new Database(join(folder, 'views.db'));
    file.exec(sql);
    file.close();
  };
  const start = (views: readonly View[], store: ReadModelStore = stores.store) =>
    stores.start({ name: 'one', views, store });
  const worths = async (...ids: string[]) => {
    const view = worthView();
    return Promise.all(ids.map(async (id) => (await stores.documentOf(view, id))?.worth));
  };
  /** The projector works, and has applied all that there is. */
  const up = async ({ lanes }: Projector, views: readonly View[]) => {
    while (lanes.some(({ target }) => target === undefined)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (const view of views) await stores.caughtUp(view);
  };
  /** And all that it needs to know at its next start is stored. */
  const settled = async (projector: Projector, views: readonly View[]) => {
    await up(projector, views);
    const isMarked = () => {
      const file = new Database(join(folder, 'views.db'), { readonly: true });
      const table = 'view_projector_derivations_1';
      const tables = file.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').all(table);
      const marks = tables.length > 0 ? file.prepare(`SELECT 1 FROM ${table}`).all() : [];
      file.close();
      return marks.length > 0;
    };
    while (!isMarked()) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { ...stores, start, edit, worths, up, settled };
}

type Stores = ReturnType<typeof fresh>;

/** A store that can be killed: from then on nothing reaches what is beneath it. */
function mortal(store: ReadModelStore) {
  const state = { writesLeft: Number.POSITIVE_INFINITY };
  const whileAlive =
    <Given extends unknown[], Result>(isWrite: boolean, call: (...given: Given) => Result) =>
    (...given: Given): Result => {
      if (state.writesLeft <= 0) throw new StoreFault('STORE_UNAVAILABLE', 'it is dead');
      if (isWrite) state.writesLeft -= 1;
      return call(...given);
    };
  const dying: ReadModelStore = Object.assign(Object.create(store) as ReadModelStore, {
    apply: whileAlive(true, store.apply),
    switchTo: whileAlive(true, store.switchTo),
    load: whileAlive(false, store.load),
    open: whileAlive(false, store.open),
    generations: whileAlive(false, store.generations),
    heartbeat: whileAlive(false, store.heartbeat),
  });
  return { store: dying, state };
}

/** Runs `work` while a projector is up that has caught up, and is as it should be before it stops. */
async function whileUp(
  stores: Stores,
  views: readonly View[],
  work: (projector: Projector) => Promise<void> = async () => undefined,
) {
  await using projector = stores.start(views);
  await stores.up(projector, views);
  await work(projector);
  await stores.settled(projector, views);
}

describe('at a start', () => {
  test('nothing is computed again where nothing has changed', async () => {
    await using stores = fresh();
    const computed: string[] = [];
    const views = [sums, rates, worthView(computed)];
    await stores.append('p-1', deposited('CHF'), deposited('USD', 'rate 3'), deposited('GBP'));
    await whileUp(stores, views, async () => {
      await stores.append('p-1', deposited('USD'));
    });
    computed.length = 0;
    await whileUp(stores, views, async () => {
      await stores.append('p-1', deposited('CHF'));
    });
    expect(computed).toEqual(['CHF']);
    expect(await stores.worths('CHF', 'USD', 'GBP')).toEqual([6, 6, 3]);
  });

  test('what has changed meanwhile is computed, and what rests on that', async () => {
    await using stores = fresh();
    const computed: string[] = [];
    const views = [sums, rates, worthView(computed)];
    await stores.append('p-1', deposited('CHF'), deposited('USD'));
    await whileUp(stores, views);
    computed.length = 0;
    await stores.append('p-1', deposited('CHF'));
    await whileUp(stores, views);
    expect(computed).toEqual(['CHF']);
    computed.length = 0;
    await stores.append('p-1', deposited('GBP', 'rate 5'));
    await whileUp(stores, views);
    expect(new Set(computed)).toEqual(new Set(['CHF', 'USD', 'GBP']));
    expect(await stores.worths('CHF', 'USD', 'GBP')).toEqual([10, 5, 5]);
  });

  test('who rests on what is known, though nothing has been computed since', async () => {
    await using stores = fresh();
    const views = [sums, rates, worthView()];
    await stores.append('p-1', deposited('CHF'), deposited('USD'));
    await whileUp(stores, views);
    await whileUp(stores, views, async () => {
      await stores.append('p-1', deposited('GBP', 'rate 7'));
    });
    expect(await stores.worths('CHF', 'USD', 'GBP')).toEqual([7, 7, 7]);
  });

  test('what could not be computed is tried again', async () => {
    await using stores = fresh();
    const broken = new Set<string>();
    const views = [sums, rates, worthView([], broken)];
    await stores.append('p-1', deposited('CHF'), deposited('USD'));
    await whileUp(stores, views);
    {
      broken.add('CHF');
      await using _projector = stores.start(views);
      await stores.append('p-1', deposited('CHF'));
      for (const view of views) await stores.caughtUp(view);
    }
    broken.clear();
    await whileUp(stores, views, async (projector) => {
      await stores.append('p-1', deposited('USD'));
      await stores.settled(projector, views);
      expect((await verified(projector, views[2] as View)).differences).toBe(undefined);
    });
    expect(await stores.worths('CHF', 'USD')).toEqual([2, 2]);
  });

  test('a generation that was live before, and is again, is as if it had been all the time', async () => {
    await using stores = fresh();
    const view = worthView();
    const views = [sums, rates, view];
    await stores.append('p-1', deposited('CHF'), deposited('USD'));
    await whileUp(stores, views, async (projector) => {
      const operations = createOperations(projector);
      const request = { view: view.name, stream: '' } as never;
      for await (const _ of operations.rebuild(request, callOf(operator)));
      stores.edit(`UPDATE view_test_sums_1 SET document = '{"deposits":9,"note":""}'`);
      for await (const _ of operations.rebuild(
        { view: view.name, stream: 'p-1' } as never,
        callOf(operator),
      ));
      await operations.rollback({ view: view.name } as never);
      await stores.append('p-2', deposited('JPY'));
    });
    await whileUp(stores, views, async (projector) => {
      expect((await verified(projector, view)).differences).toBe(undefined);
    });
    expect(await stores.worths('CHF', 'USD')).toEqual([9, 9]);
  });
});

describe('killed after any write, and started again', () => {
  const view = worthView();
  const poison = { isBad: true };
  const picky: View = sumsView({
    project: (sum, { message }) => {
      const { note } = message as CashDeposited;
      if (note === 'bad' && poison.isBad) throw new Error('it is bad');
      return { deposits: (sum?.deposits ?? 0) + 1, note };
    },
  });
  const derived = view.derived as Derivation<JsonObject>;
  const pickyWorths: View = {
    ...view,
    derived: {
      ...derived,
      of: picky,
      compute: async (id, read, kept) =>
        derived.compute(id, (of, ids) => read(of === sums ? picky : of, ids), kept),
    },
  };
  const views = [picky, rates, pickyWorths];

  type Work = (stores: Stores, projector: Projector, dieSoon: () => void) => Promise<unknown>;

  /** Does it, with the store dead after so many writes. @returns whether that was before the end */
  async function killedAfter(writes: number, work: Work): Promise<boolean> {
    poison.isBad = true;
    await using stores = fresh();
    await stores.append('p-1', deposited('CHF'), deposited('USD'), deposited('GBP', 'bad'));
    await stores.append('p-2', deposited('JPY', 'rate 2'));
    const { store, state } = mortal(stores.store);
    {
      await using projector = stores.start(views, store);
      await stores.settled(projector, views);
      const dieSoon = () => {
        state.writesLeft = writes;
      };
      await work(stores, projector, dieSoon).catch(() => undefined);
    }
    const isKilled = state.writesLeft <= 0;
    await using projector = stores.start(views);
    await stores.up(projector, views);
    // What waits for the position to move on has it.
    await stores.append('p-2', deposited('JPY'));
    await stores.settled(projector, views);
    expect((await verified(projector, pickyWorths)).differences).toBe(undefined);
    return isKilled;
  }

  async function killedAfterEach(work: Work): Promise<void> {
    let killed = 0;
    for (let writes = 0; writes < 20 && (await killedAfter(writes, work)); writes += 1) killed += 1;
    expect(killed).toBeGreaterThan(1);
  }

  const untilWorth = async (stores: Stores, id: string, worth: number) => {
    for (let tries = 0; tries < 20; tries += 1) {
      if ((await stores.worths(id))[0] === worth) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  const rebuild = async (projector: Projector, view: string, stream = '') => {
    const call = { ...callOf(operator), signal: AbortSignal.timeout(1_000) };
    const steps = createOperations(projector).rebuild({ view, stream } as never, call);
    for await (const _ of steps);
  };

  /** The sums are wrong, and what was derived from them. */
  const spoil = async (stores: Stores, projector: Projector) => {
    stores.edit(`UPDATE view_test_sums_1 SET document = '{"deposits":9,"note":""}'`);
    await rebuild(projector, pickyWorths.name, 'p-1');
    await rebuild(projector, pickyWorths.name, 'p-2');
    expect((await verified(projector, pickyWorths)).differences).toBe(undefined);
  };

  test('events', async () => {
    await killedAfterEach(async (stores, _projector, dieSoon) => {
      dieSoon();
      await stores.append('p-1', deposited('CHF', 'rate 3'));
      await untilWorth(stores, 'CHF', 6);
      await stores.append('p-1', deposited('USD'));
      await untilWorth(stores, 'USD', 6);
    });
  });

  test('a stream that is built again', async () => {
    await killedAfterEach(async (stores, projector, dieSoon) => {
      await spoil(stores, projector);
      dieSoon();
      await rebuild(projector, picky.name, 'p-1');
      await untilWorth(stores, 'CHF', 2);
    });
  });

  test('events that were parked', async () => {
    await killedAfterEach(async (stores, projector, dieSoon) => {
      poison.isBad = false;
      dieSoon();
      await createOperations(projector).retry({ view: picky.name, documentId: '' } as never);
      await untilWorth(stores, 'GBP', 2);
    });
  });

  test('another generation of an input', async () => {
    await killedAfterEach(async (stores, projector, dieSoon) => {
      await spoil(stores, projector);
      dieSoon();
      await rebuild(projector, picky.name);
      await untilWorth(stores, 'CHF', 2);
    });
  });
});
