import { describe, expect, test } from '@jest/globals';
import {
  type Complaint,
  faultOf,
  mayPass,
  toComplaint,
} from '../../../../src/engines/elasticsearch/faults.ts';
import { createRecent } from '../../../../src/engines/elasticsearch/read-models/recent.ts';
import { createRefreshing } from '../../../../src/engines/elasticsearch/read-models/refreshing.ts';
import { createElasticsearchReadModels } from '../../../../src/engines/elasticsearch/read-models.ts';
import { at } from '../../../support/read-models-batches.ts';

describe('what Elasticsearch says', () => {
  const complaint = (status: number, type: string, reason = ''): Complaint =>
    toComplaint(status, { type, reason, index: 'an-index' });

  test.each<[number, string, string, string, boolean]>([
    [429, 'es_rejected_execution_exception', 'rejected', 'STORE_BUSY', true],
    [429, 'circuit_breaking_exception', 'Data too large', 'STORE_BUSY', true],
    [500, 'illegal_state_exception', '', 'STORE_FAILED', true],
    [503, 'error', '', 'STORE_UNAVAILABLE', true],
    [
      429,
      'cluster_block_exception',
      'index [a] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark];',
      'STORE_FULL',
      false,
    ],
    [
      403,
      'cluster_block_exception',
      'index [a] blocked by: [FORBIDDEN/8/index write (api)];',
      'STORE_READ_ONLY',
      false,
    ],
    [
      403,
      'cluster_block_exception',
      'index [a] blocked by: [FORBIDDEN/7/index read (api)];',
      'STORE_UNAVAILABLE',
      false,
    ],
    [
      403,
      'cluster_block_exception',
      'index [a] blocked by: [FORBIDDEN/4/index closed];',
      'STORE_UNAVAILABLE',
      false,
    ],
    [
      503,
      'cluster_block_exception',
      'blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];',
      'STORE_UNAVAILABLE',
      false,
    ],
    [
      503,
      'unavailable_shards_exception',
      'primary shard is not active',
      'STORE_UNAVAILABLE',
      false,
    ],
    [503, 'no_shard_available_action_exception', '', 'STORE_UNAVAILABLE', false],
    [404, 'index_not_found_exception', 'no such index [a]', 'STORE_FAILED', false],
    [400, 'index_closed_exception', 'closed', 'STORE_UNAVAILABLE', false],
    [403, 'security_exception', 'action is unauthorized', 'STORE_FAILED', false],
    [401, 'error', '', 'STORE_FAILED', false],
    [
      400,
      'validation_exception',
      'this cluster has [10]/[10] maximum shards open;',
      'STORE_FULL',
      false,
    ],
    [500, 'exception', 'No space left on device', 'STORE_FULL', false],
    [500, 'corrupt_index_exception', 'checksum failed', 'STORE_CORRUPT', false],
    [400, 'illegal_argument_exception', '', 'STORE_FAILED', false],
  ])('%i %s (%s) is %s; may pass: %s', (status, type, reason, code, passing) => {
    const said = complaint(status, type, reason);
    const fault = faultOf(said, 'cannot do it');
    expect(fault.code).toBe(code);
    expect(fault.message).toMatch(/^cannot do it \(index "an-index"\): /);
    expect(fault.message).toContain(`${status} ${type}`);
    expect(mayPass(said)).toBe(passing);
  });

  test('is not told where it quotes documents or questions', () => {
    const reason = 'failed to parse field [price]; source[{"doc":"secret"}]';
    for (const [status, type] of [
      [400, 'document_parsing_exception'],
      [503, 'unavailable_shards_exception'],
    ] as const) {
      expect(faultOf(complaint(status, type, reason), 'cannot').message).not.toContain('secret');
    }
  });

  test('is understood in any form', () => {
    expect(toComplaint(502, 'Bad Gateway')).toMatchObject({ status: 502, reason: 'Bad Gateway' });
    expect(toComplaint(500, undefined)).toMatchObject({ type: 'error', reason: '' });
    const nested = {
      type: 'search_phase_execution_exception',
      reason: 'all shards failed',
      root_cause: [],
      failed_shards: [{ reason: { type: 'no_shard_available_action_exception', index: 'i' } }],
    };
    expect(faultOf(toComplaint(503, nested), 'cannot').message).toContain('index "i"');
  });
});

describe('options', () => {
  const options = { url: 'http://127.0.0.1:1', indexPrefix: 'a', requestTimeoutMs: 1 };

  test.each(['', 'A', '1a', 'a.b', 'a*', 'a/b', '-a', 'a'.repeat(81)])(
    '"%s" is no prefix',
    (indexPrefix) => {
      const create = () => createElasticsearchReadModels({ ...options, indexPrefix });
      expect(create).toThrow(/cannot be the prefix of an index/);
    },
  );

  test('a CA file that is not there is named', () => {
    const create = () => createElasticsearchReadModels({ ...options, caFile: '/nowhere/ca.pem' });
    expect(create).toThrow('cannot read the CA file /nowhere/ca.pem');
  });

  test('nor is what is no certificate taken for one', () => {
    const caFile = import.meta.filename;
    const create = () => createElasticsearchReadModels({ ...options, caFile });
    expect(create).toThrow(`cannot read the CA file ${caFile}`);
  });
});

describe('what was written last', () => {
  const document = (id: string, n: number) => ({ id, version: at(n), document: { n } });
  const write = (recent: ReturnType<typeof createRecent>, id: string, n: number) => {
    recent.writing('i', id);
    recent.written('i', document(id, n));
  };

  test('of an index that was made here is all that there is', () => {
    const recent = createRecent();
    expect(recent.find('i', 'a')).toBeUndefined();
    recent.made('i');
    expect(recent.find('i', 'a')).toBe('absent');
    recent.writing('i', 'a');
    expect(recent.find('i', 'a')).toBeUndefined();
    recent.written('i', document('a', 1));
    expect(recent.find('i', 'a')).toEqual(document('a', 1));
    recent.writing('i', 'a');
    expect(recent.find('i', 'a')).toBeUndefined();
    expect(recent.find('other', 'a')).toBeUndefined();
  });

  test('is forgotten from the longest ago on; what was never written stays known', () => {
    const recent = createRecent();
    recent.made('i');
    for (let n = 0; n < 25_000; n += 1) write(recent, `k${n}`, n);
    expect(recent.find('i', 'k0')).toBeUndefined();
    expect(recent.find('i', 'k24999')).toEqual(document('k24999', 24_999));
    const absent = Array.from({ length: 1_000 }, (_, n) => recent.find('i', `other${n}`));
    expect(absent.filter((one) => one === 'absent').length).toBeGreaterThan(990);
  });

  test('counts only from the checkpoint that was written last', () => {
    const recent = createRecent();
    recent.made('i');
    write(recent, 'a', 1);
    recent.reached('i', at(5));
    recent.told('i', at(5), true);
    expect(recent.find('i', 'a')).toEqual(document('a', 1));
    recent.told('i', at(6), true);
    expect(recent.find('i', 'a')).toBeUndefined();
    expect(recent.find('i', 'b')).toBeUndefined();
    write(recent, 'a', 7);
    expect(recent.find('i', 'a')).toEqual(document('a', 7));
    recent.told('i', at(8), false);
    write(recent, 'a', 9);
    expect(recent.find('i', 'a')).toBeUndefined();
  });
});

describe('refreshes', () => {
  test('are shared by those who ask while one is under way, who wait for the next', async () => {
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const refreshed = createRefreshing(async (index) => {
      begun.push(index);
      await new Promise<void>((resolve) => ends.push(resolve));
    });
    const done: string[] = [];
    const ask = (name: string, index: string) => refreshed(index).then(() => done.push(name));
    const all = [ask('one', 'a'), ask('two', 'a'), ask('three', 'a'), ask('other', 'b')];
    expect(begun).toEqual(['a', 'b']);
    ends[0]?.();
    await all[0];
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual(['one']);
    expect(begun).toEqual(['a', 'b', 'a']);
    ends[1]?.();
    ends[2]?.();
    await Promise.all(all);
    expect(begun).toHaveLength(3);
    const last = ask('last', 'a');
    expect(begun).toHaveLength(4);
    ends[3]?.();
    await last;
  });

  test('that fail are told to those who wait for them, and to no others', async () => {
    let runs = 0;
    const refreshed = createRefreshing(async () => {
      runs += 1;
      if (runs === 1) throw new Error('away');
    });
    const first = refreshed('a');
    const second = refreshed('a');
    await expect(first).rejects.toThrow('away');
    await second;
    expect(runs).toBe(2);
  });
});
