import type { CommandMetadata } from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { refuseOtherInHeader } from '../kernel/header-twin.ts';
import { type Rejection, rejectField } from '../kernel/rejection.ts';
import type { Call } from '../kernel/rpc.ts';
import { newUuid } from './ids.ts';
import type { CommandEnvelope } from './metadata.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const traceparentForm = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const mostCharacters = 100;

export const commandIdHeader = 'x-command-id';
const correlationIdHeader = 'x-correlation-id';
const commandIdField = 'metadata.command_id';
const correlationIdField = 'metadata.correlation_id';

const nobody = { subject: '', roles: [] };

/**
 * Who sends the command, as what, and when: from its metadata field or from the headers
 * `x-command-id` and `x-correlation-id`. The trace is that of the header `traceparent`.
 */
export function createEnvelope(
  metadata: CommandMetadata | undefined,
  call: Call,
  nowMs: number,
): CommandEnvelope {
  const named = metadata?.commandId || call.header(commandIdHeader) || '';
  const commandId = named === '' ? newUuid(nowMs) : named.toLowerCase();
  const traceparent = call.header('traceparent');
  return {
    commandId,
    correlationId: metadata?.correlationId || call.header(correlationIdHeader) || commandId,
    causedBy: metadata?.causationId ?? '',
    traceparent:
      traceparent !== undefined && traceparentForm.test(traceparent) ? traceparent : undefined,
    principal: call.principal ?? nobody,
    receivedAt: nowMs,
  };
}

/** Headers do not pass through the rules of the proto, and may say something else than the field. */
export function refuseEnvelope(
  envelope: CommandEnvelope,
  metadata: CommandMetadata | undefined,
  call: Call,
): Rejection | undefined {
  if (!uuid.test(envelope.commandId)) {
    const message = `the command id '${clipped(envelope.commandId)}' is not a UUID`;
    return rejectField('COMMAND_ID_INVALID', commandIdField, message);
  }
  if (envelope.correlationId.length > mostCharacters) {
    const { length } = envelope.correlationId;
    const message = `the correlation id has ${length} characters; it can have ${mostCharacters}`;
    return rejectField('CORRELATION_ID_INVALID', correlationIdField, message);
  }
  return refuseOtherHeaders(metadata, call);
}

function refuseOtherHeaders(
  metadata: CommandMetadata | undefined,
  call: Call,
): Rejection | undefined {
  const { commandId = '', correlationId = '' } = metadata ?? {};
  if (commandId !== '') {
    const id = commandId.toLowerCase();
    const inHeader = call.header(commandIdHeader)?.toLowerCase();
    const other = refuseOtherInHeader(commandIdField, id, commandIdHeader, inHeader);
    if (other !== undefined) return other;
  }
  if (correlationId === '') return undefined;
  const inHeader = call.header(correlationIdHeader);
  return refuseOtherInHeader(correlationIdField, correlationId, correlationIdHeader, inHeader);
}

function clipped(text: string): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text;
}
