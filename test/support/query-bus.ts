import {
  create,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { Ownership } from '../../src/gen/cipherhorizon/platform/v1/options_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { accessOf } from '../../src/kernel/access.ts';
import type { Principal } from '../../src/kernel/principal.ts';
import { isRejection, type Rejection } from '../../src/kernel/rejection.ts';
import type { Call, RpcService } from '../../src/kernel/rpc.ts';
import type { Log } from '../../src/kernel/telemetry.ts';
import { createValidation } from '../../src/kernel/validation.ts';
import { defineQuery, type QueryHandler } from '../../src/read/kit.ts';
import { createQueryBus, type QueryBusOptions } from '../../src/read/query-bus.ts';
import type { ReadModel } from '../../src/read/read-models.ts';
import { createReadModelsInMemory } from './read-models-in-memory.ts';

export const alice: Principal = { subject: 'alice', roles: ['user'] };
export const bob: Principal = { subject: 'bob', roles: ['user'] };
export const analyst: Principal = { subject: 'anna', roles: ['analyst'] };
export const operator: Principal = { subject: 'olga', roles: ['operator'] };

const owned = {
  userId: { kind: 'keyword', filter: true },
  name: { kind: 'keyword', sort: true, search: 1 },
} as const;
export const strategies: ReadModel = { name: 'trading_strategies', schema: owned };
export const portfolios: ReadModel = { name: 'trading_portfolios', schema: owned };

/** Ids of the form that the protos ask for. */
export function uuid(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

export function callOf(
  principal: Principal | undefined = alice,
  headers: { readonly [name: string]: string } = {},
  more: Partial<Call> = {},
): Call {
  const { signal } = new AbortController();
  return { principal, signal, header: (name) => headers[name], ...more };
}

const record = {
  model: strategies,
  ownerField: 'userId',
  noun: 'strategy',
  id: () => uuid(1),
};

/** A handler for each RPC of trading: those that are given, and for the others one without words. */
export function tradingQueries(given: readonly QueryHandler[]): QueryHandler[] {
  return TradingQueryService.methods.map((method) => {
    const named = given.find((handler) => handler.method === method);
    if (named !== undefined) return named;
    const byRecord = accessOf(method)?.ownership === Ownership.RECORD;
    return {
      method: method as DescMethodUnary,
      views: [strategies],
      ...(byRecord && { record }),
      answer: async () => ({}),
    };
  });
}

export const strategyRecord = {
  ...record,
  id: (query: { readonly strategyId: string }) => query.strategyId,
};

/** The simplest whole handlers: one by record, one by owner. */
export const getStrategy = defineQuery({
  method: TradingQueryService.method.getStrategy,
  views: [strategies],
  record: strategyRecord,
  answer: async (_query, _context, found) => ({
    strategy: { strategyId: found?.id ?? '', strategyName: String(found?.document.name) },
  }),
});

export const listStrategies = defineQuery({
  method: TradingQueryService.method.listStrategies,
  views: [strategies],
  answer: async (query, { reader, page }) => {
    const found = await reader.list(strategies, {
      where: [{ field: 'userId', in: [query.userId] }],
      sort: { field: 'name', descending: query.descending },
      ...page,
    });
    return {
      strategies: found.items.map(({ id, document }) => ({
        strategyId: id,
        strategyName: String(document.name),
      })),
      page: { nextCursor: found.next ?? '' },
    };
  },
});

const validate = createValidation();

export type Line = { readonly level: string; readonly fields: object; readonly message: string };

/** A query bus with trading's service, which remembers what it logs and counts. */
export function startQueryBus(options: Partial<QueryBusOptions> = {}) {
  const lines: Line[] = [];
  const observed: string[] = [];
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields: JSON.parse(JSON.stringify(fields)), message });
  };
  const log: Log = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
  const services = createQueryBus({
    contexts: [{ service: TradingQueryService, queries: tradingQueries([]) }],
    readModels: createReadModelsInMemory(),
    verifySecret: async () => false,
    validate,
    metrics: { observe: (message, outcome) => observed.push(`${message} ${outcome}`) },
    log,
    now: Date.now,
    ...options,
  });
  return { services, lines, observed, ...askers(services) };
}

function askers(services: readonly RpcService[]) {
  const handlerOf = (method: DescMethodUnary | DescMethodServerStreaming) => {
    const handlers = services.flatMap((service) => service.handlers);
    const found = handlers.find((handler) => handler.method === method);
    if (found === undefined) throw new Error(`nothing answers ${method.name}`);
    return found;
  };
  const ask = async <M extends DescMethodUnary>(
    method: M,
    query: MessageInitShape<M['input']>,
    call: Call = callOf(),
  ): Promise<MessageShape<M['output']> | Rejection> => {
    const handler = handlerOf(method);
    if (handler.kind !== 'unary') throw new Error(`${method.name} is not unary`);
    const answer = await handler.handle(create(method.input, query), call);
    return answer as MessageShape<M['output']> | Rejection;
  };
  const watch = <M extends DescMethodServerStreaming>(
    method: M,
    query: MessageInitShape<M['input']>,
    call: Call = callOf(),
  ): AsyncIterator<MessageShape<M['output']> | Rejection> => {
    const handler = handlerOf(method);
    if (handler.kind !== 'server_streaming') throw new Error(`${method.name} does not stream`);
    const answers = handler.handle(create(method.input, query), call)[Symbol.asyncIterator]();
    return answers as AsyncIterator<MessageShape<M['output']> | Rejection>;
  };
  return { ask, watch };
}

/** The answer, or a failure of the test that names the refusal. */
export function answered<Answer>(outcome: Answer | Rejection): Answer {
  if (isRejection(outcome)) throw new Error(`refused: ${outcome.code}: ${outcome.message}`);
  return outcome;
}

/** The refusal, or a failure of the test. */
export function refused(outcome: unknown): Rejection {
  if (isRejection(outcome)) return outcome;
  throw new Error('it was answered');
}
