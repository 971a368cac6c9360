import type { DescMessage, Message } from '@bufbuild/protobuf';
import { correlationKey, type RecordedEvent } from '../kernel/event.ts';
import type { Log } from '../kernel/telemetry.ts';
import { decode } from './catalogue.ts';
import { isProcessEvent } from './events.ts';
import type { OpenInterest, PolicyDefinition } from './kit.ts';

/** What an event means to a policy. What a definition throws is logged, counted and left out. */
export type PolicyEvent = {
  readonly opens: () => readonly OpenInterest[];
  /** Targets whose interest ends. */
  readonly closes: () => readonly string[];
  readonly reactions: () => readonly {
    readonly key: string;
    readonly message: Message;
    readonly command: PolicyDefinition['on'][number]['command'];
  }[];
};

export type PolicyCatalogue = {
  readonly types: readonly string[];
  /** Those of them that open or close interests. */
  readonly interestTypes: readonly string[];
  readonly of: (recorded: RecordedEvent) => PolicyEvent;
};

const nameForm = /^[a-z][a-z0-9_]*$/;

/**
 * What is looked up of a definition, worked out once.
 * @throws Error at start, naming what the definition lacks
 */
export function createPolicyCatalogue(
  definition: PolicyDefinition,
  log: Log,
  onDefect: () => void,
): PolicyCatalogue {
  const { name, opens, closes, on } = definition;
  check(definition);

  const guarded = <Result>(recorded: RecordedEvent, task: () => Result): Result | undefined => {
    try {
      return task();
    } catch (err) {
      const { type, stream, revision } = recorded;
      log.error({ err, policy: name, event: type, stream, revision }, 'a policy cannot take it');
      onDefect();
      return undefined;
    }
  };
  const each = <One extends { readonly event: DescMessage }, Result>(
    all: readonly One[],
    recorded: RecordedEvent,
    task: (one: One, message: Message) => Result | undefined,
  ): readonly Result[] =>
    all.flatMap((one) => {
      if (one.event.typeName !== recorded.type) return [];
      const result = guarded(recorded, () => task(one, decode(one.event, recorded.data)));
      return result === undefined ? [] : [result];
    });

  const typesOf = (all: readonly { readonly event: DescMessage }[]) => [
    ...new Set(all.map(({ event }) => event.typeName)),
  ];
  return {
    types: typesOf([...opens, ...closes, ...on]),
    interestTypes: typesOf([...opens, ...closes]),
    of: (recorded) => ({
      opens: () =>
        each(opens, recorded, ({ interest }, message) => {
          const made = interest(message as never, recorded);
          return made && { ...made, ...openedWith(recorded) };
        }),
      closes: () =>
        each(closes, recorded, ({ target }, message) => target(message as never, recorded)),
      reactions: () =>
        each(on, recorded, (reaction, message) => {
          const key = reaction.key(message as never, recorded);
          return key === undefined ? undefined : { key, message, command: reaction.command };
        }),
    }),
  };
}

function openedWith({ id, type, stream, revision, position, metadata }: RecordedEvent) {
  return {
    openedBy: { id, type, stream, revision, position },
    actor: String(metadata.actor ?? ''),
    roles: Array.isArray(metadata.roles) ? metadata.roles.map(String) : [],
    correlationId: String(metadata[correlationKey] ?? ''),
  };
}

function check({ name, opens, closes, on }: PolicyDefinition): void {
  const fail = (what: string) => new Error(`policy ${name}: ${what}`);
  if (!nameForm.test(name)) throw fail('its name is not [a-z][a-z0-9_]*');
  if (opens.length === 0) throw fail('nothing opens an interest');
  if (on.length === 0) throw fail('no event leads to a command');
  const own = [...opens, ...closes, ...on].find(({ event }) => isProcessEvent(event.typeName));
  if (own !== undefined) throw fail(`${own.event.typeName} is an event of processes themselves`);
}
