// What is recorded of a series, as runs of starts that follow each other without a gap. There are
// few, however long the series is.

/** Starts from the first to the last one, each a step after the one before. In seconds. */
export type Run = { readonly first: number; readonly last: number };

/** In order; there is at least one step missing between two of them. */
export type Runs = readonly Run[];

/** The index of the first run that ends at the start or later; their count where none does. */
function indexEndingFrom(runs: Runs, start: number): number {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((runs[middle] as Run).last < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index among ascending starts of the first one that the runs have, or undefined. */
export function indexOfRecorded(runs: Runs, starts: readonly number[]): number | undefined {
  let at = indexEndingFrom(runs, starts[0] ?? 0);
  for (const [index, start] of starts.entries()) {
    while (at < runs.length && (runs[at] as Run).last < start) at += 1;
    const run = runs[at];
    if (run === undefined) return undefined;
    if (run.first <= start) return index;
  }
  return undefined;
}

/** Runs of ascending starts. */
export function runsOf(starts: readonly number[], step: number): Runs {
  const runs: Run[] = [];
  for (const start of starts) extend(runs, { first: start, last: start }, step);
  return runs;
}

/** Puts a run that begins after all the others behind them. */
function extend(runs: Run[], next: Run, step: number): void {
  const last = runs.at(-1);
  if (last === undefined || last.last + step < next.first) runs.push(next);
  else runs[runs.length - 1] = { first: last.first, last: next.last };
}

/** The runs with others that share no start with them: only what lies between is looked at. */
export function addRuns(runs: Runs, added: Runs, step: number): Runs {
  const span = spanOf(added);
  if (span === undefined) return runs;
  const { before, after, between } = around(runs, span, step);
  const merged: Run[] = [];
  let at = 0;
  for (const run of added) {
    for (; at < between.length && (between[at] as Run).first < run.first; at += 1) {
      extend(merged, between[at] as Run, step);
    }
    extend(merged, run, step);
  }
  for (; at < between.length; at += 1) extend(merged, between[at] as Run, step);
  return [...before, ...merged, ...after];
}

/** Splits the runs into those before and behind the added ones, and those that touch their span. */
function around(runs: Runs, span: Run, step: number) {
  const from = indexEndingFrom(runs, span.first - step);
  let to = from;
  while (to < runs.length && (runs[to] as Run).first <= span.last + step) to += 1;
  return { before: runs.slice(0, from), between: runs.slice(from, to), after: runs.slice(to) };
}

/** From the first start of all to the last. */
function spanOf(runs: Runs): Run | undefined {
  const first = runs[0]?.first;
  const last = runs.at(-1)?.last;
  return first === undefined || last === undefined ? undefined : { first, last };
}

/**
 * What is missing, once the runs are added, from the recorded start before them to the recorded
 * start behind them.
 */
export function gapsAround(runs: Runs, added: Runs, step: number): Runs {
  const span = spanOf(added);
  if (span === undefined) return [];
  const all = addRuns(runs, added, step);
  const gaps: Run[] = [];
  for (let at = indexEndingFrom(all, span.first); at < all.length; at += 1) {
    const before = all[at - 1];
    const run = all[at] as Run;
    if (before === undefined) continue;
    if (before.last > span.last) break;
    if (run.first >= span.first) gaps.push({ first: before.last + step, last: run.first - step });
  }
  return gaps;
}
