import type { SignalExitReached } from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { deriveUuid } from '../../kernel/derived-id.ts';

/** Of the sale that a purchase is left with, at the attempt of a number from 1. */
export function exitIdAt(signalId: string, attempt: number): string {
  return deriveUuid(signalId, attempt === 1 ? 'exit' : `exit/${attempt}`);
}

/** Events from before there was more than one attempt do not name it. */
export function exitIdOf({ signalId, exitSignalId }: SignalExitReached): string {
  return exitSignalId === '' ? exitIdAt(signalId, 1) : exitSignalId;
}
