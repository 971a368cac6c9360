import type { DescService } from '@bufbuild/protobuf';
import type { Decider } from '../kernel/decider.ts';

/** The write side of a bounded context: its command service and its aggregates. */
export type WriteContext = {
  readonly service: DescService;
  readonly deciders: readonly Decider[];
};

/**
 * Keeps the types of a decider's commands, events and state together, and gives it the form that the
 * command bus takes. The bus hands it only messages that it has named.
 */
export function defineDecider<D>(decider: D): Decider {
  return decider as unknown as Decider;
}
