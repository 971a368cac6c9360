import type { estypes } from '@elastic/elasticsearch';
import type { Layout } from './layout.ts';
import type { AskedWord } from './words-asked.ts';

/**
 * The score of a match, in Painless: the sum, over the words, of how they are met (2 as they are, 1 as
 * a beginning, 0 with a typing error), plus a fraction in which the fields' weights and BM25 over all
 * words order the rest. BM25 has its usual constants (k1 1.2, b 0.75), but a fixed usual length of 8
 * and no weight for rare words: every match has every word, so that these change little, and a score
 * depends on its own document alone. Paging by it neither loses nor repeats a document because others
 * change. It is worked out step by step as the embedded engine does, so that both give the same
 * number, as a double: Elasticsearch's own scores have but 24 bits.
 */
const source = `// The blank behind a word is the one before the next.
int occurrences(String line, String needle) {
  int count = 0;
  for (int at = line.indexOf(needle); at >= 0;
      at = line.indexOf(needle, at + needle.length() - 1)) {
    count++;
  }
  return count;
}
int wordCount(String line) {
  int blanks = 0;
  for (int at = line.indexOf(' '); at >= 0; at = line.indexOf(' ', at + 1)) blanks++;
  return blanks - 1;
}
boolean isNear(String term, String word, int most) {
  int n = term.length();
  int m = word.length();
  if (n - m > most || m - n > most) return false;
  int[] twoAbove = new int[m + 1];
  int[] above = new int[m + 1];
  for (int j = 0; j <= m; j++) above[j] = j;
  for (int i = 1; i <= n; i++) {
    int[] row = new int[m + 1];
    row[0] = i;
    int smallest = i;
    char letter = term.charAt(i - 1);
    for (int j = 1; j <= m; j++) {
      char other = word.charAt(j - 1);
      int cost = above[j - 1] + (letter == other ? 0 : 1);
      if (above[j] + 1 < cost) cost = above[j] + 1;
      if (row[j - 1] + 1 < cost) cost = row[j - 1] + 1;
      if (i > 1 && j > 1 && letter == word.charAt(j - 2) && term.charAt(i - 2) == other
          && twoAbove[j - 2] + 1 < cost) {
        cost = twoAbove[j - 2] + 1;
      }
      row[j] = cost;
      if (cost < smallest) smallest = cost;
    }
    if (smallest > most) return false;
    twoAbove = above;
    above = row;
  }
  return above[m] <= most;
}
int nearCount(String line, String word, int most) {
  int count = 0;
  int from = 1;
  for (int until = line.indexOf(' ', 1); until >= 0; until = line.indexOf(' ', from)) {
    int length = until - from;
    if (length - word.length() <= most && word.length() - length <= most
        && isNear(line.substring(from, until), word, most)) {
      count++;
    }
    from = until + 1;
  }
  return count;
}
double weigh(String[] lines, List weights, String needle, String word, int most) {
  double total = 0;
  for (int i = 0; i < lines.length; i++) {
    String line = lines[i];
    int count = most > 0 ? nearCount(line, word, most) : occurrences(line, needle);
    if (count == 0) continue;
    double length = 1.2 * (1 - 0.75 + (0.75 * wordCount(line)) / 8);
    double weight = ((Number) weights.get(i)).doubleValue();
    total += (weight * count * (1.2 + 1)) / (count + length);
  }
  return total;
}
if (doc['lines'].size() == 0) return 0;
String[] lines = doc['lines'].value.utf8ToString().splitOnToken('|');
int met = 0;
double weight = 0;
for (int i = 0; i < params.words.size(); i++) {
  String word = params.words.get(i);
  double whole = weigh(lines, params.weights, ' ' + word + ' ', word, 0);
  if (whole > 0) {
    met += 2;
    weight += whole;
    continue;
  }
  double start = weigh(lines, params.weights, ' ' + word, word, 0);
  if (start > 0) {
    met += 1;
    weight += start;
    continue;
  }
  int most = params.errors.get(i);
  if (most > 0) weight += weigh(lines, params.weights, '', word, most);
}
return met + weight / (1 + weight);
`;

/** Best first. */
export function byScore(layout: Layout, asked: readonly AskedWord[]): estypes.SortCombinations {
  const weights = layout.searched.map(({ field }) => field.search ?? 1);
  const words = asked.map(({ word }) => word);
  const errors = asked.map((word) => word.errors);
  return {
    _script: {
      type: 'number',
      order: 'desc',
      script: { source, params: { weights, words, errors } },
    },
  };
}
