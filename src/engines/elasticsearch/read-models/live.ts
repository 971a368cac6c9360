import type { Client } from '@elastic/elasticsearch';
import { StoreFault } from '../../../kernel/fault.ts';
import type { Schema } from '../../../projection/kit.ts';
import type { IndexMeta } from './catalogue.ts';
import { type Layout, layoutOf } from './layout.ts';
import { fromIndex, liveAlias } from './names.ts';

/** So long a generation is taken to be the live one, unless something tells that it is not. */
const trustedMs = 1_000;

export type Live = {
  /** @throws StoreFault STORE_UNAVAILABLE where the view has no live generation */
  readonly layout: (view: string) => Promise<Layout>;
  /** The index behind the alias as an answer has named it: another one is looked at anew. */
  readonly seen: (view: string, index: string) => void;
  readonly forget: (view: string) => void;
};

/** Which generation is live, and its schema. */
export function createLive(client: Client, prefix: string, now: () => number): Live {
  /** `index`: once it is known. */
  type Look = { readonly layout: Promise<Layout>; readonly until: number; index?: string };
  const looks = new Map<string, Look>();
  const layouts = new Map<string, { readonly layout: Layout; readonly text: string }>();

  async function look(view: string): Promise<Layout> {
    const alias = liveAlias(prefix, view);
    const result = (await client.indices.getMapping({
      index: alias,
      filter_path: '*.mappings._meta.cipherhorizon',
    })) as Readonly<Record<string, { mappings: { _meta?: { cipherhorizon?: IndexMeta } } }>>;
    const [found] = Object.entries(result);
    const name = found === undefined ? undefined : fromIndex(prefix, found[0]);
    const meta = found?.[1].mappings._meta?.cipherhorizon;
    if (found === undefined || name === undefined || meta === undefined) {
      const message = `the alias "${alias}" is not on an index of the view "${view}"`;
      throw new StoreFault('STORE_FAILED', message);
    }
    // The same object as long as it is the same schema.
    const text = `${found[0]} ${meta.id} ${meta.schema}`;
    const before = layouts.get(view);
    if (before?.text === text) return before.layout;
    const named = { index: found[0], id: meta.id };
    const layout = layoutOf(named, view, name.generation, JSON.parse(meta.schema) as Schema);
    layouts.set(view, { layout, text });
    return layout;
  }

  return {
    layout: (view) => {
      const known = looks.get(view);
      if (known !== undefined && known.until > now()) return known.layout;
      const one: Look = { layout: look(view), until: now() + trustedMs };
      looks.set(view, one);
      one.layout.then(
        ({ index }) => {
          one.index = index;
        },
        () => {
          if (looks.get(view) === one) looks.delete(view);
        },
      );
      return one.layout;
    },
    seen: (view, index) => {
      if (looks.get(view)?.index !== index) looks.delete(view);
    },
    forget: (view) => {
      looks.delete(view);
    },
  };
}

/** The fault that it is to have no live generation. */
export function noLive(prefix: string, view: string): StoreFault {
  const alias = liveAlias(prefix, view);
  const message = `the view "${view}" has no live generation: there is no index behind the alias "${alias}". Its projector has not made one yet, or it has been deleted`;
  return new StoreFault('STORE_UNAVAILABLE', message);
}
