import type { Layout } from './layout.ts';

/** A word of a question: it is met by itself, by what begins so, and by the words near it. */
export type AskedWord = { readonly word: string; readonly near: readonly string[] };

/** Whether a word of a document is one that was asked for: itself, its beginning, or a near one. */
export function isMetBy(asked: readonly AskedWord[]): (word: string) => boolean {
  const near = new Set(asked.flatMap((word) => word.near));
  return (word) => near.has(word) || asked.some((other) => word.startsWith(other.word));
}

/** How much a word counts that is met so. */
const exact = 2;
const beginning = 1;
const typingError = 0;

// BM25's usual constants, but a fixed usual length and no weight for rare words: every match has
// every word, so that these change little, and a score depends on its own document alone. Paging
// by it neither loses nor repeats a document because others change.
const k1 = 1.2;
const b = 0.75;
const usualLength = 8;

/**
 * The score of a text as `Encoded.words` has it, or undefined where it does not have all words.
 * The sum, over the words, of how they are met (2 as they are, 1 as a beginning, 0 with a typing
 * error), plus a fraction in which the fields' weights and BM25 over all words order the rest.
 */
export function createScorer(
  layout: Layout,
  asked: readonly AskedWord[],
): (words: string) => number | undefined {
  const weights = layout.searched.map(({ field }) => field.search ?? 1);
  const needles = asked.map(({ word, near }) => ({
    exact: ` ${word} `,
    beginning: ` ${word}`,
    near: near.map((term) => ` ${term} `),
  }));

  function bestOf(lines: readonly string[], needle: (typeof needles)[number]) {
    const whole = weigh(lines, weights, [needle.exact]);
    if (whole > 0) return { met: exact, weight: whole };
    const start = weigh(lines, weights, [needle.beginning]);
    if (start > 0) return { met: beginning, weight: start };
    const near = weigh(lines, weights, needle.near);
    return near > 0 ? { met: typingError, weight: near } : undefined;
  }

  return (words) => {
    const lines = weights.length === 1 ? [words] : words.split('\n');
    let met = 0;
    let weight = 0;
    for (const needle of needles) {
      const best = bestOf(lines, needle);
      if (best === undefined) return undefined;
      met += best.met;
      weight += best.weight;
    }
    return met + weight / (1 + weight);
  };
}

function weigh(
  lines: readonly string[],
  weights: readonly number[],
  needles: readonly string[],
): number {
  let total = 0;
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? '';
    let count = 0;
    for (const needle of needles) count += occurrences(line, needle);
    if (count === 0) continue;
    const length = k1 * (1 - b + (b * wordCount(line)) / usualLength);
    total += ((weights[i] ?? 1) * count * (k1 + 1)) / (count + length);
  }
  return total;
}

function occurrences(line: string, needle: string): number {
  let count = 0;
  // The blank behind a word is the one before the next.
  for (let at = line.indexOf(needle); at >= 0; at = line.indexOf(needle, at + needle.length - 1)) {
    count += 1;
  }
  return count;
}

function wordCount(line: string): number {
  let blanks = 0;
  for (let at = line.indexOf(' '); at >= 0; at = line.indexOf(' ', at + 1)) blanks += 1;
  return blanks - 1;
}
