import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type {
  BatchAppendReq,
  BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { supportedMethods } from '../../src/event-store/server-features.ts';

type BatchAppend = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;

/**
 * A server that stores nothing and acknowledges every append, for what a real one rarely does.
 * `calls`: the RPCs that were called, in order. `appends`: how many were acknowledged.
 */
export async function startStub() {
  const calls: string[] = [];
  const streams = new Set<BatchAppend>();
  let appends = 0;
  const server = new Server();
  server.addService(featuresGrpc.ServerFeaturesService, {
    getSupportedMethods: (_call: unknown, answer: sendUnaryData<unknown>) =>
      answer(null, supportedMethods()),
  });
  server.addService(streamsGrpc.StreamsService, {
    read: unused,
    delete: unused,
    tombstone: unused,
    append: (call: ServerReadableStream<unknown, unknown>, answer: sendUnaryData<unknown>) => {
      calls.push('Append');
      call.resume().on('end', () => {
        const success = new streamsPb.AppendResp.Success().setCurrentRevision('0');
        answer(null, new streamsPb.AppendResp().setSuccess(success));
      });
    },
    batchAppend: (call: BatchAppend) => {
      calls.push('BatchAppend');
      streams.add(call);
      call.on('data', (request: BatchAppendReq) => {
        if (!request.getIsFinal()) return;
        appends += 1;
        call.write(acknowledge(request, appends));
      });
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    connectionString: `esdb://127.0.0.1:${port}?tls=false`,
    calls,
    appends: () => appends,
    /** Ends the streams of appends with OK, as no client asks for. */
    endStreams: () => {
      for (const stream of streams) stream.end();
      streams.clear();
    },
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

function acknowledge(request: BatchAppendReq, number: number): BatchAppendResp {
  const success = new streamsPb.BatchAppendResp.Success()
    .setCurrentRevision('0')
    .setPosition(
      new sharedPb.AllStreamPosition()
        .setCommitPosition(String(number + 1_000))
        .setPreparePosition(String(number)),
    );
  return new streamsPb.BatchAppendResp()
    .setCorrelationId(request.getCorrelationId())
    .setStreamIdentifier(request.getOptions()?.getStreamIdentifier())
    .setSuccess(success);
}

function unused(): never {
  throw new Error('the stub only appends');
}
