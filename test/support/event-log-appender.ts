// A process that appends to an event log as fast as it can, run by tests:
//   node event-log-appender.ts <path> <callers> <appends per caller> <stream> [<stream> ...]
// It waits for a line on its standard input, so that several start together, and prints a line
// "<command id> <stream> <revision>" for each append that was acknowledged. Every append has three
// events, at the revision that the caller has seen last; after a conflict it looks and tries again.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import { sampleEvents } from './event-log-samples.ts';

const [path = '', callers, appends, ...streams] = process.argv.slice(2);

async function call(log: ReturnType<typeof createSqliteEventLog>, caller: number): Promise<void> {
  const seen = new Map<string, number>();
  for (let n = 0; n < Number(appends); n += 1) {
    const stream = streams[(caller + n) % streams.length] ?? '';
    const causation = randomUUID();
    const events = sampleEvents(3, { causation });
    for (let isDone = false; !isDone; ) {
      const revision = seen.get(stream) ?? -1;
      const result = await log.append(stream, revision < 0 ? 'no_stream' : revision, events);
      seen.set(stream, result.appended ? result.revision : result.actual);
      isDone = result.appended;
      if (result.appended) writeSync(1, `${causation} ${stream} ${result.revision}\n`);
    }
  }
}

writeSync(1, 'ready\n');
await once(process.stdin, 'data');
{
  await using log = createSqliteEventLog({ path });
  await Promise.all(Array.from({ length: Number(callers) }, (_, caller) => call(log, caller)));
}
process.stdin.destroy();
