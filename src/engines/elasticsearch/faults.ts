import { errors } from '@elastic/elasticsearch';
import { StoreFault, type StoreFaultCode } from '../../kernel/fault.ts';

/** What Elasticsearch says is wrong, of a request or of one item of a bulk. */
export type Complaint = {
  readonly status: number;
  /** Of the error and what it was caused by, with commas. */
  readonly type: string;
  readonly reason: string;
  readonly index: string | undefined;
};

/** By Elasticsearch's own words, before the status is looked at; the first that fits. */
const meanings: readonly (readonly [pattern: RegExp, StoreFaultCode, meaning: string])[] = [
  [
    /cluster_block_exception.*(read-only-allow-delete|flood-stage|create-index blocked)/,
    'STORE_FULL',
    'its disk is nearly full and it takes nothing more until there is room',
  ],
  [
    /cluster_block_exception.*(no master|not recovered|initial|blocked by: \[SERVICE_UNAVAILABLE)/,
    'STORE_UNAVAILABLE',
    'the cluster has no master or has not recovered yet',
  ],
  [/cluster_block_exception.*index closed/, 'STORE_UNAVAILABLE', 'the index is closed'],
  [
    /cluster_block_exception.*index (read|metadata) \(api\)/,
    'STORE_UNAVAILABLE',
    'somebody has blocked what is read of the index',
  ],
  [/cluster_block_exception/, 'STORE_READ_ONLY', 'it has been made read-only'],
  [/index_not_found_exception/, 'STORE_FAILED', 'the index is not there'],
  [/index_closed_exception/, 'STORE_UNAVAILABLE', 'the index is closed'],
  [/maximum (normal )?shards open/, 'STORE_FULL', 'the cluster has as many shards as it may have'],
  [/No space left on device/, 'STORE_FULL', 'its disk is full'],
  [/corrupt_index_exception|CorruptIndex|translog_corrupted/, 'STORE_CORRUPT', 'it is damaged'],
  [/security_exception/, 'STORE_FAILED', 'the credentials are refused or not enough'],
  [
    /unavailable_shards|no_shard_available|missing shards|master_not_discovered|node_not_connected/,
    'STORE_UNAVAILABLE',
    'shards of the index are not available',
  ],
];

/** Only these reasons are told: others quote documents and questions. */
const isTelling =
  /^(cluster_block|index_not_found|index_closed|circuit_breaking|validation)_exception/;

/** The fault that an error of the client or the server means. `what` was not done. */
export function toStoreFault(error: unknown, what: string): StoreFault {
  if (error instanceof StoreFault) return error;
  if (error instanceof errors.ResponseError) return faultOf(complaintOf(error), what);
  const message = error instanceof Error ? error.message : String(error);
  // The client's errors carry the request with all that it holds: they go no further.
  const cause = new Error(message);
  const fault = (code: StoreFaultCode, meaning: string) =>
    new StoreFault(code, `${what}: ${meaning}`, { cause });
  if (error instanceof errors.TimeoutError) {
    return fault('STORE_UNAVAILABLE', 'Elasticsearch did not answer in time');
  }
  if (error instanceof errors.ConnectionError || error instanceof errors.NoLivingConnectionsError) {
    return fault('STORE_UNAVAILABLE', `Elasticsearch cannot be reached (${message})`);
  }
  if (error instanceof errors.ProductNotSupportedError) {
    return fault('STORE_FAILED', 'what answers there is not Elasticsearch');
  }
  return new StoreFault('STORE_FAILED', `${what}: ${message}`, { cause: error });
}

export function faultOf(complaint: Complaint, what: string): StoreFault {
  const { status, type, reason, index } = complaint;
  const said = isTelling.test(type) ? `${type}: ${reason}`.slice(0, 300) : type;
  const found = meaningOf(complaint);
  const [code, meaning] = found === undefined ? byStatus(status) : [found[1], found[2]];
  const where = index === undefined || what.includes(index) ? '' : ` (index "${index}")`;
  return new StoreFault(code, `${what}${where}: ${meaning} (${status} ${said})`);
}

function meaningOf({ type, reason }: Complaint) {
  return meanings.find(([pattern]) => pattern.test(`${type}: ${reason}`));
}

function byStatus(status: number): readonly [StoreFaultCode, string] {
  if (status === 429) return ['STORE_BUSY', 'Elasticsearch is overloaded'];
  if (status === 401 || status === 403) {
    return ['STORE_FAILED', 'the credentials are refused or not enough'];
  }
  if (status === 502 || status === 503 || status === 504) {
    return ['STORE_UNAVAILABLE', 'Elasticsearch is not available'];
  }
  return ['STORE_FAILED', 'Elasticsearch refuses it'];
}

export function closed(what: string): StoreFault {
  return new StoreFault('STORE_CLOSED', `cannot ${what}: it is closed`);
}

/** Whether it may go well a moment later, without anything being done. */
export function mayPass(complaint: Complaint): boolean {
  const { status } = complaint;
  return (status === 429 || status >= 500) && meaningOf(complaint) === undefined;
}

export function isMissingIndex(error: unknown): boolean {
  return error instanceof errors.ResponseError && /index_not_found/.test(complaintOf(error).type);
}

/** An index of the name has been made already. */
export function isAlreadyThere(error: unknown): boolean {
  return error instanceof errors.ResponseError && /already_exists/.test(complaintOf(error).type);
}

export function statusOf(error: unknown): number | undefined {
  return error instanceof errors.ResponseError ? error.statusCode : undefined;
}

export function complaintOf(error: errors.ResponseError): Complaint {
  const body: unknown = error.body;
  return toComplaint(error.statusCode ?? 0, property(body, 'error') ?? body);
}

/** `said`: the object `error` of a response or of an item; a proxy may say anything. */
export function toComplaint(status: number, said: unknown): Complaint {
  if (typeof said !== 'object' || said === null) {
    return { status, type: 'error', reason: String(said ?? '').slice(0, 200), index: undefined };
  }
  const root = first(property(said, 'root_cause'));
  const failed = property(first(property(said, 'failed_shards')), 'reason');
  const reasons = [said, root, failed, property(said, 'caused_by')];
  const texts = (key: string) =>
    reasons.flatMap((one) => {
      const text = property(one, key);
      return typeof text === 'string' && text !== '' ? text : [];
    });
  return {
    status,
    type: [...new Set(texts('type'))].join(', ') || 'error',
    reason: [...new Set(texts('reason'))].join('; '),
    index: texts('index')[0],
  };
}

function property(from: unknown, key: string): unknown {
  return typeof from === 'object' && from !== null ? Reflect.get(from, key) : undefined;
}

function first(list: unknown): unknown {
  return Array.isArray(list) ? (list as readonly unknown[])[0] : undefined;
}
