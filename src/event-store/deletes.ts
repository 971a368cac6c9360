import { randomUUID } from 'node:crypto';
import type {
  DeleteReq,
  DeleteResp,
  TombstoneReq,
  TombstoneResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { handlerFailure, streamDeleted, wrongExpectedVersion } from './errors.ts';
import type { WireLog } from './log.ts';
import { Empty, expectedOf, streamNameOf } from './messages.ts';
import { type Expected, remove } from './writing.ts';

export type Removal = { readonly stream: string; readonly expected: Expected };

export function removalOf(request: DeleteReq | TombstoneReq): Removal {
  const options = request.getOptions();
  if (options === undefined) throw handlerFailure('NullReferenceException: no options');
  const stream = streamNameOf(options.getStreamIdentifier());
  return { stream, expected: expectedOf(options) };
}

/** The stream can be appended to again: it goes on at the revision after its last. */
export async function deleteStream(log: WireLog, removal: Removal): Promise<DeleteResp> {
  const position = await removed(log, removal, 'soft');
  const response = new streamsPb.DeleteResp();
  if (position === undefined) return response.setNoPosition(new Empty());
  const at = new streamsPb.DeleteResp.Position()
    .setCommitPosition(position)
    .setPreparePosition(position);
  return response.setPosition(at);
}

/** The stream is gone for good, and its name with it. */
export async function tombstoneStream(log: WireLog, removal: Removal): Promise<TombstoneResp> {
  const position = await removed(log, removal, 'hard');
  const response = new streamsPb.TombstoneResp();
  if (position === undefined) return response.setNoPosition(new Empty());
  const at = new streamsPb.TombstoneResp.Position()
    .setCommitPosition(position)
    .setPreparePosition(position);
  return response.setPosition(at);
}

async function removed(log: WireLog, { stream, expected }: Removal, how: 'soft' | 'hard') {
  const outcome = await log.write(1, (view) => remove(view, stream, expected, how, randomUUID));
  switch (outcome.kind) {
    case 'stream deleted':
      throw streamDeleted(stream);
    case 'wrong expected version':
      throw wrongExpectedVersion(stream, expected, outcome.actual);
    case 'written':
      return outcome.position === undefined ? undefined : String(outcome.position);
  }
}
