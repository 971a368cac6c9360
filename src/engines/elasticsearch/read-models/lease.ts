import type { Client } from '@elastic/elasticsearch';
import { isMissingIndex, statusOf } from '../faults.ts';
import { leaseIndex, writeAlias } from './names.ts';

/** On the node that has the shard, so that all owners go by one clock. */
const script = `
  boolean isFree = ctx._source.owner == null || ctx._source.owner == params.owner
    || ctx._source.until <= ctx._now;
  if (!isFree || (params.ttl <= 0 && ctx._source.owner == null)) {
    ctx.op = 'none';
  } else if (params.ttl <= 0) {
    ctx._source.owner = null;
    ctx._source.until = 0L;
  } else {
    ctx._source.owner = params.owner;
    ctx._source.until = ctx._now + params.ttl;
  }`;

/** One entry for the whole store, in an index of its own that is made where it is missing. */
export function createLease(client: Client, prefix: string) {
  const index = leaseIndex(prefix);

  async function make(): Promise<void> {
    try {
      await client.indices.create({
        index,
        aliases: { [writeAlias(index)]: {} },
        mappings: {
          dynamic: 'strict',
          properties: {
            owner: { type: 'keyword', index: false, doc_values: false },
            until: { type: 'long', index: false, doc_values: false },
          },
        },
        settings: { number_of_shards: 1, auto_expand_replicas: '0-1' },
      });
    } catch (error) {
      if (statusOf(error) !== 400 || !/already_exists/.test(String(error))) throw error;
    }
  }

  async function take(owner: string, ttlMs: number): Promise<boolean> {
    const { result } = await client.update({
      index: writeAlias(index),
      id: 'projector',
      require_alias: true,
      retry_on_conflict: 5,
      scripted_upsert: true,
      upsert: {},
      script: { source: script, params: { owner, ttl: Math.ceil(ttlMs) } },
    });
    return result !== 'noop' && ttlMs > 0;
  }

  return async (owner: string, ttlMs: number): Promise<boolean> => {
    try {
      return await take(owner, ttlMs);
    } catch (error) {
      if (!isMissingIndex(error)) throw error;
      await make();
      return take(owner, ttlMs);
    }
  };
}
