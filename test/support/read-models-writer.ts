import { createSqliteReadModelStore } from '../../src/engines/sqlite/read-models.ts';
import { at, batchOf, fingerprint } from './read-models-batches.ts';

// A projector that never rests: `node read-models-writer.ts <path>`. Each step writes its number to
// ten documents and to the checkpoint; every tenth rebuilds them in a new generation. It goes on
// where the one before was killed, and says so in a line when it has made its first step.

const [, , path = ''] = process.argv;

const view = {
  name: 'counters',
  version: 1,
  schema: {
    step: { kind: 'integer', filter: true, sort: true },
    title: { kind: 'text', search: 1 },
    tags: { kind: 'keyword', many: true, filter: true },
  },
  events: 'every',
  ids: () => [],
  project: () => undefined,
} as const;

const store = createSqliteReadModelStore({ path });

const stepOf = (step: number) =>
  batchOf(
    Array.from({ length: 10 }, (_, i) => {
      const document = { step, title: `step${step} of all`, tags: [`t${step % 3}`] };
      return { id: `k${i}`, version: at(step), document };
    }),
    { checkpoint: { position: at(step), storedAt: step } },
  );

const found = await store.generations();
for (const { generation, state } of found) {
  if (state !== 'live') await store.drop({ view, generation });
}
const before = found.find(({ state }) => state === 'live');
let live = { view, generation: before?.generation ?? 1 };
if (before === undefined) {
  await store.open(live, fingerprint);
  await store.switchTo(live);
}
for (let step = Number(before?.checkpoint.commit ?? 0n) + 1; ; step += 1) {
  await store.apply([{ ref: live, batch: stepOf(step) }]);
  if (step % 10 === 0) {
    const next = { view, generation: live.generation + 1 };
    await store.open(next, fingerprint);
    await store.apply([{ ref: next, batch: stepOf(step) }]);
    await store.switchTo(next);
    await store.drop(live);
    live = next;
  }
  if (step === Number(before?.checkpoint.commit ?? 0n) + 1) console.log('going');
  await new Promise((resolve) => setImmediate(resolve));
}
