import type { Command } from 'commander';
import {
  type StoredEvent,
  StoredEventSchema,
} from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { collect, countArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { printEvent, readEvents } from './event-reading.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { formatShortTime, shortType } from './format.ts';
import { fullJson } from './output.ts';
import { registry } from './rpc-lookup.ts';

type TailOptions = {
  readonly type?: readonly string[];
  readonly stream?: string;
  readonly count: number;
  readonly follow?: true;
};

export function addEventCommands(program: Command, bind: Bind): void {
  const group = program.command('events').description('the event log itself');
  group
    .command('tail')
    .description('the last events; with --follow also those to come')
    .option('--type <type>', 'of this type, StrategyCreated or its full name; repeatable', collect)
    .option('--stream <stream>', 'of this stream, <category>-<id>')
    .option('-n, --count <count>', 'how many', countArgument, 10)
    .option('-f, --follow', 'go on until Ctrl-C')
    .action(bind(runTail));
  group
    .command('show')
    .description('the events of a stream in full, oldest first')
    .argument('<stream>', '<category>-<id>')
    .option('-n, --count <count>', 'how many at most', countArgument)
    .action(bind(runShow));
}

async function runTail(cli: Cli, options: TailOptions): Promise<void> {
  const { session, output } = cli;
  const { stream = '', count } = options;
  const types = (options.type ?? []).map(fullType);
  // Before the last events are read, so that none falls between them and those to come.
  const head = options.follow ? await headOf(cli) : '';
  const last: StoredEvent[] = [];
  const query = { stream, types, backwards: true, limit: count };
  for await (const event of readEvents(session, query)) last.push(event);
  last.reverse();
  if (last.length === 0 && options.follow !== true) {
    output.note('no such events');
    return;
  }
  print(cli, last, options.follow === true ? 'open' : 'closed');
  if (options.follow !== true) return;
  const shown = new Set(last.map(({ eventId }) => eventId));
  for await (const event of readEvents(session, { types, after: head, follow: true })) {
    if (shown.has(event.eventId) || (stream !== '' && event.stream !== stream)) continue;
    print(cli, [event], 'next');
  }
}

/** The position of the last event of all; empty where there is none. */
async function headOf({ session }: Cli): Promise<string> {
  for await (const event of readEvents(session, { backwards: true, limit: 1 })) {
    return event.position;
  }
  return '';
}

/** Types are stored by their full names; the short one is enough where it is the only one. */
export function fullType(name: string): string {
  if (name.includes('.')) return name;
  const wanted = name.toLowerCase();
  const found = [...registry].filter(
    (type) => type.kind === 'message' && type.name.toLowerCase() === wanted,
  );
  if (found.length === 1 && found[0] !== undefined) return found[0].typeName;
  const candidates = found.map(({ typeName }) => `\n  ${typeName}`).join('');
  const message = found.length === 0 ? `there is no event type "${name}"` : `"${name}" may be`;
  throw new CliError(`${message}${candidates}`, exitCode.usage);
}

/** With more rows to come, as wide as the ids of most streams make them. */
const columnsOf = (isOpen: boolean) => [
  { header: 'UTC', minimum: isOpen ? 8 : 0 },
  { header: 'TYPE', fit: 'below' as const, minimum: isOpen ? 15 : 0 },
  { header: 'STREAM', minimum: isOpen ? 46 : 0 },
  { header: 'REV', align: 'right' as const, minimum: isOpen ? 3 : 0 },
];

/** `next`: rows below a table that is there. `open`: rows may come below this one. */
function print(
  { output }: Cli,
  events: readonly StoredEvent[],
  kind: 'closed' | 'open' | 'next',
): void {
  if (output.json) {
    for (const event of events) output.document(fullJson(StoredEventSchema, event));
    return;
  }
  const now = new Date();
  const rows = events.map(({ storedAt, stream, revision, type }) => [
    ...[formatShortTime(storedAt, now), shortType(type), stream, String(revision)],
  ]);
  if (kind === 'next') output.rows(columnsOf(true), rows);
  else output.table(columnsOf(kind === 'open'), rows);
}

async function runShow(
  { session, output }: Cli,
  stream: string,
  { count = 0 }: { readonly count?: number },
): Promise<number | undefined> {
  let shown = 0;
  for await (const event of readEvents(session, { stream, limit: count })) {
    if (output.json) {
      output.document(fullJson(StoredEventSchema, event));
    } else {
      if (shown > 0) output.print('');
      printEvent(output, event, { withMetadata: true });
    }
    shown += 1;
  }
  if (shown > 0) return undefined;
  output.note(`there is no stream ${stream}`);
  return exitCode.failed;
}
