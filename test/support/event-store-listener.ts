import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import type { eventStoreServer } from './event-store-server.ts';

type RawClient = ReturnType<ReturnType<typeof eventStoreServer>['rawClient']>;

/** What a subscription says, in short: `event 0@order-1`, `checkpoint`, `caught up`. */
export type Listener = {
  readonly said: readonly string[];
  readonly answers: readonly ReadResp[];
  /** Resolves when something has been said that passes, for the first time. */
  readonly until: (passes: (said: readonly string[]) => boolean) => Promise<void>;
  /** How the call has ended; undefined as long as it has not. */
  readonly ended: Promise<ServiceError>;
  readonly cancel: () => void;
  /** Takes nothing more, until `resume`. */
  readonly pause: () => void;
  readonly resume: () => void;
};

/** Subscribes, in the words of the protocol itself, and writes down what is said. */
export function listen(client: RawClient, request: ReadReq): Listener {
  const call: ClientReadableStream<ReadResp> = client.read(request);
  const answers: ReadResp[] = [];
  const said: string[] = [];
  const waiting = new Set<() => void>();
  call.on('data', (answer: ReadResp) => {
    answers.push(answer);
    said.push(inShort(answer));
    for (const look of waiting) look();
  });
  const ended = new Promise<ServiceError>((resolve) => call.once('error', resolve));

  function until(passes: (said: readonly string[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!passes(said)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  }

  return {
    said,
    answers,
    until,
    ended,
    cancel: () => call.cancel(),
    pause: () => void call.pause(),
    resume: () => void call.resume(),
  };
}

function inShort(answer: ReadResp): string {
  if (answer.hasConfirmation()) return 'confirmed';
  if (answer.hasCaughtUp()) return 'caught up';
  if (answer.hasFellBehind()) return 'fell behind';
  if (answer.hasCheckpoint()) return `checkpoint ${answer.getCheckpoint()?.getCommitPosition()}`;
  const event = answer.getEvent()?.getLink() ?? answer.getEvent()?.getEvent();
  const stream = Buffer.from(event?.getStreamIdentifier()?.getStreamName_asU8() ?? []);
  return `event ${event?.getStreamRevision()}@${stream.toString()}`;
}
