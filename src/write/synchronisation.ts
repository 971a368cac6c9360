import { durationMs } from '@bufbuild/protobuf/wkt';
import {
  type CommandMetadata,
  SynchronisationMode,
} from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { type Rejection, rejectField } from '../kernel/rejection.ts';
import type { Accepted } from './receipt.ts';
import { type ViewPositions, waitForViews } from './views.ts';

/** What a command has to wait for after it is stored. */
export type Wait = { readonly views: readonly string[]; readonly timeoutMs: number };

const defaultTimeoutMs = 5_000;

/**
 * The caller's wish, or what is configured: the views of `immediateViews` are waited for unless the
 * caller says EVENTUAL or BATCH. A view that is not there is refused before anything is stored.
 */
export function waitOf(
  metadata: CommandMetadata | undefined,
  views: ViewPositions,
  immediateViews: readonly string[],
): Wait | Rejection | undefined {
  const wish = metadata?.synchronisation;
  const mode = wish?.mode ?? SynchronisationMode.UNSPECIFIED;
  const timeoutMs = wish?.timeout === undefined ? defaultTimeoutMs : durationMs(wish.timeout);
  if (mode === SynchronisationMode.UNSPECIFIED) {
    return immediateViews.length === 0 ? undefined : { views: immediateViews, timeoutMs };
  }
  if (mode !== SynchronisationMode.IMMEDIATE) return undefined;
  const named = wish?.views ?? [];
  const unknown = named.find((view) => !views.names.includes(view));
  if (unknown !== undefined) {
    const message = `there is no view '${unknown}', but ${views.names.join(', ')}`;
    return rejectField('VIEW_UNKNOWN', 'metadata.synchronisation.views', message);
  }
  return { views: named.length === 0 ? views.names : named, timeoutMs };
}

/** The command has succeeded either way: the receipt says which views are behind. */
export async function synchronise(
  accepted: Accepted,
  wait: Wait,
  views: ViewPositions,
  signal: AbortSignal,
): Promise<Accepted> {
  const { receipt, position } = accepted;
  const behind = await waitForViews(views, wait.views, position, wait.timeoutMs, signal);
  receipt.viewsBehind = [...behind];
  return accepted;
}
