import { randomUUID } from 'node:crypto';
import { decimal, mul, toText } from '../../src/kernel/decimal.ts';
import type { NewEvent } from '../../src/kernel/event.ts';
import { openBus } from './command-bus.ts';
import { median } from './statistics.ts';

type Bus = Awaited<ReturnType<typeof openBus>>;

/** Milliseconds of a command. */
export type StreamTimes = {
  readonly short: number;
  readonly long: number;
  /** The median of long / short, pair by pair. */
  readonly ratio: number;
  readonly coldShort: number;
  readonly coldLong: number;
};

const shortLength = 10;
const shortStreams = 50;
const pairs = 4_000;
const coldRounds = 5;
const eventsOfAppend = 500;
const snapshotEvery = 500;

/**
 * One caller alone, in turns on a stream of 10 events and on one of very many. The long one ends just
 * before its next snapshot is due: a cold command has the longest tail to read that there can be.
 */
export async function timeOnStreams(input: {
  readonly folder: string;
  readonly length: number;
}): Promise<StreamTimes> {
  const { folder, length } = input;
  const { shortIds, longId } = await build(folder, length);
  const cold = { short: [] as number[], long: [] as number[] };
  for (let round = 0; round < coldRounds; round += 1) {
    await using bus = await openBus(folder);
    // The first command of a process compiles what all of them need.
    await bus.deposit(shortIds[0] ?? '');
    cold.short.push(await timed(bus, shortIds[round + 1] ?? ''));
    cold.long.push(await timed(bus, longId));
  }
  await using bus = await openBus(folder);
  for (const id of [...shortIds, longId]) await bus.deposit(id);
  const short: number[] = [];
  const long: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const shortId = shortIds[pair % shortIds.length] ?? '';
    // Each is as often the first of the two.
    if (pair % 2 === 0) short.push(await timed(bus, shortId));
    long.push(await timed(bus, longId));
    if (pair % 2 === 1) short.push(await timed(bus, shortId));
  }
  return {
    short: median(short),
    long: median(long),
    ratio: median(long) / median(short),
    coldShort: median(cold.short),
    coldLong: median(cold.long),
  };
}

async function build(folder: string, length: number) {
  await using bus = await openBus(folder);
  const shortIds: string[] = [];
  for (let i = 0; i < shortStreams; i += 1) {
    const id = await bus.open();
    for (let event = 1; event < shortLength; event += 1) await bus.deposit(id);
    shortIds.push(id);
  }
  const longId = await bus.open();
  await bus.deposit(longId);
  await lengthen(bus, longId, length);
  return { shortIds, longId };
}

/** Straight into the log, with a snapshot where the bus would have left its last one. */
async function lengthen({ bus, store }: Bus, id: string, length: number): Promise<void> {
  const stream = `portfolio-${id}`;
  const decider = bus.catalogue.deciders.get('portfolio');
  const stored: NewEvent[] = [];
  for await (const event of store.read(stream, { from: 1, limit: 1 })) stored.push(event);
  const [template] = stored;
  if (template === undefined || decider === undefined) throw new Error(`${stream} has no deposit`);
  const snapshotAt = length - snapshotEvery - 1;
  const last = length - 1 - coldRounds;
  let revision = 1;
  while (revision < last) {
    const until = revision < snapshotAt ? snapshotAt : last;
    const count = Math.min(eventsOfAppend, until - revision);
    await store.append(
      stream,
      revision,
      Array.from({ length: count }, (_, index) => anew(template, revision + 1 + index)),
    );
    revision += count;
    if (revision !== snapshotAt) continue;
    await bus.loader.keep(decider, stream, await bus.loader.load(decider, stream));
  }
}

/** The deposit that leads to this revision: the first one has 1. */
function anew({ type, data, metadata }: NewEvent, revision: number): NewEvent {
  const id = randomUUID();
  const cash = toText(mul(decimal(String(data.amount)), decimal(String(revision))));
  return { id, type, data: { ...data, cash }, metadata: { ...metadata, $causationId: id } };
}

async function timed(bus: Bus, id: string): Promise<number> {
  const startedAt = performance.now();
  await bus.deposit(id);
  return performance.now() - startedAt;
}
