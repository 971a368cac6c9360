import type { Layout } from './layout.ts';
import type { Statements } from './statements.ts';

/** In a larger vocabulary, typing errors are corrected to the words that came first. */
const mostTerms = 250_000;
/** New words are sorted in by so many. */
const longestTail = 500;
const mostNear = 50;
const mostVocabularies = 30;

/** People ask for the same words. */
const mostAnswers = 2_000;

type Vocabulary = {
  readonly sorted: string[];
  readonly tail: string[];
  last: number;
  /** By word, as long as no term is added. */
  readonly answers: Map<string, readonly string[]>;
};

/**
 * The words of a generation that are a typing error away from another word: a letter that is
 * missing, too much, wrong, or two that have changed places. From four letters on one error, from
 * eight on two. The nearest first, at most 50.
 *
 * The words of a generation are kept in memory; each look fetches those that have come since.
 */
export function createSpelling(
  statements: Statements,
): (layout: Layout, word: string) => readonly string[] {
  const vocabularies = new Map<number, Vocabulary>();

  function vocabularyOf({ key, table }: Layout): Vocabulary {
    const vocabulary: Vocabulary = vocabularies.get(key) ?? {
      ...{ sorted: [], tail: [], last: 0 },
      answers: new Map(),
    };
    // The one that was asked for last is the last to be forgotten.
    vocabularies.delete(key);
    const [oldest] = vocabularies.keys();
    if (vocabularies.size >= mostVocabularies && oldest !== undefined) vocabularies.delete(oldest);
    vocabularies.set(key, vocabulary);
    const { sorted, tail, last, answers } = vocabulary;
    const free = mostTerms - sorted.length - tail.length;
    const news = statements
      .rows(`SELECT n, term FROM ${table.terms} WHERE n > ? ORDER BY n LIMIT ?`)
      .all(last, free) as [number, string][];
    for (const [n, term] of news) {
      tail.push(term);
      vocabulary.last = n;
    }
    if (news.length > 0) {
      tail.sort();
      answers.clear();
    }
    if (tail.length > longestTail) {
      for (const term of tail) sorted.push(term);
      sorted.sort();
      tail.length = 0;
    }
    return vocabulary;
  }

  return (layout, word) => {
    const most = word.length >= 8 ? 2 : word.length >= 4 ? 1 : 0;
    if (most === 0) return [];
    const { sorted, tail, answers } = vocabularyOf(layout);
    const known = answers.get(word);
    if (known !== undefined) return known;
    const found = [...nearIn(sorted, word, most), ...nearIn(tail, word, most)];
    const answer = found
      .filter(({ term }) => !term.startsWith(word))
      .sort((a, b) => a.distance - b.distance || (a.term < b.term ? -1 : 1))
      .slice(0, mostNear)
      .map(({ term }) => term);
    if (answers.size >= mostAnswers) answers.clear();
    answers.set(word, answer);
    return answer;
  };
}

type Near = { readonly term: string; readonly distance: number };

/**
 * The terms within `most` edits. Goes through the sorted terms as through a tree of their letters:
 * the rows of the distance table that a term shares with the one before are kept, and where a row
 * has no small enough number left, all terms that begin alike are left out.
 * (Optimal string alignment: https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance)
 */
export function nearIn(sorted: readonly string[], word: string, most: number): readonly Near[] {
  const rows = [Uint8Array.from({ length: word.length + 1 }, (_, i) => Math.min(i, 255))];
  const found: Near[] = [];
  let before = '';
  let kept = 0;
  let i = 0;
  while (i < sorted.length) {
    const term = sorted[i] ?? '';
    let depth = 0;
    while (depth < kept && term.charCodeAt(depth) === before.charCodeAt(depth)) depth += 1;
    let smallest = 0;
    while (depth < term.length && smallest <= most) {
      depth += 1;
      smallest = fillRow(rows, depth, term, word, most);
    }
    before = term;
    kept = depth;
    if (smallest > most) {
      i = behindPrefix(sorted, term.slice(0, depth), i + 1);
      continue;
    }
    const isAsLong = Math.abs(term.length - word.length) <= most;
    const distance = rows[term.length]?.[word.length] ?? most + 1;
    if (isAsLong && distance <= most) found.push({ term, distance });
    i += 1;
  }
  return found;
}

/**
 * The row for the term's first `depth` letters, from the two above it; gives its smallest number.
 * What is further from the diagonal than `most` is too much in any case and is not worked out.
 */
function fillRow(
  rows: Uint8Array[],
  depth: number,
  term: string,
  word: string,
  most: number,
): number {
  let row = rows[depth];
  if (row === undefined) {
    row = new Uint8Array(word.length + 1);
    rows[depth] = row;
  }
  const above = rows[depth - 1] as Uint8Array;
  const twoAbove = rows[depth - 2];
  const letter = term.charCodeAt(depth - 1);
  const letterBefore = term.charCodeAt(depth - 2);
  const first = Math.max(1, depth - most);
  const last = Math.min(word.length, depth + most);
  row[first - 1] = first === 1 ? depth : most + 1;
  let smallest = first === 1 ? depth : most + 1;
  for (let j = first; j <= last; j += 1) {
    const other = word.charCodeAt(j - 1);
    let cost = (above[j - 1] as number) + (letter === other ? 0 : 1);
    const up = (above[j] as number) + 1;
    if (up < cost) cost = up;
    const left = (row[j - 1] as number) + 1;
    if (left < cost) cost = left;
    if (j > 1 && twoAbove !== undefined) {
      const swapped = letter === word.charCodeAt(j - 2) && letterBefore === other;
      if (swapped && (twoAbove[j - 2] as number) < cost) cost = (twoAbove[j - 2] as number) + 1;
    }
    row[j] = cost;
    if (cost < smallest) smallest = cost;
  }
  if (last < word.length) row[last + 1] = most + 1;
  return smallest;
}

/** The first place from `start` on whose term does not begin so: mostly a near one. */
function behindPrefix(sorted: readonly string[], prefix: string, start: number): number {
  let low = start;
  let step = 1;
  while (sorted[low + step - 1]?.startsWith(prefix) === true) {
    low += step;
    step *= 2;
  }
  let high = Math.min(sorted.length, low + step - 1);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]?.startsWith(prefix) === true) low = middle + 1;
    else high = middle;
  }
  return low;
}
