import type { DescFile, DescMethod } from '@bufbuild/protobuf';
import { isRejection } from '../kernel/rejection.ts';
import type { RpcService } from '../kernel/rpc.ts';
import type { Authenticate } from './authentication.ts';
import type { Calls, OpenCall, Weight } from './calls.ts';
import type { AnswerFault } from './faults.ts';
import { type Failure, failure, failureOf, statusCode } from './status.ts';

/** A service on its listeners. Anybody may call a `probe`, whatever the load. */
export type ServedService = RpcService & { readonly probe?: true };

/** What every protocol needs to run a handler. */
export type Serving = {
  readonly calls: Calls;
  readonly authenticate: Authenticate;
  readonly answerFault: AnswerFault;
};

/** Fails where a service has a handler that is not of its RPC's kind, or two for one RPC. */
export function checkHandlers(services: readonly ServedService[]): void {
  for (const { service, handlers } of services) {
    const seen = new Set<DescMethod>();
    for (const { kind, method } of handlers) {
      const name = `${service.typeName}/${method.name}`;
      if (method.parent !== service) throw new Error(`${name}: the RPC is of another service`);
      if (method.methodKind !== kind) throw new Error(`${name}: ${kind}, not ${method.methodKind}`);
      if (seen.has(method)) throw new Error(`${name}: two handlers`);
      seen.add(method);
    }
  }
}

export function weightOf(method: DescMethod, isProbe: boolean): Weight {
  if (method.methodKind !== 'unary') return 'stream';
  return isProbe ? 'probe' : 'unary';
}

/** The request could not be decoded. The reason must tell nothing of its values. */
export function malformed(method: DescMethod, reason: string): Failure {
  const text = `the request is no ${method.input.typeName}: ${reason}`;
  return failure(statusCode.INVALID_ARGUMENT, 'MALFORMED_REQUEST', text);
}

/**
 * Finds who calls and notes it in the call. A token that is no good is refused here, with its
 * reason; a caller without a token goes on as nobody, and it is for the handler to refuse it.
 */
export function identify(
  serving: Serving,
  call: OpenCall,
): Failure | undefined | Promise<Failure | undefined> {
  const found = serving.authenticate(call.header('authorization'));
  return found instanceof Promise ? found.then((late) => note(call, late)) : note(call, found);
}

function note(call: OpenCall, found: Awaited<ReturnType<Authenticate>>): Failure | undefined {
  if (isRejection(found)) return failureOf(found);
  call.principal = found;
  return undefined;
}

/** The files of the services and all that they import. */
export function filesOf(services: readonly RpcService[]): readonly DescFile[] {
  return withImports(services.map(({ service }) => service.file));
}

/** The files and all that they import, each after its imports. */
export function withImports(roots: readonly DescFile[]): readonly DescFile[] {
  const files = new Set<DescFile>();
  const add = (file: DescFile): void => {
    if (files.has(file)) return;
    for (const dependency of file.dependencies) add(dependency);
    files.add(file);
  };
  for (const root of roots) add(root);
  return [...files];
}
