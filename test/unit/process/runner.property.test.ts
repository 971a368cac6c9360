import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeEvent, processEventSchemas } from '../../../src/process/events.ts';
import { evolve } from '../../../src/process/evolve.ts';
import { createProcessRunner, type ProcessRunner } from '../../../src/process/runner.ts';
import { outcomeOf, type ProcessState } from '../../../src/process/state.ts';
import { quiet } from '../../support/command-bus.ts';
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
): Promise<void> {
  const left = [...deaths];
  let life: Life | undefined;
  for (let rounds = 0; rounds < 2_000; rounds += 1) {
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

async function processesOf(world: World): Promise<Exclude<ProcessState, undefined>[]> {
  const states = new Map<string, ProcessState>();
  const filter = { types: processEventSchemas.map(({ typeName }) => typeName) };
  for await (const { events } of world.log.readAll({ filter })) {
    for (const recorded of events) {
      const event = decodeEvent(recorded);
      if (event) states.set(recorded.stream, evolve(states.get(recorded.stream), event));
    }
  }
  return [...states.values()].filter((state) => state !== undefined);
}

describe('a made-up process', () => {
  test('ends, each effect exactly once, whatever is killed when', async () => {
    await fc.assert(
      fc.asyncProperty(script, lives, fc.boolean(), async (made, deaths, isTwice) => {
        worlds += 1;
        await using world = createWorld(join(folder, `${worlds}.db`), made);
        // The first runner of all has to be there before what it shall see.
        await live(world, made, undefined).runner.restore();
        await world.open('a');
        await world.open('b');
        await runOut(world, made, deaths, isTwice);
        const processes = await processesOf(world);
        expect(processes.map(({ data }) => data.key).sort()).toEqual(['a', 'b']);
        const effects = (await world.effects()).map(({ note }) => note);
        expect(new Set(effects).size).toBe(effects.length);
        for (const process of processes) checkEnd(process, effects, made);
      }),
      { numRuns: Number(process.env.PROCESS_RUNS ?? 150) },
    );
  }, 120_000);
});

function checkEnd(
  process: Exclude<ProcessState, undefined>,
  all: readonly string[],
  { steps, timeLimitMs }: ProcessScript,
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
