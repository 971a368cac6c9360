import { comparePositions, isAfter, type Position, start } from '../kernel/position.ts';
import type { Gauge, Log } from '../kernel/telemetry.ts';
import { quietBatches, type Runner } from './drive.ts';
import type { PolicyDefinition } from './kit.ts';
import { createPolicyCatalogue } from './policy-catalogue.ts';
import {
  createPolicyCheckpoints,
  type Opened,
  type PolicyCheckpoint,
  policyCheckpointOf,
} from './policy-checkpoint.ts';
import { createInterests, type Interests } from './policy-interests.ts';
import { createPolicySender, type PolicySender } from './policy-sender.ts';
import type { ProcessSource, ProcessStore, SendCommand } from './ports.ts';

export type PolicyRunnerOptions = {
  readonly definition: PolicyDefinition;
  readonly source: ProcessSource;
  readonly store: ProcessStore;
  readonly execute: SendCommand;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
  /** Counts what becomes of commands: 'accepted', 'refused', 'fault', 'defect'. */
  readonly observe: (policy: string, outcome: string) => void;
  /** A send that has no outcome after so long is a fault. 10 s by default. */
  readonly sendTimeoutMs?: number;
  readonly mostSends?: number;
  /** The log is not read on while so many commands wait: 10,000 by default. */
  readonly mostWaiting?: number;
  /** Nor while so many events have commands that wait: 256 by default. */
  readonly mostEvents?: number;
  /** How many interests a checkpoint names: 500 by default, of some 80 bytes each. */
  readonly mostNamed?: number;
  readonly onWakeAt?: (atMs: number) => void;
};

export type PolicyRunner = Runner & {
  /** How many interests are open. */
  readonly interests: () => number;
  /** Commands that have no outcome yet. */
  readonly waiting: () => number;
  readonly gauges: readonly PolicyGauge[];
};

/** A gauge of one policy; `of` all, they are one metric with the policy as its label. */
export type PolicyGauge = Pick<Gauge, 'name' | 'help'> & { readonly value: () => number };

/** The parts of one policy that do not wait, as `ProcessRunner` is those of processes. */
export function createPolicyRunner(options: PolicyRunnerOptions): PolicyRunner {
  const { definition, source, store, now, log, observe } = options;
  const { name } = definition;
  const catalogue = createPolicyCatalogue(definition, log, () => observe(name, 'defect'));
  const checkpoints = createPolicyCheckpoints(store, name);
  const interests = createInterests(options.mostNamed ?? 500);
  const sender = createPolicySender({
    ...{ sendTimeoutMs: 10_000, mostSends: 64, mostWaiting: 10_000, mostEvents: 256 },
    ...options,
  });
  let delivered: Position | undefined;
  let saved: PolicyCheckpoint | undefined;
  let isDirty = false;
  let quiet = 0;

  const at = (): Position => {
    if (delivered === undefined) throw new Error(`the policy ${name} is not restored`);
    return delivered;
  };

  const save = async (checkpoint: PolicyCheckpoint) => {
    await checkpoints.save(checkpoint, now());
    saved = checkpoint;
  };

  const reopen = async ({ stream, revision, target }: Opened) => {
    for await (const event of store.read(stream, { from: revision, limit: 1 })) {
      if (event.revision !== revision) continue;
      const interest = catalogue
        .of(event)
        .opens()
        .find((one) => one.target === target);
      if (interest !== undefined) interests.open(interest);
    }
  };

  const readInterests = async ({ position: until, open, othersAfter }: PolicyCheckpoint) => {
    interests.clear();
    // Oldest first, as they are kept.
    for (const one of open) await reopen(one);
    if (!isAfter(until, othersAfter)) return;
    const filter = { types: catalogue.interestTypes };
    for await (const batch of source.readAll({ after: othersAfter, filter })) {
      for (const event of batch.events) {
        if (isAfter(event.position, until)) return;
        const { closes, opens } = catalogue.of(event);
        for (const target of closes()) interests.close(target, event.position);
        for (const interest of opens()) interests.open(interest);
      }
      if (!isAfter(until, batch.position)) return;
    }
  };

  const restore = async () => {
    saved = await checkpoints.newest();
    if (saved === undefined) {
      // What is open is of interest from now on.
      const { position } = await source.head();
      await save({ position, open: [], othersAfter: start });
    }
    const checkpoint = saved as PolicyCheckpoint | undefined;
    if (checkpoint === undefined) throw new Error(`the policy ${name} has no checkpoint`);
    await readInterests(checkpoint);
    delivered = checkpoint.position;
    log.info({ policy: name, interests: interests.count() }, 'a policy is taken up');
    return delivered;
  };

  return {
    restore,
    isRestored: () => delivered !== undefined,
    types: catalogue.types,
    deliver: async ({ events, position }) => {
      for (const recorded of events) {
        if (!isAfter(recorded.position, at())) continue;
        await sender.room();
        const { reactions, closes, opens } = catalogue.of(recorded);
        for (const { key, message, command } of reactions()) {
          sender.take({ recorded, message, command }, interests.withKey(key));
        }
        for (const target of closes()) {
          interests.close(target, recorded.position);
          sender.drop(target, recorded.position);
        }
        for (const interest of opens()) interests.open(interest);
        delivered = recorded.position;
      }
      if (isAfter(position, at())) delivered = position;
      sender.reach(at());
      quiet = events.length > 0 ? quietBatches : quiet + 1;
      if (quiet >= quietBatches) isDirty = true;
    },
    position: at,
    wake: sender.wake,
    nextWakeAt: sender.nextWakeAt,
    settled: sender.settled,
    checkpoint: async () => {
      const done = sender.done();
      if (!isDirty || done === undefined) return;
      if (saved !== undefined && comparePositions(saved.position, done) === 0) return;
      const isAll = comparePositions(done, at()) === 0;
      isDirty = !isAll;
      if (isAll) quiet = 0;
      await save(policyCheckpointOf(done, interests.asOf(done))).catch((error: unknown) => {
        isDirty = true;
        throw error;
      });
    },
    interests: interests.count,
    waiting: sender.waiting,
    gauges: gaugesOf(interests, sender, now),
    stop: sender.stop,
  };
}

function gaugesOf(
  interests: Interests,
  sender: PolicySender,
  now: () => number,
): readonly PolicyGauge[] {
  return [
    {
      name: 'cqrs_policy_interests',
      help: 'Interests that are open.',
      value: interests.count,
    },
    {
      name: 'cqrs_policy_waiting',
      help: 'Commands that wait for their turn, or for another attempt.',
      value: sender.waiting,
    },
    {
      name: 'cqrs_policy_oldest_age_seconds',
      help: 'How long ago the oldest event was stored whose commands wait; 0 where there is none.',
      value: () => {
        const oldestAt = sender.oldestAt();
        return oldestAt === undefined ? 0 : Math.max(now() - oldestAt, 0) / 1000;
      },
    },
  ];
}
