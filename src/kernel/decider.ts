import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { JsonValue } from './json.ts';
import type { Principal } from './principal.ts';
import type { Rejection } from './rejection.ts';

/** What comes in with a command, so that deciding needs no clock and no store. */
export type DecisionContext<Related = unknown, Prepared = unknown> = {
  /** The id of the aggregate: the part of its stream name after the category. */
  readonly id: string;
  readonly commandId: string;
  /** When the server received the command, milliseconds since 1970. */
  readonly nowMs: number;
  readonly principal: Principal;
  /** What `related` asked for. */
  readonly related: Related;
  /** What `prepare` made. */
  readonly prepared: Prepared;
};

/** What is slow or not repeatable and has to be done before deciding. */
export type Tools = {
  /** An argon2id hash in PHC form, with a salt of its own. */
  readonly hashSecret: (secret: string) => Promise<string>;
};

/** An aggregate of another category that a decision wants to know about, by write-side state. */
export type Relation = { readonly category: string; readonly id: string };

/**
 * An aggregate: commands and state give events or a refusal; events give the state.
 * All functions are pure and synchronous but `prepare`. An empty list of events means "already so".
 * `State` is never mutated; `evolve` returns the next one and costs no more on a long stream.
 */
export type Decider<
  Command extends Message = Message,
  Event extends Message = Message,
  State = unknown,
  Related = unknown,
  Prepared = unknown,
> = {
  /** The stream of an aggregate is `<category>-<id>`. */
  readonly category: string;
  /** What refusals call it, `<NOUN>_NOT_FOUND` among them; the category where absent. */
  readonly noun?: string;
  /** Every command declares this category with the option `stream`. */
  readonly commands: readonly DescMessage[];
  readonly events: readonly DescMessage[];
  readonly initial: State;
  readonly evolve: (state: State, event: Event) => State;
  readonly decide: (
    command: Command,
    state: State,
    context: DecisionContext<Related, Prepared>,
  ) => readonly Event[] | Rejection;
  /** The owner of the record, undefined while there is none. Absent where records have no owner. */
  readonly ownerOf?: (state: State) => string | undefined;
  /** The unique keys that the aggregate holds in this state, as `<scope>:<value>`. */
  readonly keysOf?: (state: State) => readonly string[];
  /** The unique keys that the command wants, beyond those held. Refused where another has one. */
  readonly claims?: (command: Command, state: State) => readonly Claim[];
  /**
   * Other aggregates whose state the decision needs, by a name of the decider's own. Asked again with
   * the states that it has named so far, for those that these lead to, until it names no more.
   */
  readonly related?: (
    command: Command,
    known?: { readonly [name: string]: unknown },
  ) => { readonly [name: string]: Relation };
  readonly prepare?: (command: Command, tools: Tools) => Promise<Prepared>;
  /** How the state is kept in a snapshot. A change of the version makes the old ones void. */
  readonly snapshot: {
    readonly version: number;
    readonly toJson: (state: State) => JsonValue;
    readonly fromJson: (json: JsonValue) => State;
  };
};

/** A wish for a unique key, with the refusal that its caller gets when it is taken. */
export type Claim = { readonly key: string; readonly refusal: Rejection };
