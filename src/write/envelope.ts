import type { CommandMetadata } from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { type Rejection, rejectField } from '../kernel/rejection.ts';
import type { Call } from '../kernel/rpc.ts';
import { newUuid } from './ids.ts';
import type { CommandEnvelope } from './metadata.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const traceparentForm = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const mostCharacters = 100;

const nobody = { subject: '', roles: [] };

/**
 * Who sends the command, as what, and when: from its metadata field, else from the headers
 * `x-command-id` and `x-correlation-id`. The trace is that of the header `traceparent`.
 */
export function createEnvelope(
  metadata: CommandMetadata | undefined,
  call: Call,
  nowMs: number,
): CommandEnvelope {
  const named = metadata?.commandId || call.header('x-command-id') || '';
  const commandId = named === '' ? newUuid(nowMs) : named.toLowerCase();
  const traceparent = call.header('traceparent');
  return {
    commandId,
    correlationId: metadata?.correlationId || call.header('x-correlation-id') || commandId,
    causedBy: metadata?.causationId ?? '',
    traceparent:
      traceparent !== undefined && traceparentForm.test(traceparent) ? traceparent : undefined,
    principal: call.principal ?? nobody,
    receivedAt: nowMs,
  };
}

/** Headers do not pass through the rules of the proto. */
export function refuseEnvelope(envelope: CommandEnvelope): Rejection | undefined {
  if (!uuid.test(envelope.commandId)) {
    const message = `the command id '${clipped(envelope.commandId)}' is not a UUID`;
    return rejectField('COMMAND_ID_INVALID', 'metadata.command_id', message);
  }
  if (envelope.correlationId.length > mostCharacters) {
    const message = `the correlation id is longer than ${mostCharacters} characters`;
    return rejectField('CORRELATION_ID_INVALID', 'metadata.correlation_id', message);
  }
  return undefined;
}

function clipped(text: string): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text;
}
