import { wordsOf } from '../../../read/words.ts';

/** A word of a question, and how many typing errors it may be met with. */
export type AskedWord = { readonly word: string; readonly errors: 0 | 1 | 2 };

/** Words of a question beyond these are left out. */
const mostWords = 16;

export function askedWords(text: string): readonly AskedWord[] {
  return [...new Set(wordsOf(text))].slice(0, mostWords).map((word) => {
    return { word, errors: word.length >= 8 ? 2 : word.length >= 4 ? 1 : 0 };
  });
}

/** Whether a word of a document is met: as it is, by its beginning, or with typing errors. */
export function isMetBy({ word, errors }: AskedWord, other: string): boolean {
  return other.startsWith(word) || isNear(other, word, errors);
}

/**
 * Whether two words are so many typing errors apart: a letter that is missing, too much, wrong, or
 * two that have changed places. (Optimal string alignment, as Lucene counts:
 * https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance)
 */
export function isNear(term: string, word: string, most: number): boolean {
  if (Math.abs(term.length - word.length) > most) return false;
  let twoAbove: number[] = [];
  let above = Array.from({ length: word.length + 1 }, (_, j) => j);
  for (let i = 1; i <= term.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= word.length; j += 1) {
      const same = term[i - 1] === word[j - 1];
      let cost = Math.min(
        (above[j - 1] ?? 0) + (same ? 0 : 1),
        (above[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
      );
      if (i > 1 && j > 1 && term[i - 1] === word[j - 2] && term[i - 2] === word[j - 1]) {
        cost = Math.min(cost, (twoAbove[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    if (Math.min(...row) > most) return false;
    [twoAbove, above] = [above, row];
  }
  return (above[word.length] ?? 0) <= most;
}
