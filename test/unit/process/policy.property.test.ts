import { join } from 'node:path';
import { setImmediate as soon } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createPolicyRunner, type PolicyRunner } from '../../../src/process/policy-runner.ts';
import { quiet } from '../../support/command-bus.ts';
import {
  createPolicyWorld,
  type Happening,
  type PolicyWorld,
  policyOfWorld,
  type Took,
} from '../../support/policy-world.ts';
import { mortal } from '../../support/process-world.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
let worlds = 0;

const target = fc.constantFrom('a', 'b', 'c');
const key = fc.constantFrom('gold', 'gold', 'silver');

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('open' as const), target, key }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('close' as const),
      target,
      key: fc.option(key, { nil: undefined }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('news' as const),
      key,
      goes: fc.constantFrom(
        'well' as const,
        'well',
        'refused',
        'a fault before',
        'a fault after',
        'not built',
      ),
    }),
  },
);

/** When a life ends: after so many effects, before or after the effect. */
type Death = { readonly diesAt: number; readonly when: 'before' | 'after' };

const lives = fc.array(
  fc.record({
    diesAt: fc.integer({ min: 0, max: 20 }),
    when: fc.constantFrom('before' as const, 'after' as const),
  }),
  { maxLength: 5 },
);

const limits = fc.record({
  mostWaiting: fc.constantFrom(0, 100, 100),
  mostEvents: fc.constantFrom(1, 100, 100),
  mostNamed: fc.constantFrom(1, 2, 100),
});

type Limits = { readonly [name in 'mostWaiting' | 'mostEvents' | 'mostNamed']: number };
type Life = { readonly runner: PolicyRunner; readonly isDead: () => boolean };

function live(world: PolicyWorld, most: Limits, death: Death | undefined): Life {
  const ports = mortal(world, death?.diesAt ?? Number.POSITIVE_INFINITY, death?.when ?? 'before');
  const runner = createPolicyRunner({
    definition: policyOfWorld,
    source: world.log,
    now: world.now,
    log: quiet,
    observe: () => {},
    ...ports,
    ...most,
  });
  return { runner, isDead: ports.isDead };
}

/** Time passes while it is waited for: what waits for another attempt gets it. */
async function passing(world: PolicyWorld, { runner, isDead }: Life, task: Promise<unknown>) {
  let isOver = false;
  const over = task.finally(() => {
    isOver = true;
  });
  for (let rounds = 1; !isOver; rounds += 1) {
    await soon();
    if (isDead()) runner.stop();
    // How far it is may be kept at any moment; it dies of that too.
    if (rounds % 3 === 0) await runner.checkpoint().catch(() => undefined);
    const next = runner.nextWakeAt();
    if (next !== undefined) world.pass(next);
    runner.wake();
  }
  return over;
}

async function bringAll(life: Life, world: PolicyWorld, isTwice: boolean): Promise<void> {
  const { runner, isDead } = life;
  const filter = { types: runner.types };
  for await (const batch of world.log.readAll({
    after: runner.position(),
    filter,
    batchSize: 10,
  })) {
    await passing(world, life, runner.deliver(batch));
    if (isTwice) await passing(world, life, runner.deliver(batch));
    if (isDead()) return;
  }
  await passing(
    world,
    life,
    (async () => {
      while (!isDead() && (runner.nextWakeAt() !== undefined || runner.waiting() > 0)) await soon();
    })(),
  );
}

/** Lets it happen, a part in each life; what is left in the last one, which lives on. */
async function runOut(
  world: PolicyWorld,
  happenings: readonly Happening[],
  most: Limits,
  deaths: readonly Death[],
  isTwice: boolean,
): Promise<void> {
  const left = [...happenings];
  for (const death of [...deaths, undefined]) {
    const life = live(world, most, death);
    const portion = death === undefined ? left.length : Math.ceil(left.length / 2);
    for (const one of left.splice(0, portion)) await world.happen(one);
    try {
      await life.runner.restore();
      await bringAll(life, world, isTwice);
      await life.runner.checkpoint();
    } catch (error) {
      if (death === undefined) throw error;
    }
    life.runner.stop();
    await life.runner.settled();
  }
}

/** Another start has nothing left to do. */
async function isAllKept(world: PolicyWorld, most: Limits): Promise<boolean> {
  const { runner } = live(world, most, undefined);
  const filter = { types: runner.types };
  const after = await runner.restore();
  for await (const { events } of world.log.readAll({ after, filter })) {
    if (events.length > 0) return false;
  }
  return true;
}

/** Which targets each of the news is for, and which of these closed later on. */
function duties(happenings: readonly Happening[]) {
  const open = new Map<string, string>();
  const may: Took[] = [];
  let must: Took[] = [];
  for (const [news, one] of happenings.entries()) {
    if (one.kind === 'open') {
      open.set(one.target, one.key);
      continue;
    }
    // What it leads to itself is owed, also where it ends an interest.
    if (one.kind === 'close') must = must.filter((took) => took.target !== one.target);
    const isIdle = one.kind === 'news' && (one.goes === 'refused' || one.goes === 'not built');
    for (const [of, wants] of open) {
      if (isIdle || wants !== one.key) continue;
      may.push({ target: of, news });
      must.push({ target: of, news });
    }
    if (one.kind === 'close') open.delete(one.target);
  }
  return { may, must };
}

const told = ({ target: of, news }: Took) => `${news} to ${of}`;

/**
 * What was dropped because its target closed may still come: from another write server, which goes at
 * its own pace, or after a start; and then between what the target is sent after it opened again.
 */
function check(
  effects: readonly Took[],
  happenings: readonly Happening[],
  ordered: 'all' | 'what is owed',
): void {
  const { may, must } = duties(happenings);
  const names = effects.map(told);
  expect(new Set(names).size).toBe(names.length);
  expect(may.map(told)).toEqual(expect.arrayContaining(names));
  expect(names).toEqual(expect.arrayContaining(must.map(told)));
  const owed = new Set(must.map(told));
  const inOrder = effects.filter((took) => ordered === 'all' || owed.has(told(took)));
  for (const name of ['a', 'b', 'c']) {
    const numbers = inOrder.filter((took) => took.target === name).map(({ news }) => news);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  }
}

const happenings = fc.array(happening, { minLength: 4, maxLength: 30, size: 'max' });
const runs = Number(process.env.PROCESS_RUNS ?? 120);

async function newWorld(): Promise<PolicyWorld> {
  worlds += 1;
  const world = createPolicyWorld(join(folder, `${worlds}.db`));
  // The first runner of all has to be there before what it shall see.
  await live(world, { mostWaiting: 1, mostEvents: 1, mostNamed: 1 }, undefined).runner.restore();
  return world;
}

describe('a policy', () => {
  test('leads each event to each interest exactly once, in order, whatever is killed when', async () => {
    await fc.assert(
      fc.asyncProperty(
        happenings,
        limits,
        lives,
        fc.boolean(),
        async (all, most, deaths, isTwice) => {
          await using world = await newWorld();
          await runOut(world, all, most, deaths, isTwice);
          expect(await isAllKept(world, most)).toBe(true);
          const ordered = deaths.length === 0 ? 'all' : 'what is owed';
          check(await world.effects(), all, ordered);
        },
      ),
      { numRuns: runs },
    );
  }, 180_000);

  test('does no harm where two write servers run it', async () => {
    await fc.assert(
      fc.asyncProperty(happenings, limits, lives, async (all, most, deaths) => {
        await using world = await newWorld();
        for (const one of all) await world.happen(one);
        await Promise.all([
          runOut(world, [], most, deaths, false),
          runOut(world, [], most, [], false),
        ]);
        check(await world.effects(), all, 'what is owed');
      }),
      { numRuns: Math.ceil(runs / 3) },
    );
  }, 180_000);
});
