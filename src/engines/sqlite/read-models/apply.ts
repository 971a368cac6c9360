import type { Batch, GenerationRef, ReadModelStore } from '../../../projection/read-model-store.ts';
import type { SqliteDatabase } from '../database.ts';
import { keyOf } from './catalogue.ts';
import type { Layout } from './layout.ts';
import type { Statements } from './statements.ts';
import { type Encoded, encode, problemOfDocument } from './values.ts';
import { createWordIndex, type WordIndex } from './word-index.ts';
import { createDocumentWriter, type DocumentWriter } from './writer.ts';

type Batches = Parameters<ReadModelStore['apply']>[0];
type Refused = Awaited<ReturnType<ReadModelStore['apply']>>['refused'][number];

/** What is kept for a generation from one batch to the next. */
type Target = {
  readonly layout: Layout;
  readonly index: WordIndex | undefined;
  readonly writer: DocumentWriter;
};

const mostTargets = 100;

/**
 * Applies batches in one transaction. Documents are checked first: if one is refused, nothing of the
 * call is written.
 */
export function createApply(
  database: SqliteDatabase,
  statements: Statements,
  layouts: (key: number) => Layout,
): (batches: Batches) => { readonly refused: readonly Refused[] } {
  const targets = new Map<number, Target>();

  function targetOf(key: number): Target {
    const known = targets.get(key);
    if (known !== undefined) return known;
    const layout = layouts(key);
    const index = layout.searched.length > 0 ? createWordIndex(statements, layout) : undefined;
    const target = { layout, index, writer: createDocumentWriter(statements, layout, index) };
    const [oldest] = targets.keys();
    if (targets.size >= mostTargets && oldest !== undefined) targets.delete(oldest);
    targets.set(key, target);
    return target;
  }

  /** Of documents without a problem; in `refused` of those that have one. */
  function encodeAll(ref: GenerationRef, batch: Batch, refused: Refused[]) {
    const { layout } = targetOf(keyOf(statements, ref));
    const encoded: (Encoded | undefined)[] = [];
    for (const { id, document } of batch.documents) {
      const error = document === undefined ? undefined : problemOfDocument(layout, document);
      if (error !== undefined) refused.push({ ref, documentId: id, error });
      else if (refused.length > 0 || document === undefined) encoded.push(undefined);
      else encoded.push(encode(layout, document));
    }
    return { ref, batch, encoded };
  }

  const write = database.transaction((prepared: readonly ReturnType<typeof encodeAll>[]) => {
    for (const { ref, batch, encoded } of prepared) {
      const key = keyOf(statements, ref);
      const { writer, index } = targetOf(key);
      let more = 0;
      for (const [i, { id, version }] of batch.documents.entries()) {
        more += writer.put(id, version, encoded[i], batch.overwrite === true);
      }
      index?.flush();
      writeParked(statements, key, batch);
      writeProgress(statements, key, batch, more);
    }
  }).immediate;

  return (batches) => {
    const refused: Refused[] = [];
    const prepared = batches.map(({ ref, batch }) => encodeAll(ref, batch, refused));
    if (refused.length > 0) return { refused };
    try {
      write(prepared);
    } catch (error) {
      for (const { index } of targets.values()) index?.forget();
      throw error;
    }
    return { refused };
  };
}

function writeParked(statements: Statements, key: number, { park, unpark }: Batch): void {
  for (const { documentId, position } of unpark) {
    statements
      .run(`DELETE FROM parked
        WHERE key = ? AND document_id = ? AND commit_at = ? AND prepare_at = ?`)
      .run(key, documentId, position.commit, position.prepare);
  }
  for (const event of park) {
    const { documentId, position, stream, revision, type, error, attempts, parkedAt } = event;
    const { commit, prepare } = position;
    statements
      .run('INSERT OR REPLACE INTO parked VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(key, documentId, commit, prepare, stream, revision, type, error, attempts, parkedAt);
  }
}

function writeProgress(
  statements: Statements,
  key: number,
  { checkpoint }: Batch,
  moreDocuments: number,
): void {
  if (moreDocuments !== 0) {
    statements
      .run('UPDATE generations SET documents = documents + ? WHERE key = ?')
      .run(moreDocuments, key);
  }
  if (checkpoint === undefined) return;
  const { position, storedAt } = checkpoint;
  const { commit, prepare } = position;
  statements
    .run(`UPDATE generations SET commit_at = ?, prepare_at = ?, as_of = ?
      WHERE key = ? AND (commit_at, prepare_at) < (?, ?)`)
    .run(commit, prepare, storedAt, key, commit, prepare);
}
