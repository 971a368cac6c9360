import { randomUUID } from 'node:crypto';
import { comparePositions, isAfter, type Position, start } from '../kernel/position.ts';
import { idOf } from '../kernel/stream-name.ts';
import type { Gauge, Log } from '../kernel/telemetry.ts';
import { createDefinitions } from './catalogue.ts';
import { type Checkpoint, checkpointOf, createCheckpoints } from './checkpoint.ts';
import { quietBatches, type Runner } from './drive.ts';
import { processEventSchemas, revivingTypes } from './events.ts';
import type { ProcessDefinition } from './kit.ts';
import { createManager, type Manager } from './manager.ts';
import type { ProcessSource, ProcessStore, SendCommand } from './ports.ts';
import { createRouter } from './router.ts';
import { createSender } from './sender.ts';

export type ProcessRunnerOptions = {
  readonly definitions: readonly ProcessDefinition[];
  readonly source: ProcessSource;
  readonly store: ProcessStore;
  readonly execute: SendCommand;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
  /** Counts beginnings and ends: 'started', 'completed', 'compensated', 'failed'. */
  readonly observe: (definition: string, outcome: string) => void;
  /** The same after a restart, and of no other runner that runs. */
  readonly name: string;
  /** Runners that share a checkpoint: those of one event store. */
  readonly group?: string;
  /** A send that has no outcome after so long is a fault. 10 s by default. */
  readonly sendTimeoutMs?: number;
  /**
   * How long another runner is silent before this one goes on with what it has begun: 30 s by default,
   * and longer than a send, so that no two send at once.
   */
  readonly takeOverMs?: number;
  readonly mostSends?: number;
  /** The next time to `wake` is earlier than it was. */
  readonly onWakeAt?: (atMs: number) => void;
};

export type ProcessRunner = Runner & {
  readonly unfinished: () => number;
  readonly gauges: readonly Gauge[];
};

export function createProcessRunner(options: ProcessRunnerOptions): ProcessRunner {
  const { source, store, now, log, name } = options;
  const definitions = createDefinitions(options.definitions);
  const runner = `${name}#${randomUUID().slice(0, 8)}`;
  const sender = createSender(
    { runner, sendTimeoutMs: 10_000, takeOverMs: 30_000, mostSends: 64, ...options },
    () => manager,
  );
  const manager: Manager = createManager({
    ...options,
    runner,
    definitions,
    onChange: sender.consider,
  });
  const router = createRouter({ definitions, manager, log });
  const checkpoints = createCheckpoints(store, options.group ?? 'all');
  const ownTypes = processEventSchemas.map((schema) => schema.typeName);
  let position: Position | undefined;
  let saved: Checkpoint | undefined;
  let isDirty = false;
  let quiet = 0;

  const at = (): Position => {
    if (position === undefined) throw new Error(`the process runner ${name} is not restored`);
    return position;
  };

  const save = async (checkpoint: Checkpoint) => {
    await checkpoints.save(checkpoint, now());
    saved = checkpoint;
    quiet = 0;
    isDirty = false;
  };

  const loadOthers = async ({ position: until, othersAfter }: Checkpoint) => {
    const filter = { types: revivingTypes };
    for await (const batch of source.readAll({ after: othersAfter, filter })) {
      const ids = new Set(batch.events.map(({ stream }) => idOf(stream)));
      await Promise.all([...ids].map((id) => manager.load(id, othersAfter)));
      if (!isAfter(until, batch.position)) return;
    }
  };

  const restore = async () => {
    saved = await checkpoints.newest();
    if (saved === undefined) {
      const head = (await source.head()).position;
      await save({ position: head, unfinished: [], othersAfter: head });
      position = head;
      return head;
    }
    // Named once, they stay named until they end: they are older than what is looked for.
    await Promise.all(saved.unfinished.map((id) => manager.load(id, start)));
    if (isAfter(saved.position, saved.othersAfter)) await loadOthers(saved);
    log.info({ unfinished: manager.live.count() }, 'processes are taken up');
    position = saved.position;
    return position;
  };

  return {
    restore,
    isRestored: () => position !== undefined,
    types: [...ownTypes, ...definitions.eventTypes],
    deliver: async (batch) => {
      await router.deliver(batch.events, at());
      quiet = batch.events.length > 0 ? quietBatches : quiet + 1;
      if (quiet >= quietBatches) isDirty = true;
      if (isAfter(batch.position, at())) position = batch.position;
    },
    position: at,
    wake: sender.wake,
    nextWakeAt: sender.nextWakeAt,
    settled: sender.settled,
    checkpoint: async () => {
      if (!isDirty || (saved && comparePositions(saved.position, at()) === 0)) return;
      await save(checkpointOf(at(), manager.live.all()));
    },
    unfinished: manager.live.count,
    gauges: gaugesOf(manager, definitions.all, now),
    stop: sender.stop,
  };
}

function gaugesOf(
  { live }: Manager,
  definitions: readonly ProcessDefinition[],
  now: () => number,
): readonly Gauge[] {
  const names = [...new Set(definitions.map(({ name }) => name))];
  const startsOf = () => {
    const starts = new Map<string, number[]>(names.map((one) => [one, []]));
    for (const { kept } of live.all()) {
      if (kept.process === undefined) continue;
      const { definition, startedAt } = kept.process;
      const all = starts.get(definition);
      if (all === undefined) starts.set(definition, [startedAt]);
      else all.push(startedAt);
    }
    return [...starts];
  };
  const labels = ['definition'];
  return [
    {
      name: 'cqrs_process_in_progress',
      help: 'Processes that have not ended.',
      labels,
      collect: () => startsOf().map(([one, all]) => ({ labels: [one], value: all.length })),
    },
    {
      name: 'cqrs_process_oldest_age_seconds',
      help: 'How long ago the oldest process that has not ended was started; 0 where there is none.',
      labels,
      collect: () => {
        const nowMs = now();
        const age = (all: readonly number[]) =>
          all.reduce((most, startedAt) => Math.max(most, nowMs - startedAt), 0) / 1000;
        return startsOf().map(([one, all]) => ({ labels: [one], value: age(all) }));
      },
    },
  ];
}
