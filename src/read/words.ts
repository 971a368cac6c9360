// How text becomes words: the same for what is indexed, what is asked, and what is highlighted.

/** Letters that are no base letter with a mark, written as those who have no key for them do. */
const plainLetters: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ł: 'l',
  ħ: 'h',
  ı: 'i',
  þ: 'th',
  ς: 'σ',
};

const notAscii = /[\u0080-\uffff]/;
const asciiWord = /[a-z0-9]+/g;
const anyWord = /[\p{L}\p{N}\p{M}]+/gu;

/** What is longer is cut, in documents and questions alike. UTF-16 code units. */
const longestWord = 64;

/** Lower case, without accents: 'Zürich' and 'zurich' fold to the same text. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  if (!notAscii.test(lower)) return lower;
  return lower
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .replace(/[ßæœøđðłħıþς]/g, (letter) => plainLetters[letter] ?? letter);
}

/** The folded words of a text in their order. A word is a run of letters and digits. */
export function wordsOf(text: string): string[] {
  const lower = text.toLowerCase();
  if (!notAscii.test(lower)) {
    const words = lower.match(asciiWord) ?? [];
    return words.some((word) => word.length > longestWord) ? words.map(cut) : words;
  }
  const words: string[] = [];
  for (const word of text.match(anyWord) ?? []) {
    const folded = cut(fold(word));
    if (folded !== '') words.push(folded);
  }
  return words;
}

/** Each word with the place where it stands in the text, before folding. */
export function placesOfWords(
  text: string,
): readonly { readonly word: string; readonly from: number; readonly until: number }[] {
  return [...text.matchAll(anyWord)].map(({ 0: word, index }) => ({
    word: cut(fold(word)),
    from: index,
    until: index + word.length,
  }));
}

function cut(word: string): string {
  if (word.length <= longestWord) return word;
  const short = word.slice(0, longestWord);
  // Half of a surrogate pair is not stored as it is.
  return short.isWellFormed() ? short : short.slice(0, -1);
}
