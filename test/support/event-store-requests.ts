import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import type {
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
  ReadReq,
  ReadResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import type { ServiceError } from '@grpc/grpc-js';
import type { eventStoreServer } from './event-store-server.ts';

// Requests in the words of the protocol itself, for what no client of EventStoreDB sends.

type RawClient = ReturnType<ReturnType<typeof eventStoreServer>['rawClient']>;

export const empty = () => new sharedPb.Empty();

export function identifier(stream: string) {
  return new sharedPb.StreamIdentifier().setStreamName(Buffer.from(stream));
}

export type Proposal = {
  readonly id: string;
  readonly properties?: Readonly<Record<string, string>>;
  readonly data?: Uint8Array;
};

export const jsonProperties = { type: 'OrderPlaced', 'content-type': 'application/json' };

export function appendOptions(
  stream: string,
  set: (options: AppendReq.Options) => void = (options) => options.setAny(empty()),
): AppendReq {
  const options = new streamsPb.AppendReq.Options().setStreamIdentifier(identifier(stream));
  set(options);
  return new streamsPb.AppendReq().setOptions(options);
}

export function appendEvent({ id, properties = jsonProperties, data }: Proposal): AppendReq {
  const message = new streamsPb.AppendReq.ProposedMessage().setId(
    new sharedPb.UUID().setString(id),
  );
  fill(message, properties, data);
  return new streamsPb.AppendReq().setProposedMessage(message);
}

export function batchEvent({ id, properties = jsonProperties, data }: Proposal) {
  const message = new streamsPb.BatchAppendReq.ProposedMessage().setId(
    new sharedPb.UUID().setString(id),
  );
  fill(message, properties, data);
  return message;
}

function fill(
  message: { getMetadataMap(): { set(key: string, value: string): unknown } } & {
    setData(data: Uint8Array): unknown;
  },
  properties: Readonly<Record<string, string>>,
  data: Uint8Array = Buffer.from('{}'),
): void {
  for (const [key, value] of Object.entries(properties)) message.getMetadataMap().set(key, value);
  message.setData(data);
}

/** Sends the requests as one Append. */
export function rawAppend(client: RawClient, requests: readonly AppendReq[]): Promise<AppendResp> {
  return new Promise((resolve, reject) => {
    const call = client.append((error: ServiceError | null, response?: AppendResp) => {
      if (error !== null || response === undefined) reject(error);
      else resolve(response);
    });
    for (const request of requests) call.write(request);
    call.end();
  });
}

/** Sends the requests as one BatchAppend, and gives all answers. */
export async function rawBatch(
  client: RawClient,
  requests: readonly BatchAppendReq[],
): Promise<BatchAppendResp[]> {
  const call = client.batchAppend();
  for (const request of requests) call.write(request);
  call.end();
  const answers: BatchAppendResp[] = [];
  for await (const answer of call) answers.push(answer);
  return answers;
}

export type Piece = {
  readonly id: string;
  readonly options?: BatchAppendReq.Options;
  readonly events?: readonly BatchAppendReq.ProposedMessage[];
  /** True by default. */
  readonly isFinal?: boolean;
};

export function batchRequest({ id, options, events = [], isFinal = true }: Piece): BatchAppendReq {
  return new streamsPb.BatchAppendReq()
    .setCorrelationId(new sharedPb.UUID().setString(id))
    .setOptions(options)
    .setProposedMessagesList([...events])
    .setIsFinal(isFinal);
}

export function batchOptions(stream: string): BatchAppendReq.Options {
  return new streamsPb.BatchAppendReq.Options().setStreamIdentifier(identifier(stream));
}

/** A read of a stream from its start, of all of it, with ids as text; `set` changes that. */
export function readRequest(stream: string, set: (options: ReadReq.Options) => void = () => {}) {
  const target = new streamsPb.ReadReq.Options.StreamOptions()
    .setStreamIdentifier(identifier(stream))
    .setStart(empty());
  const options = new streamsPb.ReadReq.Options()
    .setStream(target)
    .setCount('1000')
    .setNoFilter(empty())
    .setUuidOption(new streamsPb.ReadReq.Options.UUIDOption().setString(empty()));
  set(options);
  return new streamsPb.ReadReq().setOptions(options);
}

export async function rawRead(client: RawClient, request: ReadReq): Promise<ReadResp[]> {
  const answers: ReadResp[] = [];
  for await (const answer of client.read(request)) answers.push(answer);
  return answers;
}
