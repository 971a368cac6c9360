import type { Client } from '@elastic/elasticsearch';
import { isAfter } from '../../../kernel/position.ts';
import type {
  Batch,
  GenerationRef,
  ReadModelStore,
  StoredDocument,
} from '../../../projection/read-model-store.ts';
import { type Complaint, faultOf } from '../faults.ts';
import { createBulk, type Item } from './bulk.ts';
import type { Catalogue } from './catalogue.ts';
import {
  parkedEntryId,
  toCheckpointSource,
  toDocumentSource,
  toParkedSource,
  toReachSource,
} from './entries.ts';
import type { Layout } from './layout.ts';
import { checkpointId, problemOfId, toEntryId } from './names.ts';
import type { Progress } from './progress.ts';
import type { createRecent } from './recent.ts';
import { problemOfDocument } from './values.ts';
import { createWriting, type Entry } from './writing.ts';

type Batches = Parameters<ReadModelStore['apply']>[0];
type Refused = Awaited<ReturnType<ReadModelStore['apply']>>['refused'][number];

type Planned = { readonly ref: GenerationRef; readonly batch: Batch; readonly layout: Layout };
type PlannedDocument = Planned & { readonly document: StoredDocument };

const what = 'cannot apply events';

/**
 * Applies batches: all documents first, then what is parked, then the checkpoints, each step when
 * the one before it is settled. A crash in between leaves a checkpoint that is behind its documents,
 * never before them; the repetition finds them written.
 */
export function createApply(
  client: Client,
  catalogue: Catalogue,
  recent: ReturnType<typeof createRecent>,
  progress: Progress,
  refreshIntervalMs: number,
) {
  const send = createBulk(client, what);
  const write = createWriting(client, send, what);
  const writtenAt = new Map<string, number>();

  /**
   * Elasticsearch shows to lists and searches what was written within one interval. After a quiet
   * one it need not be waited for: the first change is shown at once.
   */
  async function show(indexes: readonly string[]): Promise<void> {
    const now = performance.now();
    const isQuiet = (index: string) => now - (writtenAt.get(index) ?? -1e9) >= refreshIntervalMs;
    const due = indexes.filter(isQuiet);
    for (const index of indexes) writtenAt.set(index, now);
    if (due.length === 0) return;
    // Everything is applied in any case.
    await client.indices.refresh({ index: due, ignore_unavailable: true }).catch(() => undefined);
  }

  async function writeDocuments(plan: readonly Planned[]): Promise<readonly Refused[]> {
    const documents = plan.flatMap((planned) =>
      lastOfEach(planned.batch).map((document): PlannedDocument => ({ ...planned, document })),
    );
    const refused = documents.flatMap(({ ref, layout, document }) => {
      const error = problemOf(layout, document);
      return error === undefined ? [] : { ref, documentId: document.id, error };
    });
    if (refused.length > 0) return refused;
    for (const { layout, document } of documents) recent.writing(layout.index, document.id);
    for (const [i, result] of (await write(documents.map(toEntry))).entries()) {
      const { ref, layout, document } = documents[i] as PlannedDocument;
      if (result === 'written') recent.written(layout.index, document);
      if (typeof result !== 'object') continue;
      refused.push({ ref, documentId: document.id, error: sentenceOf(result) });
    }
    return refused;
  }

  async function writeCheckpoints(plan: readonly Planned[]): Promise<void> {
    const entries = plan.flatMap((planned) => reachOf(planned) ?? checkpointOf(planned) ?? []);
    if (entries.some(({ index }) => index === progress.index)) await progress.made();
    for (const result of await write(entries)) {
      if (typeof result === 'object') throw faultOf(result, `${what}: the checkpoint is refused`);
    }
    for (const { layout, batch } of plan) recent.reached(layout.index, batch.checkpoint?.position);
    for (const { index, id, position } of entries) {
      if (id === checkpointId) progress.told(index, position);
    }
  }

  /** Of a live generation for which nothing has come. */
  function reachOf({ layout: { index, id }, batch }: Planned): Entry | undefined {
    const { documents, park, unpark, checkpoint } = batch;
    const base = progress.baseOf(index);
    if (checkpoint === undefined || base === undefined || !catalogue.isLive(index))
      return undefined;
    if (documents.length + park.length + unpark.length > 0) return undefined;
    const { position, storedAt } = checkpoint;
    const source = () => toReachSource(base, position, storedAt);
    return { index: progress.index, id, position, source, overwrite: false };
  }

  /** Of batches that have no generation in common. */
  async function applyAll(plan: readonly Planned[]): Promise<readonly Refused[]> {
    const refused = await writeDocuments(plan);
    if (refused.length > 0) return refused;
    await send(plan.flatMap(parkingOf));
    await writeCheckpoints(plan);
    const written = plan.filter(({ batch }) => batch.documents.length > 0);
    await show(written.map(({ layout }) => layout.index).filter(catalogue.isLive));
    return [];
  }

  return async (batches: Batches): Promise<{ readonly refused: readonly Refused[] }> => {
    const plan: Planned[] = [];
    for (const { ref, batch } of batches) {
      plan.push({ ref, batch, layout: await catalogue.layout(ref) });
    }
    const rounds = roundsOf(plan);
    // What can be seen beforehand is refused before anything is written.
    if (rounds.length > 1) {
      const seen = plan.flatMap(({ ref, batch, layout }) =>
        batch.documents.flatMap((document) => {
          const error = problemOf(layout, document);
          return error === undefined ? [] : { ref, documentId: document.id, error };
        }),
      );
      if (seen.length > 0) return { refused: seen };
    }
    for (const round of rounds) {
      const refused = await applyAll(round);
      if (refused.length > 0) return { refused };
    }
    return { refused: [] };
  };
}

/** Batches of the same generation one after the other, in their order. */
function roundsOf(plan: readonly Planned[]): readonly (readonly Planned[])[] {
  const rounds: Planned[][] = [];
  const counts = new Map<string, number>();
  for (const planned of plan) {
    const round = counts.get(planned.layout.index) ?? 0;
    counts.set(planned.layout.index, round + 1);
    const sameRound = rounds[round];
    if (sameRound === undefined) rounds.push([planned]);
    else sameRound.push(planned);
  }
  return rounds;
}

/** What the batch leaves of each document: written one after the other, they would end so. */
function lastOfEach({ documents, overwrite }: Batch): readonly StoredDocument[] {
  const last = new Map<string, StoredDocument>();
  for (const document of documents) {
    const before = last.get(document.id);
    const counts =
      before === undefined || overwrite === true || isAfter(document.version, before.version);
    if (counts) last.set(document.id, document);
  }
  return [...last.values()];
}

function problemOf(layout: Layout, { id, document }: StoredDocument): string | undefined {
  const problem = problemOfId(id);
  if (problem !== undefined || document === undefined) return problem;
  return problemOfDocument(layout, document);
}

function toEntry({ layout, batch, document }: PlannedDocument): Entry {
  return {
    index: layout.index,
    id: toEntryId(document.id),
    position: document.version,
    source: () => toDocumentSource(layout, document),
    overwrite: batch.overwrite === true,
  };
}

function checkpointOf({ layout: { index }, batch }: Planned): Entry | undefined {
  if (batch.checkpoint === undefined) return undefined;
  const { position, storedAt } = batch.checkpoint;
  const source = () => toCheckpointSource(position, storedAt);
  return { index, id: checkpointId, position, source, overwrite: false };
}

function parkingOf({ layout, batch: { park, unpark } }: Planned): readonly Item[] {
  const { index } = layout;
  const items = new Map<string, Item>();
  for (const { documentId, position } of unpark) {
    const id = parkedEntryId(documentId, position);
    items.set(id, { index, id, op: 'delete' });
  }
  for (const event of park) {
    const id = parkedEntryId(event.documentId, event.position);
    items.set(id, { index, id, op: 'index', source: () => toParkedSource(event) });
  }
  return [...items.values()];
}

/** Elasticsearch's reason quotes values, which are nobody's to read: of it, only the field is told. */
function sentenceOf({ type, reason, status }: Complaint): string {
  const field = /field \[(?:f\.)?([A-Za-z][A-Za-z0-9_]*)\]/.exec(reason)?.[1];
  const where = field === undefined ? '' : `, at the field "${field}"`;
  return `Elasticsearch refuses the document${where}: ${type} (${status})`;
}
