import { create, type DescMethod, type DescService, fromBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type {
  CommandBatch,
  CommandResult,
  CommandResultBatch,
} from '../gen/cipherhorizon/platform/v1/streaming_pb.ts';
import {
  CommandBatchSchema,
  CommandRefusalSchema,
  CommandResultBatchSchema,
  CommandResultSchema,
  StreamedCommandSchema,
} from '../gen/cipherhorizon/platform/v1/streaming_pb.ts';
import { accessOf, authorise } from '../kernel/access.ts';
import { isRejection, type Rejection, reject, rejectField } from '../kernel/rejection.ts';
import type { Call, RpcHandler } from '../kernel/rpc.ts';
import { statusOf } from '../kernel/status.ts';
import type { Validate } from '../kernel/validation.ts';
import type { CommandRoute } from './catalogue.ts';
import type { CommandBus } from './command-bus.ts';
import { commandIdHeader } from './envelope.ts';

type BidiHandle = Extract<RpcHandler, { kind: 'bidi_streaming' }>['handle'];

/** How many messages of one stream are in work at once; the next is read when one is answered. */
const mostBatchesAtOnce = 4;

const typeUrlPrefix = 'type.googleapis.com/';

/**
 * Commands of a service as a stream of batches. All commands of a batch are started in their order,
 * so those on one aggregate take effect in that order and share appends. Answers come in the order
 * of the batches, one for each. A command that is refused, or breaks the rules of an element, does
 * not end the stream; a batch that breaks its own does.
 */
export function createCommandStream(
  bus: CommandBus,
  service: DescService,
  method: DescMethod,
  validate: Validate,
): BidiHandle {
  const routes = new Map<string, CommandRoute>();
  for (const { input } of service.methods) {
    const route = bus.catalogue.routes.get(input.typeName);
    if (route !== undefined) routes.set(typeUrlPrefix + input.typeName, route);
  }
  const access = accessOf(method);

  const run = async (
    element: CommandBatch['commands'][number],
    call: Call,
    isChecked: boolean,
  ): Promise<CommandResult> => {
    const { command, sequence } = element;
    const wrong = isChecked ? undefined : validate(StreamedCommandSchema, element);
    if (wrong !== undefined) return refusal(sequence, wrong);
    const decoded = decode(routes, command);
    if (isRejection(decoded)) return refusal(sequence, decoded);
    const outcome = await bus.execute(decoded.route, decoded.message, call);
    if (isRejection(outcome)) return refusal(sequence, outcome);
    return create(CommandResultSchema, {
      sequence,
      outcome: { case: 'receipt', value: outcome },
    });
  };

  const runAll = async (
    { commands }: CommandBatch,
    call: Call,
    isChecked: boolean,
  ): Promise<CommandResultBatch> => {
    const results = await Promise.all(commands.map((element) => run(element, call, isChecked)));
    return create(CommandResultBatchSchema, { results });
  };

  return async function* (requests, call) {
    const denied = authorise(method, access, call.principal);
    if (denied !== undefined) return yield denied;
    const named = call.header(commandIdHeader);
    if (named !== undefined) return yield refuseCommandId(named);
    const answers: Promise<CommandResultBatch>[] = [];
    for await (const request of requests) {
      const wrong = validate(CommandBatchSchema, request);
      if (wrong !== undefined && !isOfElements(wrong)) {
        yield* inOrder(answers);
        return yield wrong;
      }
      const answer = runAll(request as CommandBatch, call, wrong === undefined);
      // A fault is met when its turn to be answered comes.
      answer.catch(() => undefined);
      answers.push(answer);
      const first = answers.length >= mostBatchesAtOnce ? answers.shift() : undefined;
      if (first !== undefined) yield await first;
    }
    yield* inOrder(answers);
  };
}

/** All its commands would be one. */
function refuseCommandId(named: string): Rejection {
  const message =
    `the header ${commandIdHeader} is '${named.slice(0, 100)}'; it names one command, and a ` +
    'stream has many: each is named in its metadata.command_id';
  return rejectField('COMMAND_ID_INVALID', commandIdHeader, message);
}

/** Whether the batch itself is right: what is wrong are elements of it. */
function isOfElements({ fields }: Rejection): boolean {
  return fields?.every(({ field }) => field.startsWith('commands[')) === true;
}

async function* inOrder(
  answers: readonly Promise<CommandResultBatch>[],
): AsyncGenerator<CommandResultBatch> {
  for (const answer of answers) yield await answer;
}

function decode(routes: ReadonlyMap<string, CommandRoute>, command: Any | undefined) {
  const route = routes.get(command?.typeUrl ?? '');
  if (command === undefined || route === undefined) {
    const message = `'${command?.typeUrl ?? ''}' is no command of this service`;
    return reject('INVALID', 'COMMAND_UNKNOWN', message);
  }
  try {
    return { route, message: fromBinary(route.schema, command.value) };
  } catch {
    const message = `the value is not a ${route.schema.typeName} in binary form`;
    return reject('INVALID', 'MALFORMED', message);
  }
}

function refusal(sequence: bigint, rejection: Rejection): CommandResult {
  const value = create(CommandRefusalSchema, {
    code: rejection.code,
    message: rejection.message,
    status: statusOf[rejection.kind],
    fields: (rejection.fields ?? []).map(({ field, rule, message }) => ({ field, rule, message })),
  });
  return create(CommandResultSchema, { sequence, outcome: { case: 'refusal', value } });
}
