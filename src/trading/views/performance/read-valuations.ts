import type { Reader } from '../../../read/kit.ts';
import { type History, readCloses } from './history.ts';
import type { Period } from './period.ts';
import { type Observer, type Valuations, valuationsOf } from './valuation.ts';

/** The value of what a history tells of at the end of each day of the period, at the closes. */
export async function readValuations(
  reader: Reader,
  history: History,
  period: Period,
  observe?: Observer,
): Promise<Valuations> {
  const closes = await Promise.all(
    [...history.instruments.keys()].map(
      async (id) => [id, await readCloses(reader, id, period)] as const,
    ),
  );
  return valuationsOf(history, new Map(closes), period, observe);
}
