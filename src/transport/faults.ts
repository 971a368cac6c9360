import { randomUUID } from 'node:crypto';
import type { DescMethod } from '@bufbuild/protobuf';
import { StoreFault, type StoreFaultCode } from '../kernel/fault.ts';
import type { Log } from '../kernel/telemetry.ts';
import { type Failure, failure, type StatusCode, statusCode } from './status.ts';

type FaultAnswer = {
  readonly code: StatusCode;
  readonly text: string;
  readonly retryAfterMs?: number;
};

const away = { code: statusCode.UNAVAILABLE, text: 'a store is away', retryAfterMs: 1000 };
const unexpected: FaultAnswer = { code: statusCode.INTERNAL, text: 'an internal error' };

const answers: Readonly<Record<StoreFaultCode, FaultAnswer>> = {
  STORE_UNAVAILABLE: away,
  STORE_BUSY: { code: statusCode.UNAVAILABLE, text: 'a store is busy', retryAfterMs: 1000 },
  STORE_CLOSED: away,
  STORE_FULL: { code: statusCode.RESOURCE_EXHAUSTED, text: 'a store is full' },
  STORE_TOO_LARGE: {
    code: statusCode.RESOURCE_EXHAUSTED,
    text: 'what would have to be stored is larger than the store takes at once',
  },
  STORE_READ_ONLY: { code: statusCode.FAILED_PRECONDITION, text: 'a store cannot be written to' },
  STORE_CORRUPT: { code: statusCode.DATA_LOSS, text: 'a store is damaged' },
  STORE_FAILED: unexpected,
};

const plainId = /^[\w.:-]{1,100}$/;

/**
 * Exceptions are for the log, with their stack. The caller gets a fixed text and the correlation
 * id, its own where it sent one (`x-correlation-id`), under which the log has the rest.
 */
export type AnswerFault = (
  error: unknown,
  method: DescMethod,
  header: (name: string) => string | undefined,
) => Failure;

export function createFaultAnswers(log: Log): AnswerFault {
  return (error, method, header) => {
    const sent = header('x-correlation-id');
    const correlationId = sent !== undefined && plainId.test(sent) ? sent : randomUUID();
    const rpc = `${method.parent.typeName}/${method.name}`;
    log.error({ err: error, rpc, correlationId }, 'an RPC failed');
    const known = error instanceof StoreFault ? answers[error.code] : undefined;
    const { code, text, retryAfterMs } = known ?? unexpected;
    return failure(
      code,
      error instanceof StoreFault ? error.code : 'INTERNAL',
      `${text}; the log has it under the correlation id ${correlationId}`,
      {
        metadata: { correlation_id: correlationId },
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      },
    );
  };
}
