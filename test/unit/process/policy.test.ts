import { join } from 'node:path';
import { setImmediate as soon } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { StoreFault } from '../../../src/kernel/fault.ts';
import { start } from '../../../src/kernel/position.ts';
import { createInterests } from '../../../src/process/policy-interests.ts';
import {
  createPolicyRunner,
  type PolicyRunnerOptions,
} from '../../../src/process/policy-runner.ts';
import { startPolicies } from '../../../src/process/run.ts';
import { quiet } from '../../support/command-bus.ts';
import { createPolicyWorld, type Happening, policyOfWorld } from '../../support/policy-world.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
let worlds = 0;

const open = (target: string, key = 'gold'): Happening => ({ kind: 'open', target, key });
const close = (target: string, key?: string): Happening => ({ kind: 'close', target, key });
const news = (goes: 'well' | 'refused' | 'not built' = 'well', key = 'gold'): Happening => ({
  ...{ kind: 'news', key, goes },
});

type Execute = PolicyRunnerOptions['execute'];

/** A runner that has been brought all that happens; what it did, and what it said of it. */
async function startOn(
  execute: (world: ReturnType<typeof createPolicyWorld>) => Execute,
  happenings: readonly Happening[],
  most: Partial<PolicyRunnerOptions> = {},
) {
  worlds += 1;
  const world = createPolicyWorld(join(folder, `${worlds}.db`));
  const counts = new Map<string, number>();
  const logged: string[] = [];
  const note = (level: string) => (facts: unknown, message?: string) => {
    logged.push(`${level}: ${message ?? String(facts)}`);
  };
  const runner = createPolicyRunner({
    definition: policyOfWorld,
    ...{ source: world.log, store: world.log, now: world.now, execute: execute(world) },
    log: { ...quiet, info: note('info'), warn: note('warn'), error: note('error') },
    observe: (_policy, outcome) => counts.set(outcome, (counts.get(outcome) ?? 0) + 1),
    ...most,
  });
  await runner.restore();
  for (const one of happenings) await world.happen(one);
  const deliver = async () => {
    const filter = { types: runner.types };
    const after = runner.position();
    for await (const batch of world.log.readAll({ after, filter })) await runner.deliver(batch);
  };
  const delivering = deliver();
  return {
    world,
    runner,
    counts,
    logged,
    delivering,
    bring: async (happening: Happening) => {
      await world.happen(happening);
      await deliver();
    },
    /** Lets time pass until nothing waits. */
    finish: async () => {
      let isDelivered = false;
      void delivering.then(() => {
        isDelivered = true;
      });
      do {
        const next = runner.nextWakeAt();
        if (next !== undefined) world.pass(next);
        runner.wake();
        for (let turns = 0; turns < 5; turns += 1) await soon();
      } while (!isDelivered || runner.waiting() > 0);
    },
    [Symbol.asyncDispose]: async () => {
      runner.stop();
      await delivering;
      await runner.settled();
      await world[Symbol.asyncDispose]();
    },
  };
}

type World = ReturnType<typeof createPolicyWorld>;

const toWorld =
  ({ execute }: World): Execute =>
  (command) =>
    execute(command);

const behind =
  (gate: { readonly promise: Promise<void> }) =>
  ({ execute }: World): Execute =>
  async (command) => {
    await gate.promise;
    return execute(command);
  };

describe('a policy', () => {
  test('counts and logs what is refused, and goes on', async () => {
    await using started = await startOn(toWorld, [open('a'), news('refused'), news()]);
    await started.finish();
    expect(await started.world.effects()).toEqual([{ target: 'a', news: 2 }]);
    expect(Object.fromEntries(started.counts)).toEqual({ refused: 1, accepted: 1 });
    expect(started.logged).toContain('info: refused: 1 refused');
  });

  test('leaves out what its definition throws at', async () => {
    await using started = await startOn(toWorld, [open('a'), news('not built'), news()]);
    await started.finish();
    expect(await started.world.effects()).toEqual([{ target: 'a', news: 2 }]);
    expect(Object.fromEntries(started.counts)).toEqual({ defect: 1, accepted: 1 });
    expect(started.logged).toContain('error: no command was built');
  });

  test('gives up a command that fails again and again, but not for a store that is away', async () => {
    let isAway = true;
    const failing =
      ({ execute }: World): Execute =>
      async (command) => {
        const { portfolioId } = command.payload as { portfolioId: string };
        if (portfolioId === 'defect') throw new TypeError('a decider cannot take it');
        if (isAway) throw new StoreFault('STORE_UNAVAILABLE', 'away');
        return execute(command);
      };
    await using started = await startOn(failing, [open('defect'), open('good'), news(), news()]);
    for (let turns = 0; turns < 200; turns += 1) {
      started.world.pass(started.runner.nextWakeAt() ?? 0);
      started.runner.wake();
      await soon();
    }
    expect(started.counts.get('defect')).toBe(2);
    expect(started.counts.get('accepted')).toBeUndefined();
    isAway = false;
    await started.finish();
    expect(await started.world.effects()).toEqual([
      { target: 'good', news: 2 },
      { target: 'good', news: 3 },
    ]);
  });

  test('takes no more of the log than it can hold, and all of it in the end', async () => {
    const happenings = [open('a'), ...Array.from({ length: 50 }, () => news())];
    const gate = Promise.withResolvers<void>();
    await using started = await startOn(behind(gate), happenings, { mostWaiting: 5 });
    for (let turns = 0; turns < 50; turns += 1) await soon();
    expect(started.runner.waiting()).toBe(6);
    gate.resolve();
    await started.finish();
    expect(await started.world.effects()).toHaveLength(50);
  });

  test('sends nothing more to a target that was closed', async () => {
    const gate = Promise.withResolvers<void>();
    await using started = await startOn(behind(gate), [
      open('a'),
      news(),
      news(),
      news(),
      close('a'),
    ]);
    await started.delivering;
    expect(started.runner.waiting()).toBe(1);
    gate.resolve();
    await started.finish();
    expect(await started.world.effects()).toEqual([{ target: 'a', news: 1 }]);
    expect(started.runner.interests()).toBe(0);
  });

  test('sends what the event that closes a target leads to itself, and nothing before it', async () => {
    const gate = Promise.withResolvers<void>();
    await using started = await startOn(behind(gate), [
      open('a'),
      news(),
      news(),
      close('a', 'gold'),
    ]);
    await started.delivering;
    gate.resolve();
    await started.finish();
    expect(await started.world.effects()).toEqual([
      { target: 'a', news: 1 },
      { target: 'a', news: 3 },
    ]);
  });

  test('sends it also while what was before it waits for another attempt', async () => {
    const failing =
      ({ execute }: World): Execute =>
      async (command) => {
        const { note } = command.payload as { note: string };
        if (note.startsWith('1 ')) throw new StoreFault('STORE_UNAVAILABLE', 'away');
        return execute(command);
      };
    await using started = await startOn(failing, [open('a'), news()]);
    await started.delivering;
    for (let turns = 0; turns < 5; turns += 1) await soon();
    expect(started.counts.get('fault')).toBe(1);
    await started.bring(close('a', 'gold'));
    await started.finish();
    expect(await started.world.effects()).toEqual([{ target: 'a', news: 2 }]);
  });

  test('does not start without what it needs', async () => {
    const signal = new AbortController().signal;
    const world = createPolicyWorld(join(folder, 'none.db'));
    const startWith = (definitions: (typeof policyOfWorld)[]) =>
      startPolicies({
        ...{ definitions, source: world.log, store: world.log, execute: toWorld(world), signal },
        ...{ now: Date.now, log: quiet, observe: () => {} },
      });
    await expect(startWith([policyOfWorld, policyOfWorld])).rejects.toThrow('one name');
    await expect(startWith([{ ...policyOfWorld, name: 'No' }])).rejects.toThrow('its name');
    await expect(startWith([{ ...policyOfWorld, on: [] }])).rejects.toThrow('no event leads');
    await world[Symbol.asyncDispose]();
  });
});

describe('interests as of a position', () => {
  const at = (commit: number) => ({ commit: BigInt(commit), prepare: BigInt(commit) });
  const interest = (target: string, commit: number) => ({
    ...{ target, key: 'gold', data: {}, actor: '', roles: [], correlationId: '' },
    openedBy: { id: `${commit}`, type: '', stream: '', revision: commit, position: at(commit) },
  });
  const namesOf = (interests: ReturnType<typeof createInterests>, commit: number) => {
    const { oldest, othersAfter } = interests.asOf(at(commit));
    return [oldest.map(({ target }) => target), Number(othersAfter.commit)];
  };

  test('are those that were open then, though they are closed or replaced by now', () => {
    const interests = createInterests(10);
    for (const [target, commit] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const) {
      interests.open(interest(target, commit));
    }
    interests.close('a', at(5));
    interests.open(interest('b', 6));
    expect(namesOf(interests, 4)).toEqual([['a', 'b', 'c'], 4]);
    expect(namesOf(interests, 5)).toEqual([['b', 'c'], 5]);
    expect(namesOf(interests, 6)).toEqual([['c', 'b'], 6]);
    expect(interests.withKey('gold').map(({ target }) => target)).toEqual(['c', 'b']);
  });

  test('name the oldest, and none of an event that has opened more than fit', () => {
    const interests = createInterests(2);
    interests.open(interest('a', 1));
    interests.open(interest('b', 2));
    interests.open(interest('c', 2));
    expect(namesOf(interests, 9)).toEqual([['a'], 1]);
    interests.close('a', at(3));
    interests.open(interest('d', 4));
    expect(namesOf(interests, 9)).toEqual([['b', 'c'], 2]);
    const crowded = createInterests(1);
    crowded.open(interest('a', 1));
    crowded.open(interest('b', 1));
    expect(namesOf(crowded, 9)).toEqual([[], Number(start.commit)]);
  });
});
