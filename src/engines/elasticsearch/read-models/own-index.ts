import type { Client, estypes } from '@elastic/elasticsearch';
import { isAlreadyThere } from '../faults.ts';
import { writeAlias } from './names.ts';

/** Not looked for by it: read by the ids of entries alone. */
export const unindexed = { index: false, doc_values: false } as const;

/** Makes an index that is no generation's, where it is missing, with its write alias. */
export async function makeOwnIndex(
  client: Client,
  index: string,
  properties: Record<string, estypes.MappingProperty>,
  settings: estypes.IndicesIndexSettings = {},
): Promise<void> {
  try {
    await client.indices.create({
      index,
      aliases: { [writeAlias(index)]: {} },
      mappings: { dynamic: 'strict', properties },
      settings: { number_of_shards: 1, auto_expand_replicas: '0-1', ...settings },
    });
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
  }
}
