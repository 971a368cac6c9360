import type { DescMessage, DescMethod, Message } from '@bufbuild/protobuf';
import {
  ListParkedEventsRequestSchema,
  ListProjectionsRequestSchema,
  ProjectionService,
  RebuildProjectionRequestSchema,
  RetryParkedEventsRequestSchema,
  RollbackProjectionRequestSchema,
  SkipParkedEventRequestSchema,
  VerifyProjectionRequestSchema,
  WatchProjectionsRequestSchema,
} from '../gen/cipherhorizon/platform/v1/operations_pb.ts';
import { accessOf, authorise } from '../kernel/access.ts';
import type { Rejection } from '../kernel/rejection.ts';
import type { Call, RpcHandler, RpcService } from '../kernel/rpc.ts';
import type { Validate } from '../kernel/validation.ts';
import { createOperations } from './operations.ts';
import type { Projector } from './projector.ts';

/** Serves the operations on read models. A rebuild runs on after its caller has gone. */
export function createProjectionService(projector: Projector, validate: Validate): RpcService {
  const operations = createOperations(projector);
  const { method } = ProjectionService;

  const refusal = (of: DescMethod, schema: DescMessage, request: Message, call: Call) =>
    authorise(of, accessOf(of), call.principal) ?? validate(schema, request);

  const unary = (
    of: DescMethod,
    schema: DescMessage,
    handle: (request: never) => Promise<Message | Rejection>,
  ): RpcHandler => ({
    kind: 'unary',
    method: of,
    handle: async (request, call) => refusal(of, schema, request, call) ?? handle(request as never),
  });

  const stream = (
    of: DescMethod,
    schema: DescMessage,
    handle: (request: never, call: Call) => AsyncIterable<Message | Rejection>,
  ): RpcHandler => ({
    kind: 'server_streaming',
    method: of,
    handle: async function* (request, call) {
      const refused = refusal(of, schema, request, call);
      if (refused !== undefined) yield refused;
      else yield* handle(request as never, call);
    },
  });

  return {
    service: ProjectionService,
    handlers: [
      unary(method.listProjections, ListProjectionsRequestSchema, operations.list),
      stream(method.watchProjections, WatchProjectionsRequestSchema, operations.watch),
      stream(method.rebuildProjection, RebuildProjectionRequestSchema, operations.rebuild),
      stream(method.verifyProjection, VerifyProjectionRequestSchema, operations.verify),
      unary(method.rollbackProjection, RollbackProjectionRequestSchema, operations.rollback),
      unary(method.listParkedEvents, ListParkedEventsRequestSchema, operations.parked),
      unary(method.retryParkedEvents, RetryParkedEventsRequestSchema, operations.retry),
      unary(method.skipParkedEvent, SkipParkedEventRequestSchema, operations.skip),
    ],
  };
}
