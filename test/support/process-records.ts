import { create } from '@bufbuild/protobuf';
import {
  CancelProcessCommandSchema,
  type Process as ProcessRecord,
  RetryProcessCommandSchema,
} from '../../src/gen/cipherhorizon/platform/v1/processes_pb.ts';
import { deriveUuid } from '../../src/kernel/derived-id.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { isRejection } from '../../src/kernel/rejection.ts';
import { processes, stateNames, toProcess } from '../../src/platform/views/processes.ts';
import {
  decodeEvent,
  encodeEvent,
  processEventSchemas,
  streamOf,
} from '../../src/process/events.ts';
import { evolve } from '../../src/process/evolve.ts';
import { operatedProcess } from '../../src/process/operate.ts';
import { outcomeOf, type Process } from '../../src/process/state.ts';
import type { World } from './process-world.ts';

/** A process as its own events give it, and as the view shows it. */
export type Told = {
  readonly process: Process;
  readonly record: ProcessRecord;
  readonly revision: number;
};

/** All processes of a world, by the key of their data. */
export async function processesOf(world: Pick<World, 'log'>): Promise<ReadonlyMap<string, Told>> {
  const states = new Map<string, { process: Process | undefined; revision: number }>();
  const documents = new Map<string, JsonObject>();
  const filter = { types: processEventSchemas.map(({ typeName }) => typeName) };
  for await (const { events } of world.log.readAll({ filter })) {
    for (const recorded of events) {
      const message = decodeEvent(recorded);
      if (message === undefined) continue;
      const { stream, revision } = recorded;
      states.set(stream, { process: evolve(states.get(stream)?.process, message), revision });
      for (const id of processes.ids({ message, recorded })) {
        const document = processes.project(documents.get(id), { message, recorded }, id);
        if (document !== undefined) documents.set(id, document);
      }
    }
  }
  const told = new Map<string, Told>();
  for (const { process, revision } of states.values()) {
    const document = process && documents.get(process.id);
    if (process === undefined || document === undefined) continue;
    told.set(String(process.data.key), { process, record: toProcess(document), revision });
  }
  return told;
}

/** Where the process stands in the view is where it stands. */
export function agrees({ process, record }: Told): readonly string[] {
  const { stage } = process;
  const wrong: string[] = [];
  const compare = (what: string, shown: unknown, is: unknown) => {
    if (shown !== is) wrong.push(`${what}: shown as ${shown}, is ${is}`);
  };
  compare('state', record.state, stateNames[outcomeOf(process)]);
  compare('needs operator', record.needsOperator, stage.kind === 'failed' && !stage.settled);
  if (outcomeOf(process) === 'IN_PROGRESS') {
    compare('compensating', record.compensating, !['advancing', 'running'].includes(stage.kind));
  } else {
    compare('waits', record.steps.filter(({ dueAt }) => dueAt !== undefined).length, 0);
    compare('has ended', record.endedAt !== undefined, true);
  }
  const phases = ['', 'PENDING', 'COMPLETED', 'FAILED', 'COMPENSATING', 'COMPENSATED'];
  for (const [index, step] of process.steps.entries()) {
    const shown = record.steps[index];
    compare(step.name, phases[shown?.state ?? 0], step.phase);
    compare(`${step.name} is given up`, shown?.givenUp, step.givenUp === true);
    compare(`${step.name}'s command`, shown?.command?.commandId, step.command?.commandId);
    compare(`${step.name}'s receipt`, shown?.receipt?.commandId, step.receipt?.commandId);
    compare(`${step.name}'s event`, shown?.event?.eventId, step.event?.eventId);
  }
  return wrong;
}

/** What an operator asks of a process, as the command bus decides it; whether it was accepted. */
export async function operate(
  world: Pick<World, 'log' | 'now'>,
  { process, revision }: Told,
  what: 'retry' | 'cancel',
): Promise<boolean> {
  const { id } = process;
  const schema = what === 'retry' ? RetryProcessCommandSchema : CancelProcessCommandSchema;
  const events = operatedProcess.decide(create(schema, { processId: id }) as never, process, {
    ...{ id, commandId: '', related: undefined, prepared: undefined },
    nowMs: world.now(),
    principal: { subject: 'olga', roles: ['operator'] },
  });
  if (isRejection(events) || events.length === 0) return false;
  const stored = events.map((event) => ({
    id: deriveUuid(id, `${what} at ${revision}`),
    type: event.$typeName,
    data: encodeEvent(event),
    metadata: { actor: 'olga' },
  }));
  return (await world.log.append(streamOf(id), revision, stored)).appended;
}
