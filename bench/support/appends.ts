import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import { CashDepositedSchema } from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import type { NewEvent } from '../../src/kernel/event.ts';
import { openBareTable, rowsOfLog } from './bare-sqlite.ts';
import { eventsFile } from './command-bus.ts';
import { commandEvent } from './events.ts';
import { type Compared, compare, ratePerSecond } from './rounds.ts';

const rounds = 9;
const roundMs = 500;
const writers = 16;
const eventsOfAppend = 10;

/** Appends of ten events to streams of their own, against ten rows per transaction. */
export async function compareAppends({ folder }: { readonly folder: string }): Promise<Compared> {
  await using store = createSqliteEventLog({ path: join(folder, eventsFile) });
  const streams = Array.from({ length: writers }, () => `portfolio-${randomUUID()}`);
  const append = async () => {
    const appends = await ratePerSecond(roundMs, writers, (writer) =>
      store.append(streams[writer] ?? '', 'any', Array.from({ length: eventsOfAppend }, deposit)),
    );
    return appends * eventsOfAppend;
  };
  await append();
  using bare = openBareTable(folder, rowsOfLog(join(folder, eventsFile), 1_000));
  return await compare(rounds, append, () => bare.insertRate(roundMs, eventsOfAppend));
}

function deposit(): NewEvent {
  const data = {
    ...{ portfolioId: randomUUID(), userId: 'bench', currency: 'USD', note: 'monthly savings' },
    ...{ amount: '125.5', cash: '1255', occurredAt: '2026-01-01T00:00:00.000Z' },
  };
  return commandEvent(CashDepositedSchema, randomUUID(), data, Date.now());
}
