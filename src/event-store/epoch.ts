import { randomUUID } from 'node:crypto';
import type { WireLog } from './log.ts';

const stream = '$epoch-information';

/**
 * A node that becomes the leader begins an epoch, and writes that down. Clients that were written
 * for EventStoreDB may count on it: its log is never without an event.
 */
export async function beginEpoch(log: WireLog, leaderId: string): Promise<void> {
  await log.write(1, (view) => {
    const number = view.lastRevision(stream) + 1;
    const previous = view.newest(stream)?.position ?? -1;
    const epoch = {
      EpochNumber: number,
      EpochId: randomUUID(),
      PrevEpochPosition: previous,
      TimeStamp: new Date().toISOString(),
      LeaderInstanceId: leaderId,
    };
    const data = Buffer.from(JSON.stringify(epoch));
    const event = { id: epoch.EpochId, type: stream, isJson: true, data, metadata: noMetadata };
    view.insert(stream, number, [event]);
  });
}

const noMetadata = Buffer.alloc(0);
