import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { handlerFailure, invalidArgument } from './errors.ts';
import { readFilter } from './filters.ts';
import type { WireFilter } from './log.ts';
import { streamNameOf, toRevision } from './messages.ts';

export type Start = 'start' | 'end' | number;

type Target =
  | { readonly kind: 'stream'; readonly stream: string; readonly from: Start }
  | { readonly kind: 'all'; readonly from: Start; readonly filter: FilterOptions | undefined };

export type FilterOptions = {
  readonly filter: WireFilter;
  /** After so many events that were looked at, a subscription is told how far it is. */
  readonly checkpointInterval: number;
};

export type ReadRequest = Target & {
  readonly resolveLinks: boolean;
  /** Ids as two halves, not as text. */
  readonly structuredIds: boolean;
  /** From 1 on, a client is told the first and last revision of the stream that it reads. */
  readonly compatibility: number;
  readonly how:
    | {
        readonly kind: 'read';
        readonly direction: 'forwards' | 'backwards';
        readonly count: number;
      }
    | { readonly kind: 'subscription' };
};

/** The window of a filter where the client names none, as EventStoreDB has it. */
const defaultWindow = 32;

/** @throws CallFailure for combinations that EventStoreDB refuses. */
export function readRequest(request: ReadReq): ReadRequest {
  const options = request.getOptions();
  if (options === undefined) throw handlerFailure('NullReferenceException: no options');
  const uuidOption = options.getUuidOption();
  if (uuidOption === undefined) {
    throw invalidArgument(' `uuidOption` is a required argument of type UUIDOption');
  }
  return {
    ...targetOf(options),
    how: howOf(options),
    resolveLinks: options.getResolveLinks(),
    structuredIds: !uuidOption.hasString(),
    compatibility: options.getControlOption()?.getCompatibility() ?? 0,
  };
}

function howOf(options: ReadReq.Options): ReadRequest['how'] {
  const isBackwards = Number(options.getReadDirection()) === 1;
  if (options.hasSubscription()) {
    if (isBackwards) throw invalidCombination(options);
    return { kind: 'subscription' };
  }
  if (!options.hasCount()) throw invalidCombination(options);
  const direction = isBackwards ? 'backwards' : 'forwards';
  return { kind: 'read', direction, count: toRevision(options.getCount()) };
}

function targetOf(options: ReadReq.Options): Target {
  const stream = options.getStream();
  const all = options.getAll();
  if (!options.hasFilter() && !options.hasNoFilter()) throw invalidCombination(options);
  if (stream !== undefined) {
    if (options.hasFilter()) throw invalidCombination(options);
    const name = streamNameOf(stream.getStreamIdentifier());
    return { kind: 'stream', stream: name, from: startOf(stream, () => stream.getRevision()) };
  }
  if (all === undefined) throw invalidArgument("'None' is not a valid StreamOptionOneofCase");
  const from = startOf(all, () => positionOf(all.getPosition()));
  return { kind: 'all', from, filter: filterOf(options.getFilter()) };
}

function startOf(
  options: { hasStart(): boolean; hasEnd(): boolean },
  exact: () => string | undefined,
): Start {
  if (options.hasStart()) return 'start';
  if (options.hasEnd()) return 'end';
  const text = exact();
  if (text === undefined) throw handlerFailure('InvalidOperationException: no start');
  // The greatest number is how the end is written.
  return BigInt(text) === endNumber ? 'end' : toRevision(text);
}

const endNumber = 2n ** 64n - 1n;

function positionOf(position: ReadReq.Options.Position | undefined): string | undefined {
  if (position === undefined) return undefined;
  const [commit, prepare] = [position.getCommitPosition(), position.getPreparePosition()];
  if (BigInt(commit) < BigInt(prepare)) {
    const rule = 'The commit position cannot be less than the prepare position';
    throw handlerFailure(`ArgumentOutOfRangeException: ${rule}`);
  }
  return commit;
}

function filterOf(options: ReadReq.Options.FilterOptions | undefined): FilterOptions | undefined {
  if (options === undefined) return undefined;
  if (!options.hasMax() && !options.hasCount()) {
    throw invalidArgument("'None' is not a valid WindowOneofCase");
  }
  const filter = readFilter(options);
  const window = options.hasMax() ? options.getMax() : defaultWindow;
  const multiplier = options.getCheckpointintervalmultiplier();
  return { filter, checkpointInterval: window * multiplier };
}

function invalidCombination(options: ReadReq.Options) {
  const target = options.hasStream() ? 'Stream' : options.hasAll() ? 'All' : 'None';
  const count = options.hasSubscription() ? 'Subscription' : options.hasCount() ? 'Count' : 'None';
  const direction = Number(options.getReadDirection()) === 1 ? 'Backwards' : 'Forwards';
  const filter = options.hasFilter() ? 'Filter' : options.hasNoFilter() ? 'NoFilter' : 'None';
  const combination = `(${target}, ${count}, ${direction}, ${filter})`;
  return invalidArgument(`The combination of ${combination} is invalid.`);
}
