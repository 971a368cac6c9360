import { create, type Message } from '@bufbuild/protobuf';
import {
  type CommandReceipt,
  CommandReceiptSchema,
} from '../../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import {
  type CommandBatch,
  type CommandResultBatch,
  CommandResultBatchSchema,
} from '../../../src/gen/cipherhorizon/platform/v1/streaming_pb.ts';
import {
  type CreateTradingStrategyCommand,
  TradingCommandService,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  TradingQueryService,
  type WatchStrategyAnswer,
  WatchStrategyAnswerSchema,
  type WatchStrategyQuery,
} from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import type { Rejection } from '../../../src/kernel/rejection.ts';
import type { Call, RpcHandler } from '../../../src/kernel/rpc.ts';

// One RPC of each kind, with handlers as small as a test wants them.
export const unaryRpc = TradingCommandService.method.createTradingStrategy;
export const watchRpc = TradingQueryService.method.watchStrategy;
export const bidiRpc = TradingCommandService.method.streamCommands;

export function onCreate(
  handle: (
    command: CreateTradingStrategyCommand,
    call: Call,
  ) => CommandReceipt | Rejection | Promise<CommandReceipt | Rejection>,
): RpcHandler {
  const run = async (request: Message, call: Call) =>
    handle(request as CreateTradingStrategyCommand, call);
  return { kind: 'unary', method: unaryRpc, handle: run };
}

export function onWatch(
  handle: (query: WatchStrategyQuery, call: Call) => AsyncIterable<WatchStrategyAnswer | Rejection>,
): RpcHandler {
  return {
    kind: 'server_streaming',
    method: watchRpc,
    handle: (request, call) => handle(request as WatchStrategyQuery, call),
  };
}

export function onStream(
  handle: (
    batches: AsyncIterable<CommandBatch>,
    call: Call,
  ) => AsyncIterable<CommandResultBatch | Rejection>,
): RpcHandler {
  return {
    kind: 'bidi_streaming',
    method: bidiRpc,
    handle: (requests, call) => handle(requests as AsyncIterable<CommandBatch>, call),
  };
}

export function receipt(commandId: string, stream = ''): CommandReceipt {
  return create(CommandReceiptSchema, { commandId, stream });
}

export function watched(token: string): WatchStrategyAnswer {
  return create(WatchStrategyAnswerSchema, { freshness: { token } });
}

export function results(sequence: bigint): CommandResultBatch {
  return create(CommandResultBatchSchema, { results: [{ sequence }] });
}

/** Resolves when the call ends. */
export function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}
