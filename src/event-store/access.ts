import { isObject } from '../kernel/json.ts';
import type { Caller } from './credentials.ts';
import { accessDenied } from './errors.ts';
import type { ReadView, WireLog } from './log.ts';
import {
  type AccessList,
  isMetastream,
  isSystemStream,
  originalOf,
  parseObject,
  readAccessList,
} from './stream-metadata.ts';
import { metadataOf } from './writing.ts';

export type Operation = 'read' | 'write' | 'delete';

const everybody = '$all';
const administrators = '$admins';
const allStream = '$all';
const settingsStream = '$settings';

/**
 * EventStoreDB's default rules: a stream's own `$acl`, else the default of `$settings`, else system
 * streams and the log as a whole are the administrators', and the rest is everybody's who is a user.
 */
export async function mayAccess(
  log: WireLog,
  caller: Caller,
  operation: Operation,
  stream: string,
): Promise<boolean> {
  // The log as a whole is written by appends to streams, whoever asks.
  if (stream === allStream && operation !== 'read') return false;
  if (caller.kind === 'everybody') return true;
  if (caller.kind === 'anonymous') return false;
  if (caller.groups.includes(administrators)) return true;
  const allowed = await log.read((view) => allowedNames(view, operation, stream));
  return allowed.some(
    (name) => name === everybody || name === caller.name || caller.groups.includes(name),
  );
}

export async function demandAccess(
  log: WireLog,
  caller: Caller,
  operation: Operation,
  stream: string,
): Promise<void> {
  if (!(await mayAccess(log, caller, operation, stream))) throw accessDenied();
}

/** Who reads or writes `$$s` reads or writes the metadata of `s`. */
function allowedNames(view: ReadView, operation: Operation, stream: string): readonly string[] {
  const ofMetadata = isMetastream(stream);
  const subject = ofMetadata ? originalOf(stream) : stream;
  const key = ofMetadata ? metadataKeys[operation] : operation;
  const isSystem = isSystemStream(subject);
  const own = metadataOf(view, subject).acl?.[key];
  const fallback = isSystem ? [administrators] : [everybody];
  return own ?? defaultAccess(view, isSystem)?.[key] ?? fallback;
}

const metadataKeys = {
  read: 'metadataRead',
  write: 'metadataWrite',
  delete: 'metadataWrite',
} as const;

function defaultAccess(view: ReadView, isSystem: boolean): AccessList | undefined {
  if (view.lastRevision(settingsStream) < 0) return undefined;
  const settings = parseObject(view.newest(settingsStream)?.data);
  const acl = settings?.[isSystem ? '$systemStreamAcl' : '$userStreamAcl'];
  return isObject(acl) ? readAccessList(acl) : undefined;
}
