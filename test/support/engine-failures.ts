import { setTimeout as delay } from 'node:timers/promises';
import type { ElasticsearchProxy, Fate } from './elasticsearch-proxy.ts';
import type { EngineServer } from './engine-servers.ts';

export type Engines = {
  readonly elasticsearch: EngineServer;
  readonly proxy: ElasticsearchProxy;
  readonly events: EngineServer;
};

/** What happens to the stores; it is over when the promise is. */
export type Failure = {
  readonly name: string;
  readonly happen: (engines: Engines, random: () => number) => Promise<void>;
};

async function killed(engine: EngineServer, random: () => number): Promise<void> {
  await engine.kill();
  await delay(2_000 * random());
  await engine.start();
}

/** Longer or shorter than requests wait and than a connection is taken to be alive. */
async function hung(engine: EngineServer, random: () => number): Promise<void> {
  await engine.pause();
  await delay(1_000 + 7_000 * random());
  await engine.resume();
}

const overloaded: Fate = {
  status: 429,
  body: { error: { type: 'es_rejected_execution_exception' }, status: 429 },
};

const failures: readonly Failure[] = [
  {
    name: 'Elasticsearch is killed',
    happen: ({ elasticsearch }, random) => killed(elasticsearch, random),
  },
  {
    name: 'Elasticsearch hangs',
    happen: ({ elasticsearch }, random) => hung(elasticsearch, random),
  },
  {
    name: 'Elasticsearch is overloaded',
    happen: async ({ proxy }, random) => {
      proxy.decide(() => (random() < 0.3 ? overloaded : { full: () => random() < 0.3 }));
      await delay(1_000 + 4_000 * random());
      proxy.decide(() => 'pass');
    },
  },
  {
    name: 'the event store is killed',
    happen: ({ events }, random) => killed(events, random),
  },
  {
    name: 'the event store hangs',
    happen: ({ events }, random) => hung(events, random),
  },
  {
    name: 'both hang',
    happen: async ({ elasticsearch, events }, random) => {
      await Promise.all([hung(elasticsearch, random), hung(events, random)]);
    },
  },
  {
    name: 'both are killed',
    happen: async ({ elasticsearch, events }, random) => {
      await Promise.all([killed(elasticsearch, random), killed(events, random)]);
    },
  },
];

/** Elasticsearch takes longest to start: it is killed less often than the rest happens. */
const often = failures.flatMap((failure) =>
  /^(Elasticsearch is|both are) killed$/.test(failure.name) ? [failure] : [failure, failure],
);

/** All of them in an order that the numbers give, and again: `rounds` of them. */
export function failuresOf(rounds: number, random: () => number): readonly Failure[] {
  const list: Failure[] = [];
  while (list.length < rounds) {
    const left = [...often];
    while (left.length > 0) list.push(...left.splice(Math.floor(random() * left.length), 1));
  }
  return list.slice(0, rounds);
}

/** Numbers from 0 to 1 that are the same for the same seed. */
export function numbersOf(seed: number): () => number {
  let state = Math.imul(seed, 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
