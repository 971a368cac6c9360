import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import type { CommandReceipt } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import type { Principal } from '../../src/kernel/principal.ts';
import { isRejection, type Rejection } from '../../src/kernel/rejection.ts';
import type { Call } from '../../src/kernel/rpc.ts';
import type { Log } from '../../src/kernel/telemetry.ts';
import { createValidation } from '../../src/kernel/validation.ts';
import { tradingWrite } from '../../src/trading/write.ts';
import {
  type CommandBus,
  type CommandBusOptions,
  createCommandBus,
} from '../../src/write/command-bus.ts';
import type { EventStore } from '../../src/write/event-store.ts';

const validate = createValidation();

export const quiet: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

export const alice: Principal = { subject: 'alice', roles: ['user'] };
export const bob: Principal = { subject: 'bob', roles: ['user'] };
export const admin: Principal = { subject: 'root', roles: ['admin'] };
export const operator: Principal = { subject: 'olga', roles: ['operator'] };

export function callOf(
  principal: Principal | undefined,
  headers: { readonly [name: string]: string } = {},
  signal = new AbortController().signal,
): Call {
  return { principal, signal, header: (name) => headers[name] };
}

export type TestBus = CommandBus & {
  /** Sends a command as the principal. */
  readonly send: <Desc extends DescMessage>(
    schema: Desc,
    command: MessageInitShape<Desc>,
    by?: Principal | Call,
  ) => Promise<CommandReceipt | Rejection>;
};

/** A command bus over the store, with the trading context unless the options say otherwise. */
export function startBus(store: EventStore, options: Partial<CommandBusOptions> = {}): TestBus {
  const bus = createCommandBus({
    contexts: [tradingWrite],
    store,
    views: { names: [], positionOf: async () => undefined },
    tools: { hashSecret: async () => 'hash' },
    validate,
    metrics: { observe: () => {} },
    log: quiet,
    now: Date.now,
    snapshotEvery: 100,
    cachedAggregates: 1000,
    immediateViews: [],
    refusalsPerSecond: 1000,
    refusalsKept: 1000,
    ...options,
  });
  return {
    ...bus,
    send: (schema, command, by = alice) => {
      const route = bus.catalogue.routes.get(schema.typeName);
      if (route === undefined) throw new Error(`no route for ${schema.typeName}`);
      const call = 'signal' in by ? by : callOf(by);
      return bus.execute(route, create(schema, command), call);
    },
  };
}

/** The receipt, or a failure of the test that names the refusal. */
export function accepted(outcome: CommandReceipt | Rejection): CommandReceipt {
  if (isRejection(outcome)) throw new Error(`refused: ${outcome.code}: ${outcome.message}`);
  return outcome;
}

export function codeOf(outcome: CommandReceipt | Rejection): string | undefined {
  return isRejection(outcome) ? outcome.code : undefined;
}
