import { createRegistry, type Message } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  createConnectRouter,
  createContextKey,
  type HandlerContext,
} from '@connectrpc/connect';
import { compressionBrotli, compressionGzip } from '@connectrpc/connect-node';
import { isRejection } from '../kernel/rejection.ts';
import type { RpcHandler } from '../kernel/rpc.ts';
import type { OpenCall } from './calls.ts';
import { connectStream, connectUnary, readable } from './connect-calls.ts';
import { connectError, explain } from './connect-errors.ts';
import type { ServerLimits } from './limits.ts';
import { filesOf, identify, type ServedService, type Serving, weightOf } from './served.ts';
import { failureOf } from './status.ts';

/** One call of connect-es: opened by the gate, run by the implementation. */
type Routed = { readonly call: OpenCall; isRunning: boolean };
const routedKey = createContextKey<Routed | undefined>(undefined);

function run(context: HandlerContext): OpenCall {
  const routed = context.values.get(routedKey);
  if (routed === undefined) throw new Error('the gate was not passed');
  routed.isRunning = true;
  return routed.call;
}

/** The handlers of all services over Connect (binary and JSON) and gRPC-Web. */
export function createRoutes(
  serving: Serving,
  services: readonly ServedService[],
  limits: ServerLimits,
): ConnectRouter['handlers'] {
  const options = (isProbe: boolean): ConnectRouterOptions => ({
    grpc: false,
    acceptCompression: [compressionGzip, compressionBrotli],
    readMaxBytes: limits.maxRequestBytes,
    writeMaxBytes: limits.maxResponseBytes,
    // Any needs to find the types that it may hold. What is misspelt must not be ignored.
    jsonOptions: { registry: createRegistry(...filesOf(services)), ignoreUnknownFields: false },
    requestGate: (context) => enter(serving, context, isProbe),
  });
  const router = createConnectRouter(options(false));
  for (const { handlers, probe = false } of services) {
    for (const handler of handlers) route(router, serving, handler, options(probe));
  }
  return router.handlers;
}

function route(
  router: ConnectRouter,
  serving: Serving,
  handler: RpcHandler,
  options: ConnectRouterOptions,
): void {
  const { method } = handler;
  // connect-es types an implementation by its RPC; these serve any RPC of their kind.
  const add = (implementation: unknown): void => {
    router.rpc(method, implementation as Parameters<typeof router.rpc>[1], options);
  };
  switch (handler.kind) {
    case 'unary':
      add((request: Message, context: HandlerContext) =>
        connectUnary(serving, method, run(context), (call) => handler.handle(request, call)),
      );
      break;
    case 'server_streaming':
      add((request: Message, context: HandlerContext) =>
        connectStream(serving, method, run(context), (call) => handler.handle(request, call)),
      );
      break;
    case 'bidi_streaming':
      add((requests: AsyncIterable<Message>, context: HandlerContext) =>
        connectStream(serving, method, run(context), (call, refuse) =>
          handler.handle(readable(requests, method, refuse, serving, call), call),
        ),
      );
      break;
  }
}

/** Admits the call and finds its caller before a byte of the request is read. */
async function enter(serving: Serving, context: HandlerContext, isProbe: boolean): Promise<void> {
  const { calls } = serving;
  const { method, signal } = context;
  const header = (name: string) => context.requestHeader.get(name) ?? undefined;
  const timeoutMs = context.timeoutMs();
  const weight = weightOf(method, isProbe);
  const call = calls.open(
    weight,
    header,
    timeoutMs === undefined ? undefined : Date.now() + timeoutMs,
  );
  if (isRejection(call)) throw connectError(failureOf(call));
  const routed: Routed = { call, isRunning: false };
  context.values.set(routedKey, routed);
  retellErrors(serving, call, context);
  signal.addEventListener('abort', () => leave(serving, routed, context));
  if (signal.aborted) leave(serving, routed, context);
  const refused = isProbe ? undefined : await identify(serving, call);
  if (refused !== undefined) throw connectError(refused);
}

/**
 * A call that fails is aborted with the very error that connect-es is about to send. One of its own
 * making gets our words and details here: there is no other place for all protocols.
 */
function retellErrors({ answerFault }: Serving, call: OpenCall, context: HandlerContext): void {
  const inner = context as HandlerContext & { abort: (reason?: unknown) => void };
  const { abort } = inner;
  inner.abort = (reason) => {
    if (reason instanceof ConnectError && reason.details.length === 0) {
      const isFault = /^(serialize binary:|cannot encode )/.test(reason.rawMessage);
      const failure = isFault
        ? answerFault(reason, context.method, call.header)
        : explain(reason, context.method);
      if (failure !== undefined) {
        const { rawMessage, code, details } = connectError(failure);
        Object.assign(reason, { rawMessage, code, details });
      }
    }
    abort.call(context, reason);
  };
}

/** The signal aborts after every call, also after one that went well. */
function leave({ calls }: Serving, { call, isRunning }: Routed, { signal }: HandlerContext): void {
  const { reason } = signal;
  const isLate = reason instanceof ConnectError && reason.code === Code.DeadlineExceeded;
  calls.end(call, isLate ? 'DEADLINE' : 'CANCELLED');
  if (!isRunning) calls.settle(call);
}
