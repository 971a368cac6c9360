import { median } from './statistics.ts';

/** A figure of one short round, more being better: so many a second. */
export type Round = () => Promise<number> | number;

export type Compared = {
  /** Medians of all rounds. */
  readonly subject: number;
  readonly floor: number;
  /** The median of subject / floor, round by round. */
  readonly ratio: number;
};

/**
 * Runs subject and floor in turns, after one round each that does not count. A machine that others
 * use too is as slow for the one as for the other, and a ratio of neighbours shows little of it.
 */
export async function compare(rounds: number, subject: Round, floor: Round): Promise<Compared> {
  await subject();
  await floor();
  const pairs: { subject: number; floor: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const isFloorFirst = round % 2 === 1;
    const first = await (isFloorFirst ? floor : subject)();
    const second = await (isFloorFirst ? subject : floor)();
    pairs.push(
      isFloorFirst ? { subject: second, floor: first } : { subject: first, floor: second },
    );
  }
  return {
    subject: median(pairs.map((pair) => pair.subject)),
    floor: median(pairs.map((pair) => pair.floor)),
    ratio: median(pairs.map((pair) => pair.subject / pair.floor)),
  };
}

/** How often a step succeeded in a second, by so many callers that each take one after the other. */
export async function ratePerSecond(
  roundMs: number,
  callers: number,
  step: (caller: number) => Promise<unknown>,
): Promise<number> {
  const startedAt = performance.now();
  let end = startedAt + roundMs;
  let done = 0;
  const call = async (caller: number) => {
    while (performance.now() < end) {
      await step(caller).catch((error: unknown) => {
        // The others must not go on with what is about to be closed.
        end = 0;
        throw error;
      });
      done += 1;
    }
  };
  const calls = Array.from({ length: callers }, (_, caller) => call(caller));
  await Promise.all(calls).catch(async (error: unknown) => {
    await Promise.allSettled(calls);
    throw error;
  });
  return (done * 1000) / (performance.now() - startedAt);
}
