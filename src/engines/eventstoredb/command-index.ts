import type { NewEvent, RecordedEvent } from '../../kernel/event.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { StreamName } from '../../kernel/stream-name.ts';
import type { AppendResult, EventStore } from '../../write/event-store.ts';
import {
  type Block,
  blockStream,
  decodeBlock,
  type Entry,
  encodeBlock,
  isBlockStream,
} from './command-blocks.ts';
import { type CommandTable, commandKey, createCommandTable } from './command-table.ts';
import { causationOf } from './events.ts';

type Store = Pick<EventStore, 'read' | 'append'>;

/**
 * What is known of one stream: every revision up to `through` is in the table. `recent` are the
 * entries that no block has yet, of revisions from `recentFrom` on; `blocks` is how many blocks
 * there are.
 */
type StreamIndex = {
  readonly table: CommandTable;
  /** Until then nothing else is added. */
  isLoaded: boolean;
  loading: Promise<void> | undefined;
  through: number;
  /** The command that the last event was of: a command's later events make no entry. */
  lastCausation: string | undefined;
  recent: Entry[];
  recentFrom: number;
  blocks: number;
  writing: Promise<void> | undefined;
};

const mostKeysKept = 1_024;
const commandsPerBlock = 512;
/** What a stream takes besides its entries, counted in entries. */
const streamCost = 16;
/** 40 kB: well within what one event may have. */
const mostPerBlock = 4_096;

/**
 * Finds the events of a command on its stream: EventStoreDB has no index over `$causationId`. It
 * follows what this process reads and appends, so that a look-up asks the store for nothing as long
 * as it need not know more than the caller does. A stream that is not in memory is read: the blocks
 * that were written of it, and its events after those.
 *
 * entries: how many commands are kept in memory over all streams, some 30 bytes each; a stream counts
 * as 16 more
 */
export function createCommandIndex(store: Store, options: { readonly entries: number }) {
  const streams = new Map<StreamName, StreamIndex>();
  const keyOf = createKeys();
  let entries = 0;

  function note(stream: StreamName, revision: number, metadata: JsonObject): void {
    const index = streams.get(stream);
    if (index?.isLoaded && revision === index.through + 1) add(index, revision, metadata);
  }

  function add(index: StreamIndex, revision: number, metadata: JsonObject): void {
    const causation = causationOf(metadata);
    if (causation !== undefined && causation !== index.lastCausation) {
      const entry = { key: keyOf(causation), revision };
      index.table.add(entry.key, revision);
      entries += 1;
      // Another process may have written the block that it belongs to.
      if (revision >= index.recentFrom) index.recent.push(entry);
    }
    index.lastCausation = causation;
    index.through = revision;
  }

  async function load(stream: StreamName, index: StreamIndex): Promise<void> {
    for await (const event of store.read(blockStream(stream))) {
      index.blocks = event.revision + 1;
      const block = decodeBlock(event);
      // A writer that was behind: what comes after the gap is read from the stream itself.
      if (block === undefined || block.from !== index.through + 1) continue;
      for (const { key, revision } of block.entries) index.table.add(key, revision);
      entries += block.entries.length;
      index.through = block.through;
      index.recentFrom = block.through + 1;
    }
    await follow(stream, index);
    index.isLoaded = true;
    index.loading = undefined;
  }

  async function follow(stream: StreamName, index: StreamIndex): Promise<void> {
    for await (const { revision, metadata } of store.read(stream, { from: index.through + 1 })) {
      // Events that were let go leave a gap at the beginning.
      if (revision > index.through) add(index, revision, metadata);
    }
  }

  function start(stream: StreamName): StreamIndex {
    const index = emptyIndex();
    streams.set(stream, index);
    entries += streamCost;
    return index;
  }

  /** With every event up to `atLeast`. */
  async function indexOf(stream: StreamName, atLeast: number): Promise<StreamIndex> {
    const index = streams.get(stream) ?? start(stream);
    touch(stream, index);
    try {
      // A load that began before may have read less than there is now.
      const isOurs = !index.isLoaded && index.loading === undefined;
      if (isOurs) index.loading = load(stream, index);
      await index.loading;
      if (!isOurs && index.through < atLeast) await follow(stream, index);
    } catch (fault) {
      forget(stream, index);
      throw fault;
    }
    shrink();
    return index;
  }

  /** The one that was used last is the last to go. */
  function touch(stream: StreamName, index: StreamIndex): void {
    streams.delete(stream);
    streams.set(stream, index);
  }

  function shrink(): void {
    for (const [stream, index] of streams) {
      if (entries <= options.entries || streams.size === 1) return;
      if (index.isLoaded) forget(stream, index);
    }
  }

  function forget(stream: StreamName, index: StreamIndex): void {
    if (streams.get(stream) !== index) return;
    streams.delete(stream);
    entries -= index.table.size() + streamCost;
  }

  /** Blocks are written beside the commands: one that fails is tried again with a later command. */
  function considerBlock(stream: StreamName, index: StreamIndex): void {
    if (index.recent.length < commandsPerBlock || index.writing !== undefined) return;
    const next = index.recent[mostPerBlock];
    const through = next === undefined ? index.through : next.revision - 1;
    const block = { from: index.recentFrom, through, entries: index.recent.slice(0, mostPerBlock) };
    const expected = index.blocks === 0 ? 'no_stream' : index.blocks - 1;
    index.writing = store
      .append(blockStream(stream), expected, [encodeBlock(stream, block)])
      .then((result) => {
        if (result.appended) settle(index, block, result.revision);
        else return adopt(stream, index);
      })
      .catch(() => {})
      .finally(() => {
        index.writing = undefined;
      });
  }

  /** The blocks that others have written. */
  async function adopt(stream: StreamName, index: StreamIndex): Promise<void> {
    for await (const event of store.read(blockStream(stream), { from: index.blocks })) {
      settle(index, decodeBlock(event), event.revision);
    }
  }

  function settle(index: StreamIndex, block: Block | undefined, revision: number): void {
    index.blocks = revision + 1;
    if (block?.from !== index.recentFrom) return;
    index.recentFrom = block.through + 1;
    index.recent = index.recent.filter((entry) => entry.revision > block.through);
  }

  return {
    onRead: ({ stream, revision, metadata }: RecordedEvent): void =>
      note(stream, revision, metadata),
    onAppended: (stream: StreamName, events: readonly NewEvent[], result: AppendResult): void => {
      if (!result.appended || isBlockStream(stream)) return;
      const first = result.revision - events.length + 1;
      // Of a stream that is new everything is known.
      if (first === 0 && !streams.has(stream)) {
        start(stream).isLoaded = true;
        shrink();
      }
      for (const [at, { metadata }] of events.entries()) note(stream, first + at, metadata);
      const index = streams.get(stream);
      if (index?.isLoaded) considerBlock(stream, index);
    },
    /**
     * Revisions at which the command's events may begin, ascending, with every event up to
     * `atLeast`. Empty: it has none. Of what is in memory the answer is no promise.
     */
    find: (
      stream: StreamName,
      causationId: string,
      atLeast = Number.POSITIVE_INFINITY,
    ): readonly number[] | Promise<readonly number[]> => {
      const key = keyOf(causationId);
      const known = streams.get(stream);
      if (known?.isLoaded && known.through >= atLeast) {
        touch(stream, known);
        return known.table.revisionsOf(key);
      }
      return indexOf(stream, atLeast).then(({ table }) => table.revisionsOf(key));
    },
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await Promise.all([...streams.values()].map(({ writing }) => writing));
    },
  };
}

/** A command is looked up, and added soon after: its key is made once. */
function createKeys(): (causationId: string) => number {
  const keys = new Map<string, number>();
  return (causationId) => {
    let key = keys.get(causationId);
    if (key === undefined) {
      if (keys.size >= mostKeysKept) keys.clear();
      key = commandKey(causationId);
      keys.set(causationId, key);
    }
    return key;
  };
}

export type CommandIndex = ReturnType<typeof createCommandIndex>;

function emptyIndex(): StreamIndex {
  return {
    table: createCommandTable(),
    isLoaded: false,
    loading: undefined,
    through: -1,
    lastCausation: undefined,
    recent: [],
    recentFrom: 0,
    blocks: 0,
    writing: undefined,
  };
}
