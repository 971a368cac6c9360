import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { StatusSchema } from '../gen/google/rpc/status_pb.ts';
import type { Failure } from './status.ts';

/** The trailer that carries the details. */
export const statusDetails = 'grpc-status-details-bin';

/** The status and trailers of gRPC: the details go as a google.rpc.Status in a binary trailer. */
export function grpcStatus(failure: Failure): StatusObject {
  const { code, message } = failure;
  const details = failure.details.map(({ desc, value }) => anyPack(desc, value));
  const status = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
  const metadata = new Metadata();
  metadata.set(statusDetails, Buffer.from(status));
  return { code, details: message, metadata };
}
