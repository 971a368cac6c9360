import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Benchmark } from './benchmark.ts';
import { batching } from './rows/batching.ts';
import { commandsInProcess } from './rows/commands-in-process.ts';
import { engines } from './rows/engines.ts';
import { portfolio } from './rows/portfolio.ts';
import { queries } from './rows/queries.ts';
import { rebuilds } from './rows/rebuild.ts';
import { searchable } from './rows/searchable.ts';
import { sizes } from './rows/sizes.ts';
import { streamed } from './rows/streamed.ts';
import { streams } from './rows/streams.ts';
import { unaryCommands } from './rows/unary-commands.ts';
import { areEnginesNamed } from './support/engines.ts';
import { describeProfiles, startProfiling } from './support/profile.ts';
import { formatTable, type Row } from './table.ts';

// npm run bench [-- [--engines] [--profile] [--quick] [words that a row or its section has]...]
// --engines: the rows over an EventStoreDB and an Elasticsearch, both to be thrown away, alone

/** What a quick run builds and sends: enough to see that a row works, not what it measures. */
const quickPart = 1 / 20;

const benchmarks: readonly Benchmark[] = [
  unaryCommands,
  ...commandsInProcess,
  streams,
  ...streamed,
  ...rebuilds,
  queries,
  searchable,
  portfolio,
  batching,
  sizes,
];

const { values, positionals } = parseArgs({
  options: {
    profile: { type: 'boolean', default: false },
    engines: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

if (values.engines && !areEnginesNamed()) {
  console.error('--engines measures what EVENTSTORE_URL and ELASTICSEARCH_URL name: set both');
  process.exit(1);
}

const words = positionals.map((word) => word.toLowerCase());
const chosen = (values.engines ? engines : benchmarks).filter(({ title, name }) => {
  const text = `${title} ${name}`.toLowerCase();
  return words.every((word) => text.includes(word));
});

const folder = mkdtempSync(join(tmpdir(), 'cipherhorizon-bench-'));
const profiles = join(folder, 'profiles');
const startedAt = performance.now();
try {
  if (values.profile) {
    mkdirSync(profiles);
    startProfiling(profiles);
  }
  const sections = new Map<string, Row[]>();
  for (const benchmark of chosen) {
    note(`${benchmark.title}: ${benchmark.name}`);
    const rows = sections.get(benchmark.title) ?? [];
    sections.set(benchmark.title, rows);
    rows.push(...(await benchmark.run({ folder, note, sized })));
  }
  const tables = [...sections].map(([title, rows]) => ({ title, rows }));
  console.log(formatTable(heading(), tables));
  if (values.profile) console.log(`\n${describeProfiles(profiles)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function note(text: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  process.stderr.write(`${seconds.padStart(4)} s  ${text}\n`);
}

function sized(count: number): number {
  return values.quick ? Math.ceil(count * quickPart) : count;
}

function heading(): string[] {
  const [cpu] = cpus();
  const machine = `${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}`;
  const day = new Date().toISOString().slice(0, 10);
  const lines = [`CipherHorizon, ${day}, Node ${process.versions.node}, ${machine}`];
  return values.quick ? [...lines, 'A quick run: a twentieth of the sizes that are named'] : lines;
}
