import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createProcessRunner, type ProcessRunner } from '../../../src/process/runner.ts';
import { outcomeOf, type Process } from '../../../src/process/state.ts';
import { quiet } from '../../support/command-bus.ts';
import { agrees, operate, processesOf, type Told } from '../../support/process-records.ts';
import {
  type CommandScript,
  createWorld,
  definitionOf,
  mortal,
  type ProcessScript,
  type StepScript,
  stepName,
  type World,
} from '../../support/process-world.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = temporaryFolder();
let worlds = 0;

const command: fc.Arbitrary<CommandScript> = fc.record({
  faultsBefore: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.constantFrom(1, 2, 1000)),
  faultsAfter: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.constantFrom(1, 2, 1000)),
  refusals: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.constantFrom(1, 1000)),
});

const step: fc.Arbitrary<StepScript> = fc.record({
  command,
  event: fc.option(
    fc.record({
      by: fc.constantFrom('correlation' as const, 'declared' as const),
      afterMs: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
        fc.constantFrom('never' as const, 'before the step' as const),
      ),
      tells: fc.constantFrom('completed' as const, 'completed', 'failed', 'failed, compensate'),
    }),
    { nil: undefined },
  ),
  compensation: fc.oneof(
    { weight: 6, arbitrary: command },
    fc.constant('nothing to undo' as const),
  ),
  isSkipped: fc.integer({ min: 0, max: 9 }).map((of) => of === 9),
  timeLimitMs: fc.constantFrom(500, 2_000, 10_000),
});

const script: fc.Arbitrary<ProcessScript> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  timeLimitMs: fc.constantFrom(1_000, 5_000, 60_000),
});

/** When lives end: after so many effects, before or after the effect; the last one lives on. */
const lives = fc.array(
  fc.record({
    diesAt: fc.integer({ min: 0, max: 12 }),
    when: fc.constantFrom('before' as const, 'after' as const),
  }),
  { maxLength: 6 },
);

/** What an operator asks, between the rounds of a world. */
const operations = fc.array(
  fc.record({
    round: fc.integer({ min: 0, max: 12 }),
    key: fc.constantFrom('a', 'b'),
    what: fc.constantFrom('retry' as const, 'cancel' as const),
  }),
  { maxLength: 3 },
);

type Operation = {
  readonly round: number;
  readonly key: string;
  readonly what: 'retry' | 'cancel';
};

type Death = { readonly diesAt: number; readonly when: 'before' | 'after' };

type Life = { readonly runner: ProcessRunner; readonly isDead: () => boolean };

function live(world: World, processScript: ProcessScript, death: Death | undefined): Life {
  const ports = mortal(world, death?.diesAt ?? Number.POSITIVE_INFINITY, death?.when ?? 'before');
  const runner = createProcessRunner({
    definitions: [definitionOf(processScript)],
    source: world.log,
    now: world.now,
    log: quiet,
    observe: () => {},
    name: 'one',
    ...ports,
  });
  return { runner, isDead: ports.isDead };
}

/** Brings the runner everything that is new, and sometimes what it has had already. */
async function bringAll(
  { runner, isDead }: Life,
  world: World,
  isTwice: boolean,
): Promise<boolean> {
  let isNews = false;
  const filter = { types: runner.types };
  for await (const batch of world.log.readAll({ after: runner.position(), filter, batchSize: 3 })) {
    await runner.deliver(batch);
    if (isTwice) await runner.deliver(batch);
    runner.wake();
    if (isDead()) break;
    isNews ||= batch.events.length > 0;
  }
  await runner.settled();
  return isNews;
}

async function restored(life: Life): Promise<boolean> {
  try {
    await life.runner.restore();
    return true;
  } catch {
    return false;
  }
}

/** Lets a world go on until nothing is due any more, through the lives of a runner. */
async function runOut(
  world: World,
  processScript: ProcessScript,
  deaths: readonly Death[],
  isTwice: boolean,
  asked: readonly Operation[] = [],
): Promise<void> {
  const left = [...deaths];
  let life: Life | undefined;
  for (let rounds = 0; rounds < 2_000; rounds += 1) {
    for (const { key, what } of asked.filter(({ round }) => round === rounds)) {
      const told = (await processesOf(world)).get(key);
      if (told !== undefined) await operate(world, told, what);
    }
    if (life === undefined || life.isDead()) {
      life?.runner.stop();
      life = live(world, processScript, left.shift());
      if (!(await restored(life))) continue;
    }
    try {
      if (await bringAll(life, world, isTwice)) await life.runner.checkpoint();
      else if (!life.isDead() && !(await world.pass(life.runner.nextWakeAt()))) {
        expect(life.runner.unfinished()).toBe(0);
        return;
      }
      life.runner.wake();
      await life.runner.settled();
    } catch {
      // A fault of its store: it is dead, or goes on from where it was.
    }
  }
  throw new Error('it does not come to an end');
}

describe('a made-up process', () => {
  test('ends, each effect exactly once, whatever is killed when', async () => {
    await fc.assert(
      fc.asyncProperty(script, lives, fc.boolean(), async (made, deaths, isTwice) => {
        await using world = await openWorld(made);
        await runOut(world, made, deaths, isTwice);
        await checkAll(world, made, []);
      }),
      { numRuns: Number(process.env.PROCESS_RUNS ?? 150) },
    );
  }, 120_000);

  test('ends so whatever an operator asks, and when', async () => {
    await fc.assert(
      fc.asyncProperty(script, lives, operations, async (made, deaths, asked) => {
        await using world = await openWorld(made);
        await runOut(world, made, deaths, false, asked);
        await checkAll(world, made, asked);
        // What has failed is tried again, then given up: nothing needs an operator in the end.
        await afterwards(world, made, 'retry', deaths);
        for (let steps = 0; steps < made.steps.length; steps += 1) {
          await afterwards(world, made, 'cancel', deaths);
        }
        for (const { process, record } of await checkAll(world, made, 'given up')) {
          expect(record.needsOperator).toBe(false);
          expect(['COMPLETED', 'COMPENSATED', 'FAILED']).toContain(outcomeOf(process));
        }
      }),
      { numRuns: Number(process.env.PROCESS_RUNS ?? 100) },
    );
  }, 120_000);
});

async function openWorld(made: ProcessScript): Promise<World> {
  worlds += 1;
  const world = createWorld(join(folder, `${worlds}.db`), made);
  // The first runner of all has to be there before what it shall see.
  await live(world, made, undefined).runner.restore();
  await world.open('a');
  await world.open('b');
  return world;
}

/** Of every process that has failed, if any has. */
async function afterwards(
  world: World,
  made: ProcessScript,
  what: 'retry' | 'cancel',
  deaths: readonly Death[],
): Promise<void> {
  let isAny = false;
  for (const told of (await processesOf(world)).values()) {
    if (outcomeOf(told.process) !== 'FAILED') continue;
    if (await operate(world, told, what)) isAny = true;
  }
  if (isAny) await runOut(world, made, deaths, false);
}

async function checkAll(
  world: World,
  made: ProcessScript,
  asked: readonly Operation[] | 'given up',
): Promise<readonly Told[]> {
  const processes = await processesOf(world);
  expect([...processes.keys()].sort()).toEqual(['a', 'b']);
  const effects = (await world.effects()).map(({ note }) => note);
  expect(new Set(effects).size).toBe(effects.length);
  for (const told of processes.values()) {
    expect(agrees(told)).toEqual([]);
    const isAsked = asked === 'given up' || asked.some(({ key }) => key === told.process.data.key);
    checkEnd(told.process, effects, made, isAsked);
  }
  return [...processes.values()];
}

function checkEnd(
  process: Process,
  all: readonly string[],
  { steps, timeLimitMs }: ProcessScript,
  isAsked: boolean,
): void {
  const own = all.filter((note) => note.startsWith(`${process.data.key}/`));
  const did = (index: number, purpose: string) =>
    own.includes(`${process.data.key}/${index}/${purpose}`);
  const outcome = outcomeOf(process);
  expect(['COMPLETED', 'COMPENSATED', 'FAILED']).toContain(outcome);
  for (const [index, step] of steps.entries()) {
    const isUndone = step.event?.tells === 'failed' && process.steps[index]?.event !== undefined;
    // Never a compensation without its step, never before it.
    if (did(index, 'compensation')) {
      expect(own.indexOf(`${process.data.key}/${index}/step`)).toBeGreaterThanOrEqual(0);
      expect(own.indexOf(`${process.data.key}/${index}/step`)).toBeLessThan(
        own.indexOf(`${process.data.key}/${index}/compensation`),
      );
    }
    if (outcome === 'COMPLETED') {
      expect(did(index, 'compensation')).toBe(false);
      expect(did(index, 'step')).toBe(!step.isSkipped);
    }
    if (outcome === 'COMPENSATED' && step.compensation !== 'nothing to undo' && !isUndone) {
      expect(did(index, 'compensation')).toBe(did(index, 'step'));
    }
    expect(process.steps[index]?.name).toBe(stepName(index));
  }
  // An operator makes it last longer, and fail where a step was given up.
  if (isAsked) return;
  if (outcome === 'FAILED') {
    const why = steps.flatMap(({ compensation, command: { faultsAfter, faultsBefore } }) => [
      compensation !== 'nothing to undo' &&
        (compensation.refusals > 0 ||
          compensation.faultsBefore > 0 ||
          compensation.faultsAfter > 0),
      faultsAfter === 1000 || faultsBefore === 1000,
    ]);
    expect(why).toContain(true);
  }
  const limits = steps.map((step) => 2 * step.timeLimitMs + 1_000);
  const most = timeLimitMs + limits.reduce((sum, ms) => sum + ms, 0);
  expect(process.changedAt - process.startedAt).toBeLessThanOrEqual(most);
}
