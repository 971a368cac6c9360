import { fieldOf } from '../../../read/declared-field.ts';
import type { ReadModel, SearchRequest, SearchResult } from '../../../read/read-models.ts';
import { wordsOf } from '../../../read/words.ts';
import { clausesOf, drivenBy, mostSelective, type Source, scanning } from './conditions.ts';
import { fromCursor, type Question, toCursor } from './cursor.ts';
import { countLabels, createTally } from './facets.ts';
import type { FieldPlan, Layout } from './layout.ts';
import { listRows } from './list.ts';
import { type AskedWord, createScorer } from './scoring.ts';
import type { Statements } from './statements.ts';

/** Words of a question beyond these are left out. */
const mostWords = 16;
/** So many documents are looked through one by one rather than found by their words. */
const fewDocuments = 5_000;

/** A match, with its row in `documents`. */
export type Match = { readonly row: number; readonly id: string; readonly score: number };

export type Matches = {
  readonly items: readonly Match[];
  readonly next?: string;
  readonly total: number;
  readonly facets: SearchResult['facets'];
  readonly asked: readonly AskedWord[];
};

/** All documents that have the words, ranked; one page of them. */
export function searchRows(
  statements: Statements,
  layout: Layout,
  model: ReadModel,
  request: SearchRequest,
  near: (layout: Layout, word: string) => readonly string[],
): Matches {
  if (request.text.trim() === '') return everything(statements, layout, model, request);
  const facets = request.facets.map((name) => fieldOf(layout, model, name, 'facet'));
  const words = [...new Set(wordsOf(request.text))].slice(0, mostWords);
  const question: Question = ['search', model.name, request.text, request.where];
  const place = request.after === undefined ? undefined : fromCursor(question, request.after);
  const after = place && { id: place.id, score: Number(place.value) };
  if (words.length === 0 || layout.searched.length === 0) return { ...nothing(facets), asked: [] };

  const asked = words.map((word) => ({ word, near: near(layout, word) }));
  const source = candidates(statements, layout, model, request, asked);
  const score = createScorer(layout, asked);
  const tally = createTally(facets);
  const page = createPage(request.limit + 1, after);
  let total = 0;
  const labels = facets.map(({ column }) => `, t.${column}`).join('');
  const rows = statements
    .rows(`SELECT t.row, t.id, t.words${labels} ${source.from} WHERE ${source.where}`)
    .iterate(...source.parameters);
  for (const found of rows) {
    const [row, id, text, ...values] = found as [number, string, string, ...(string | null)[]];
    const points = score(text);
    if (points === undefined) continue;
    total += 1;
    tally.add(values);
    page.add({ row, id, score: points });
  }
  const best = page.best();
  const items = best.slice(0, request.limit);
  const last = items.at(-1);
  const result = { items, total, facets: tally.facets(), asked };
  if (best.length <= request.limit || last === undefined) return result;
  return { ...result, next: toCursor(question, { value: last.score, id: last.id }) };
}

function nothing(facets: readonly FieldPlan[]) {
  return { items: [], total: 0, facets: createTally(facets).facets() };
}

/** What may match: the few documents of the most selective condition, or those with the words. */
function candidates(
  statements: Statements,
  layout: Layout,
  model: ReadModel,
  request: SearchRequest,
  asked: readonly AskedWord[],
): Source {
  const { documents, texts, words } = layout.table;
  const clauses = clausesOf(layout, model, request.where);
  const driver = mostSelective(statements, layout, clauses, fewDocuments);
  if (driver !== undefined) {
    const source = drivenBy(layout, driver, clauses);
    const having = asked.map(havingWord).filter((one) => one !== undefined);
    return {
      from: `${source.from} CROSS JOIN ${texts} t ON t.row = d.row`,
      where: [source.where, ...having.map(({ sql }) => sql)].join(' AND '),
      parameters: [...source.parameters, ...having.flatMap(({ needles }) => needles)],
    };
  }
  const terms = asked.map(({ word, near }) => {
    return `("${word}" *${near.map((term) => ` OR "${term}"`).join('')})`;
  });
  const join = clauses.length === 0 ? '' : `CROSS JOIN ${documents} d ON d.row = w.rowid`;
  return {
    from: `FROM ${words} w CROSS JOIN ${texts} t ON t.row = w.rowid ${join}`,
    // In the column of the table's own name: all columns.
    where: [`w.${words} MATCH ?`, ...clauses.map(({ neutral }) => neutral)].join(' AND '),
    parameters: [terms.join(' AND '), ...clauses.flatMap(({ parameters }) => parameters)],
  };
}

/** With more of them it is not worth the while. */
const mostNeedles = 9;

/**
 * What every match has, and few others: SQLite leaves those out at a fraction of what it takes to
 * hand them over.
 */
function havingWord({ word, near }: AskedWord) {
  const needles = [` ${word}`, ...near.map((term) => ` ${term} `)];
  if (needles.length > mostNeedles) return undefined;
  return { sql: `(${needles.map(() => 'instr(t.words, ?)').join(' OR ')})`, needles };
}

/** The best so many matches behind a place. */
function createPage(
  size: number,
  after: { readonly score: number; readonly id: string } | undefined,
) {
  const compare = (a: Omit<Match, 'row'>, c: Omit<Match, 'row'>) =>
    c.score - a.score || (a.id < c.id ? -1 : a.id > c.id ? 1 : 0);
  let kept: Match[] = [];
  let worst: Match | undefined;

  function best(): readonly Match[] {
    kept.sort(compare);
    kept = kept.slice(0, size);
    if (kept.length === size) worst = kept.at(-1);
    return kept;
  }

  return {
    add(match: Match): void {
      if (after !== undefined && compare(match, after) <= 0) return;
      if (worst !== undefined && compare(match, worst) > 0) return;
      kept.push(match);
      if (kept.length > 2 * size + 100) best();
    },
    best,
  };
}

/** Without a word: all documents, in the order of their ids. */
function everything(
  statements: Statements,
  layout: Layout,
  model: ReadModel,
  request: SearchRequest,
): Matches {
  const { where, limit, after } = request;
  const facets = request.facets.map((name) => fieldOf(layout, model, name, 'facet'));
  const clauses = clausesOf(layout, model, where);
  const driver = mostSelective(statements, layout, clauses, fewDocuments);
  const source =
    driver === undefined ? scanning(layout, clauses) : drivenBy(layout, driver, clauses);
  const inOrder = { where, limit, ...(after === undefined ? {} : { after }) };
  // Nobody looks at them: the documents are counted alone.
  const page = limit === 0 ? { items: [] } : listRows(statements, layout, model, inOrder, 'search');
  const sql = `SELECT id FROM ${layout.table.documents} WHERE row = ?`;
  const items = page.items.map((row) => {
    const [id] = statements.rows(sql).get(row) as [string];
    return { row, id, score: 0 };
  });
  const [total] = statements
    .rows(`SELECT count(*) ${source.from} WHERE ${source.where}`)
    .get(...source.parameters) as [number];
  return {
    items,
    ...(page.next === undefined ? {} : { next: page.next }),
    total,
    facets: facets.map((plan) =>
      countLabels(statements, layout, plan, clauses.length === 0 ? undefined : source),
    ),
    asked: [],
  };
}
