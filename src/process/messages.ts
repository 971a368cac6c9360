import type {
  ProcessCause,
  ProcessCommand,
  ProcessReceipt,
  ProcessRefusal,
} from '../gen/cipherhorizon/platform/v1/process_events_pb.ts';
import type { Cause, Command, Receipt, Refusal } from './state.ts';

// From the parts of events to those of the state, and back.

type Init<M> = Omit<M, '$typeName' | '$unknown'>;

export function toCause(cause: ProcessCause | undefined): Cause | undefined {
  if (cause === undefined) return undefined;
  const { eventId, type, stream, revision, data = {} } = cause;
  return { eventId, type, stream, revision: Number(revision), data };
}

export function fromCause(cause: Cause): Init<ProcessCause> {
  const { eventId, type, stream, revision, data } = cause;
  return {
    eventId,
    type,
    stream,
    revision: BigInt(revision),
    data: structuredClone(data) as never,
  };
}

export function toReceipt(receipt: ProcessReceipt | undefined): Receipt | undefined {
  if (receipt === undefined) return undefined;
  const { commandId, aggregateId, stream, revision, eventIds } = receipt;
  return { commandId, aggregateId, stream, revision: Number(revision), eventIds };
}

export function fromReceipt(receipt: Receipt): Init<ProcessReceipt> {
  const { commandId, aggregateId, stream, revision, eventIds } = receipt;
  return { commandId, aggregateId, stream, revision: BigInt(revision), eventIds: [...eventIds] };
}

export function toCommand(command: ProcessCommand | undefined): Command | undefined {
  if (command === undefined) return undefined;
  const { commandId, type, payload = {}, subject, roles } = command;
  return { commandId, type, payload, subject, roles };
}

export function fromCommand(command: Command): Init<ProcessCommand> {
  const { commandId, type, payload, subject, roles } = command;
  return { commandId, type, payload: payload as never, subject, roles: [...roles] };
}

export function toRefusal(refusal: ProcessRefusal | undefined): Refusal {
  return { code: refusal?.code ?? '', message: refusal?.message ?? '' };
}
