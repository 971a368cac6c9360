import type { Client, estypes } from '@elastic/elasticsearch';
import { isMissingIndex } from '../faults.ts';
import { leaseIndex, writeAlias } from './names.ts';
import { makeOwnIndex, unindexed } from './own-index.ts';

/**
 * They run on the node that has the shard, so that all owners go by one clock. A lease from the
 * future was given before that clock was set back, or by another node's: it has ended.
 */
const isFree = `
  boolean isFree = ctx._source.owner == null || ctx._source.until <= ctx._now
    || ctx._source.since > ctx._now + 1000;`;

const takeScript = `${isFree}
  if (!isFree && ctx._source.owner != params.owner) {
    ctx.op = 'none';
  } else if (params.ttl > 0) {
    ctx._source.owner = params.owner;
    ctx._source.since = ctx._now;
    ctx._source.until = ctx._now + params.ttl;
  } else {
    ctx._source.owner = null;
  }`;

/** Whoever takes it, gives it back, or sees that it has ended, leaves nothing of the owner before. */
const prolongScript = `
  if (ctx._source.owner == params.owner) {
    ctx._source.since = ctx._now;
    ctx._source.until = ctx._now + params.ttl;
  } else {
    ctx.op = 'none';
  }`;

const lookScript = `${isFree}
  if (isFree && ctx._source.owner != null) {
    ctx._source.owner = null;
  } else {
    ctx.op = 'none';
  }`;

/** One entry for the whole store, in an index of its own that is made where it is missing. */
export function createLease(client: Client, prefix: string) {
  const index = leaseIndex(prefix);

  const make = () =>
    makeOwnIndex(client, index, {
      owner: { type: 'keyword', ...unindexed },
      since: { type: 'long', ...unindexed },
      until: { type: 'long', ...unindexed },
    });

  async function run(script: estypes.Script) {
    const update = () =>
      client.update<unknown, unknown, { owner?: string | null }>({
        index: writeAlias(index),
        id: 'projector',
        require_alias: true,
        retry_on_conflict: 10,
        scripted_upsert: true,
        upsert: {},
        script,
        _source: ['owner'],
      });
    try {
      return await update();
    } catch (error) {
      if (!isMissingIndex(error)) throw error;
      await make();
      return update();
    }
  }

  return {
    lease: async (owner: string, ttlMs: number): Promise<boolean> => {
      const params = { owner, ttl: Math.max(0, Math.ceil(ttlMs)) };
      const { result } = await run({ source: takeScript, params });
      return result !== 'noop' && ttlMs > 0;
    },
    prolong: async (owner: string, ttlMs: number): Promise<boolean> => {
      const params = { owner, ttl: Math.ceil(ttlMs) };
      return (await run({ source: prolongScript, params })).result !== 'noop';
    },
    leasedBy: async (): Promise<string | undefined> => {
      const { get } = await run({ source: lookScript });
      return get?._source?.owner ?? undefined;
    },
  };
}
