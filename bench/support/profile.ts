import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

type Profile = {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
};

const directoryVariable = 'BENCH_PROFILES';
const shown = 12;

/** From now on, every process that is started leaves a profile there. */
export function startProfiling(directory: string): void {
  process.env[directoryVariable] = directory;
}

/** For Node, of a process that is to be profiled under this name where profiles are asked for. */
export function profileArguments(name: string | undefined): readonly string[] {
  const directory = process.env[directoryVariable];
  if (directory === undefined || name === undefined) return [];
  const file = `${name}-${process.hrtime.bigint()}.cpuprofile`;
  return ['--cpu-prof', `--cpu-prof-dir=${directory}`, `--cpu-prof-name=${file}`];
}

/** Where the time went in each process: the functions that were seen at work most often. */
export function describeProfiles(directory: string): string {
  const files = readdirSync(directory).filter((file) => file.endsWith('.cpuprofile'));
  return files
    .sort()
    .map((file) => describe(directory, file))
    .join('\n');
}

function describe(directory: string, file: string): string {
  const { nodes, samples }: Profile = JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const counts = new Map<string, number>();
  let busy = 0;
  for (const sample of samples) {
    const name = names.get(sample) ?? '';
    if (name === '(idle)' || name === '(program)') continue;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    busy += 1;
  }
  const top = [...counts].sort(([, a], [, b]) => b - a).slice(0, shown);
  const lines = top.map(
    ([name, count]) => `${((100 * count) / busy).toFixed(1).padStart(6)} % ${name}`,
  );
  return [`${file.replace(/-\d+\.cpuprofile$/, '')} (of its busy time)`, ...lines].join('\n');
}

function nameOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const top = new URL('../..', import.meta.url).pathname;
  const path = url.startsWith('file:') ? relative(top, new URL(url).pathname) : url;
  return `${name} ${path.replace(/^node_modules\//, '')}:${lineNumber + 1}`;
}
