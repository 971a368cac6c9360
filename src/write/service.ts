import type { RpcHandler, RpcService } from '../kernel/rpc.ts';
import type { Validate } from '../kernel/validation.ts';
import type { CommandBus } from './command-bus.ts';
import type { WriteContext } from './kit.ts';
import { createCommandStream } from './stream.ts';

/** The command service of a context: unary RPCs by the bus, and the stream of commands. */
export function createCommandService(
  bus: CommandBus,
  context: WriteContext,
  validate: Validate,
): RpcService {
  const handlers = context.service.methods.map((method): RpcHandler => {
    if (method.methodKind === 'bidi_streaming') {
      const handle = createCommandStream(bus, context.service, method, validate);
      return { kind: 'bidi_streaming', method, handle };
    }
    const route = bus.catalogue.routes.get(method.input.typeName);
    if (method.methodKind !== 'unary' || route === undefined) {
      throw new Error(`${context.service.typeName}.${method.name} is no command`);
    }
    return {
      kind: 'unary',
      method,
      handle: (command, call) => bus.execute(route, command, call),
    };
  });
  return { service: context.service, handlers };
}
