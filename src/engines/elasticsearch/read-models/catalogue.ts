import { randomUUID } from 'node:crypto';
import type { Client } from '@elastic/elasticsearch';
import { StoreFault } from '../../../kernel/fault.ts';
import { isAfter, type Position } from '../../../kernel/position.ts';
import type { Schema } from '../../../projection/kit.ts';
import type { GenerationInfo, GenerationRef } from '../../../projection/read-model-store.ts';
import { faultOf, isAlreadyThere, isMissingIndex, toComplaint } from '../faults.ts';
import { type Layout, layoutOf, mappingOf, problemOfView } from './layout.ts';
import { everyIndex, fromIndex, indexOf, keptAlias, liveAlias, writeAlias } from './names.ts';
import { type Progress, readProgress } from './progress.ts';
import type { createRecent } from './recent.ts';

/** What an index says of itself, beside its mapping. */
export type IndexMeta = {
  /** Of the index, as no other has it. */
  readonly id: string;
  readonly fingerprint: string;
  /** JSON: Elasticsearch gives the properties of an object in another order. */
  readonly schema: string;
};

type IndexState = {
  readonly aliases?: Readonly<Record<string, unknown>>;
  readonly mappings?: { readonly _meta?: { readonly cipherhorizon?: IndexMeta } };
};

type Recent = ReturnType<typeof createRecent>;

export type Catalogue = ReturnType<typeof createCatalogue>;

// Every write is on the disk before it is answered, in an index that is being built, too: whoever
// builds it goes on from what he has written, and does not notice that a server was started anew.
const settings = {
  building: {
    refresh_interval: '-1',
    number_of_replicas: 0,
  } as const,
  live: (refreshIntervalMs: number) => ({
    refresh_interval: `${refreshIntervalMs}ms`,
    // One where there is a second node for it.
    auto_expand_replicas: '0-1',
  }),
};

/**
 * The generations of views. Each is an index; an alias says which is live. One that is being built
 * has no replicas and shows nothing by itself; it gets both when it goes live.
 */
export function createCatalogue(
  client: Client,
  recent: Recent,
  progress: Progress,
  { prefix, refreshIntervalMs }: { readonly prefix: string; readonly refreshIntervalMs: number },
) {
  const layouts = new Map<string, Layout>();
  const liveIndexes = new Set<string>();

  /** The states of indexes: of one, or of all that the pattern names. */
  async function statesOf(index: string): Promise<Readonly<Record<string, IndexState>>> {
    return (await client.indices.get({
      index,
      features: ['aliases', 'mappings'],
      filter_path: '*.aliases,*.mappings._meta.cipherhorizon',
      allow_no_indices: true,
      expand_wildcards: ['open', 'closed'],
    })) as Readonly<Record<string, IndexState>>;
  }

  const missing = ({ view, generation }: GenerationRef) => {
    const index = indexOf(prefix, view.name, generation);
    const what = `the view "${view.name}" has no generation ${generation}`;
    return new StoreFault('STORE_FAILED', `${what}: there is no index "${index}"`);
  };

  /** @throws StoreFault where there is no such generation */
  async function metaOf(ref: GenerationRef): Promise<IndexMeta> {
    const index = indexOf(prefix, ref.view.name, ref.generation);
    try {
      const meta = (await statesOf(index))[index]?.mappings?._meta?.cipherhorizon;
      if (meta !== undefined) return meta;
    } catch (error) {
      if (isMissingIndex(error)) throw missing(ref);
      throw error;
    }
    const message = `the index "${index}" is none of ours: it says nothing of a view`;
    throw new StoreFault('STORE_FAILED', message);
  }

  /** As the generation was opened with; remembered until it turns out not to be there. */
  async function layout(ref: GenerationRef): Promise<Layout> {
    const index = indexOf(prefix, ref.view.name, ref.generation);
    const known = layouts.get(index);
    if (known !== undefined) return known;
    const { id, schema } = await metaOf(ref);
    const fields = JSON.parse(schema) as Schema;
    const made = layoutOf({ index, id }, ref.view.name, ref.generation, fields);
    layouts.set(index, made);
    return made;
  }

  async function infos(pattern: string): Promise<readonly GenerationInfo[]> {
    const states = Object.entries(await statesOf(pattern)).flatMap(([index, state]) => {
      const name = fromIndex(prefix, index);
      const meta = state.mappings?._meta?.cipherhorizon;
      if (name === undefined || meta === undefined) return [];
      const aliases = state.aliases ?? {};
      const isLive = liveAlias(prefix, name.view) in aliases;
      const wasLive = keptAlias(prefix, name.view) in aliases;
      if (isLive) liveIndexes.add(index);
      else liveIndexes.delete(index);
      const { id, fingerprint } = meta;
      return [{ index, id, ...name, fingerprint, state: stateName(isLive, wasLive) }];
    });
    const found = await readProgress(client, prefix, states, (error, index) =>
      faultOf(toComplaint(503, error), `cannot read the checkpoint of "${index}"`),
    );
    const reached: Position[] = [];
    for (const [i, { own, position }] of found.entries()) {
      const { index, state } = states[i] as (typeof states)[number];
      recent.told(index, position, state === 'building');
      progress.told(index, own);
      reached.push(position);
    }
    return states
      .map(({ index, id, ...info }, i) => ({ ...info, checkpoint: reached[i] as Position }))
      .sort((a, b) => (a.view < b.view ? -1 : a.view > b.view ? 1 : a.generation - b.generation));
  }

  async function info(ref: GenerationRef): Promise<GenerationInfo> {
    await metaOf(ref);
    const [one] = await infos(indexOf(prefix, ref.view.name, ref.generation));
    if (one === undefined) throw missing(ref);
    return one;
  }

  async function open(ref: GenerationRef, fingerprint: string): Promise<GenerationInfo> {
    const { view, generation } = ref;
    const problem = problemOfView(view.name, view.schema);
    if (problem !== undefined) throw new StoreFault('STORE_FAILED', problem);
    const index = indexOf(prefix, view.name, generation);
    const id = randomUUID();
    const meta: IndexMeta = { id, fingerprint, schema: JSON.stringify(view.schema) };
    const mapping = mappingOf(layoutOf({ index, id }, view.name, generation, view.schema));
    layouts.delete(index);
    try {
      await client.indices.create({
        index,
        aliases: { [writeAlias(index)]: {} },
        mappings: { ...mapping, _meta: { cipherhorizon: meta } },
        settings: { number_of_shards: 1, ...settings.building },
      });
      recent.made(index);
    } catch (error) {
      if (!isAlreadyThere(error)) throw error;
    }
    return info(ref);
  }

  async function switchTo(ref: GenerationRef, backwards: boolean): Promise<void> {
    const index = indexOf(prefix, ref.view.name, ref.generation);
    const what = `generation ${ref.generation} of the view "${ref.view.name}"`;
    const next = await info(ref);
    if (next.state === 'live') return;
    await client.indices.putSettings({ index, settings: settings.live(refreshIntervalMs) });
    // What has been applied is shown.
    await client.indices.refresh({ index }, patiently);
    const all = await infos(indexOf(prefix, ref.view.name, 0).replace(/0$/, '*'));
    const live = all.find(({ state }) => state === 'live');
    const { checkpoint } = await info(ref);
    if (live !== undefined && isAfter(live.checkpoint, checkpoint) && !backwards) {
      throw new StoreFault('STORE_FAILED', `${what} is behind the live one: catch it up first`);
    }
    const alias = liveAlias(prefix, ref.view.name);
    const kept = keptAlias(prefix, ref.view.name);
    const actions = [
      { add: { index, alias } },
      ...(next.state === 'kept' ? [{ remove: { index, alias: kept } }] : []),
    ];
    if (live !== undefined) {
      const old = indexOf(prefix, live.view, live.generation);
      actions.unshift(
        // It fails as a whole where another has been switched to meanwhile.
        { remove: { index: old, alias, must_exist: true } } as (typeof actions)[number],
        { add: { index: old, alias: kept } },
      );
    }
    await client.indices.updateAliases({ actions });
    recent.forget(index);
    liveIndexes.add(index);
  }

  async function drop(ref: GenerationRef): Promise<void> {
    const index = indexOf(prefix, ref.view.name, ref.generation);
    const what = `generation ${ref.generation} of the view "${ref.view.name}"`;
    if ((await info(ref)).state === 'live') {
      throw new StoreFault('STORE_FAILED', `${what} is live and cannot be dropped`);
    }
    layouts.delete(index);
    recent.forget(index);
    await client.indices.delete({ index });
  }

  return {
    generations: () => infos(everyIndex(prefix)),
    layout,
    /** As far as this process has seen. */
    isLive: (index: string) => liveIndexes.has(index),
    /** After a fault: the index may have gone, and may come again as another. */
    forget: () => {
      layouts.clear();
      recent.forgetAll();
      progress.forgetAll();
    },
    open,
    switchTo,
    drop,
  };
}

/** For what may take long with a large index. */
const patiently = { requestTimeout: 300_000 };

function stateName(isLive: boolean, wasLive: boolean): GenerationInfo['state'] {
  return isLive ? 'live' : wasLive ? 'kept' : 'building';
}
