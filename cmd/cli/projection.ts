import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Command } from 'commander';
import {
  ListProjectionsResponseSchema,
  ProjectionService,
  ProjectionState,
  ProjectionStateSchema,
  type ProjectionStatus,
  type ProjectorStatus,
  RollbackProjectionResponseSchema,
  WatchProjectionsResponseSchema,
} from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import type { Bind, Cli } from './cli.ts';
import { enumLabel, formatCount, formatSeconds, formatTime } from './format.ts';
import { fullJson } from './output.ts';
import { addParkedCommands } from './parked.ts';
import { runRebuild, runVerify } from './projection-runs.ts';
import { oneLine } from './text.ts';

type Status = {
  readonly projections: readonly ProjectionStatus[];
  readonly projector?: ProjectorStatus | undefined;
};

export function addProjectionCommands(program: Command, bind: Bind): void {
  const group = program.command('projection').description('the read models: state, rebuild, proof');
  group
    .command('status')
    .description('lag, rate, state and last error of every view')
    .option('--watch', 'again whenever it changes, until Ctrl-C')
    .action(bind(runStatus));
  group
    .command('rebuild')
    .description('build a view again from the log, beside the live one, and switch to it')
    .argument('<view>', 'or all')
    .option('--stream <stream>', 'one aggregate alone, in the live view')
    .action(bind(runRebuild));
  group
    .command('verify')
    .description('compare a view with a replay of the log; 1 where a document differs')
    .argument('<view>', 'or all')
    .action(bind(runVerify));
  group
    .command('rollback')
    .description('switch a view back to the generation before')
    .argument('<view>')
    .action(bind(runRollback));
  addParkedCommands(group, bind);
}

async function runStatus(
  { session, output, streams }: Cli,
  { watch }: { readonly watch?: true },
): Promise<void> {
  const projections = session.client(ProjectionService);
  if (watch !== true) {
    const answer = await projections.listProjections({}, session.limited);
    if (output.json) output.document(fullJson(ListProjectionsResponseSchema, answer));
    else printStatus(output, answer);
    return;
  }
  const isTerminal = streams.stdout.isTTY === true;
  for await (const answer of projections.watchProjections({})) {
    if (output.json) {
      output.document(fullJson(WatchProjectionsResponseSchema, answer));
      continue;
    }
    // A terminal shows the table in place; elsewhere one follows the other.
    if (isTerminal) streams.stdout.write('\u001b[H\u001b[2J');
    printStatus(output, answer);
    if (!isTerminal) output.print('');
  }
}

function printStatus(output: Cli['output'], { projections, projector }: Status): void {
  const number = (header: string) => ({ header, align: 'right' as const });
  output.table(
    [
      { header: 'VIEW', fit: 'below' },
      { header: 'STATE' },
      ...[number('LAG'), number('BEHIND'), number('PER SEC'), number('DOCS')],
      ...[number('PARKED'), number('GEN')],
    ],
    projections.map((status) => [
      ...[status.view, enumLabel(ProjectionStateSchema, status.state)],
      ...[formatLag(status.lagEvents), formatSeconds(status.lagSeconds)],
      ...[formatCount(status.eventsPerSecond), formatLag(status.documents)],
      ...[formatCount(status.parkedDocuments), String(status.generation)],
    ]),
  );
  for (const { view, rebuild } of projections) {
    if (rebuild !== undefined && !rebuild.switched) {
      const { generation, eventsDone, eventsTotal } = rebuild;
      const done = `${formatCount(eventsDone)} of ${formatCount(eventsTotal)} events`;
      output.sentence(`${view}: generation ${generation} is being built, ${done}`);
    }
  }
  if (projector?.state === ProjectionState.STANDBY) output.sentence(standbyLine(projector));
  const errors = errorLines(projections);
  for (const line of errors) output.sentence(line);
  if (errors.length === 0 && projector?.state === ProjectionState.LIVE && projector.lastError) {
    output.sentence(pastErrorLine(projector));
  }
}

/** A store may not be able to count its events, or its documents while it is away. */
export function formatLag(events: bigint): string {
  return events < 0n ? '-' : formatCount(events);
}

/** Who does the work that this projector would do. */
export function standbyLine({ name, worker }: ProjectorStatus): string {
  return `${name} stands by: ${worker === '' ? 'nobody' : worker} works`;
}

/** An error that several views have (their store is away) stands once. */
export function errorLines(projections: readonly ProjectionStatus[]): string[] {
  const failed = projections.filter(({ lastError }) => lastError !== '');
  return [...Map.groupBy(failed, ({ lastError }) => lastError)].map(([error, views]) => {
    const isAll = views.length === projections.length && views.length > 1;
    const names = isAll ? 'all views' : views.map(({ view }) => view).join(', ');
    const last = views.reduce((a, b) => (msOf(a) >= msOf(b) ? a : b)).lastErrorAt;
    return `${names}: last error ${formatTime(last)}: ${oneLine(error)}`;
  });
}

/** What a projector that is live again has had. */
export function pastErrorLine({ lastError, lastErrorAt }: ProjectorStatus): string {
  return `over: an error ${formatTime(lastErrorAt)}: ${oneLine(lastError)}`;
}

function msOf({ lastErrorAt }: ProjectionStatus): number {
  return lastErrorAt === undefined ? 0 : timestampMs(lastErrorAt);
}

async function runRollback({ session, output }: Cli, view: string): Promise<void> {
  const answer = await session
    .client(ProjectionService)
    .rollbackProjection({ view }, session.limited);
  if (output.json) output.document(fullJson(RollbackProjectionResponseSchema, answer));
  else output.print(`${view} is at generation ${answer.generation} again`);
}
