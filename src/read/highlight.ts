import type { JsonObject, JsonValue } from '../kernel/json.ts';
import type { Hit } from './read-models.ts';
import { placesOfWords } from './words.ts';

/** A text up to this length is shown as a whole, a longer one as up to three pieces around hits. */
const wholeLength = 240;
const leadLength = 60;
const mostFragments = 3;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

type Place = { readonly from: number; readonly until: number };

/**
 * The fields in which words were met, as HTML with the words in `<em>`.
 *
 * isMet: whether a word of a document is what was asked for
 */
export function createHighlighter(
  searched: readonly { readonly name: string }[],
  isMet: (word: string) => boolean,
): (document: JsonObject) => Hit['highlights'] {
  function fragmentsOf(value: JsonValue): readonly string[] {
    if (Array.isArray(value)) return value.flatMap(fragmentsOf);
    if (typeof value !== 'string') return [];
    const places = placesOfWords(value).filter(({ word }) => word !== '' && isMet(word));
    return piecesOf(value, places).map((piece) => mark(value, piece, places));
  }

  return (document) =>
    searched.flatMap(({ name }) => {
      const fragments = fragmentsOf(document[name] ?? null).slice(0, mostFragments);
      return fragments.length === 0 ? [] : [{ field: name, fragments }];
    });
}

/** The parts of the text that are shown: from word to word, in order, without overlap. */
function piecesOf(text: string, places: readonly Place[]): readonly Place[] {
  if (places.length === 0) return [];
  if (text.length <= wholeLength) return [{ from: 0, until: text.length }];
  const pieces: Place[] = [];
  let end = 0;
  for (const { from, until } of places) {
    if (from < end) continue;
    if (pieces.length === mostFragments) break;
    const start = beginning(text, Math.max(end, from - leadLength), from);
    end = ending(text, until, start + wholeLength);
    pieces.push({ from: start, until: end });
  }
  return pieces;
}

/** Behind the first blank in the lead, so that no word is cut. */
function beginning(text: string, lead: number, from: number): number {
  const blank = text.slice(lead, from).search(/\s/);
  return blank < 0 ? from : lead + blank + 1;
}

/** Before the last blank within the length. */
function ending(text: string, until: number, longest: number): number {
  if (longest >= text.length) return text.length;
  const blank = text.slice(until, longest).search(/\s\S*$/);
  return blank < 0 ? until : until + blank;
}

function mark(text: string, piece: Place, places: readonly Place[]): string {
  let result = '';
  let at = piece.from;
  for (const { from, until } of places) {
    if (from < piece.from || until > piece.until) continue;
    result += `${escapeHtml(text.slice(at, from))}<em>${escapeHtml(text.slice(from, until))}</em>`;
    at = until;
  }
  return result + escapeHtml(text.slice(at, piece.until));
}
