import { type Position, position } from '../../src/kernel/position.ts';
import type { Batch } from '../../src/projection/read-model-store.ts';

export const fingerprint = 'fingerprint';

export const at = (n: number): Position => position(BigInt(n));

export function batchOf(documents: Batch['documents'], rest: Partial<Batch> = {}): Batch {
  return { documents, park: [], unpark: [], ...rest };
}
