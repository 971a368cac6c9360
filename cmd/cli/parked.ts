import type { Command } from 'commander';
import {
  ListParkedEventsResponseSchema,
  type ParkedEvent,
  ProjectionService,
  type RetryParkedEventsResponse,
  RetryParkedEventsResponseSchema,
  type SkipParkedEventResponse,
  SkipParkedEventResponseSchema,
} from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import type { Bind, Cli } from './cli.ts';
import { exitCode } from './exit-codes.ts';
import { formatCount, shortType } from './format.ts';
import { fullJson } from './output.ts';
import { oneLine } from './text.ts';

export function addParkedCommands(projection: Command, bind: Bind): void {
  const group = projection
    .command('parked')
    .description('events that a view could not take, and what waits behind them');
  group
    .command('list', { isDefault: true })
    .description('per document in the order of the log; the first one is the one that failed')
    .argument('[view]', 'of this view alone')
    .action(bind(runList));
  group
    .command('retry')
    .description('apply them again, in order; 1 where some stay parked')
    .argument('<view>')
    .argument('[document]', 'of this document alone')
    .action(bind(runRetry));
  group
    .command('skip')
    .description('give up the first event of a document, and apply those behind it')
    .argument('<view>')
    .argument('<document>')
    .action(bind(runSkip));
}

async function runList({ session, output }: Cli, view = ''): Promise<void> {
  const projections = session.client(ProjectionService);
  const answer = await projections.listParkedEvents({ view }, session.limited);
  if (output.json) {
    output.document(fullJson(ListParkedEventsResponseSchema, answer));
    return;
  }
  if (answer.events.length === 0) return output.print('nothing is parked');
  let isFirst = true;
  for (const [name, events] of Map.groupBy(answer.events, (event) => event.view)) {
    if (!isFirst) output.print('');
    isFirst = false;
    output.heading(name);
    printParked(output, events);
  }
}

function printParked(output: Cli['output'], events: readonly ParkedEvent[]): void {
  output.table(
    [
      { header: 'DOCUMENT' },
      { header: 'REV', align: 'right' },
      { header: 'TRIES', align: 'right' },
      { header: 'TYPE', fit: 'below' },
    ],
    events.map(({ documentId, revision, attempts, type }) => [
      ...[documentId, String(revision), String(attempts), shortType(type)],
    ]),
  );
  for (const { documentId, error } of events) {
    if (error !== '') output.sentence(`${documentId}: ${oneLine(error)}`);
  }
}

async function runRetry({ session, output }: Cli, view: string, documentId = ''): Promise<number> {
  const projections = session.client(ProjectionService);
  const answer = await projections.retryParkedEvents({ view, documentId }, session.limited);
  if (output.json) output.document(fullJson(RetryParkedEventsResponseSchema, answer));
  return report(output, answer);
}

async function runSkip(
  { session, output }: Cli,
  view: string,
  documentId: string,
): Promise<number> {
  const projections = session.client(ProjectionService);
  const answer = await projections.skipParkedEvent({ view, documentId }, session.limited);
  if (output.json) output.document(fullJson(SkipParkedEventResponseSchema, answer));
  return report(output, answer);
}

function report(
  output: Cli['output'],
  { applied, stillParked }: RetryParkedEventsResponse | SkipParkedEventResponse,
): number {
  if (!output.json) {
    output.print(`${formatCount(applied)} applied, ${formatCount(stillParked)} still parked`);
  }
  return stillParked === 0n ? exitCode.ok : exitCode.failed;
}
