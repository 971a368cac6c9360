import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { type Command, Option } from 'commander';
import { CommandReceiptSchema } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import {
  GetProcessAnswerSchema,
  ListProcessesAnswerSchema,
  type Process,
  ProcessCommandService,
  ProcessQueryService,
  ProcessState,
  ProcessStateSchema,
  WatchProcessAnswerSchema,
} from '../../src/gen/cipherhorizon/platform/v1/processes_pb.ts';
import { timeArgument, uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { CliError } from './exit-codes.ts';
import { enumLabel, formatShortTime } from './format.ts';
import { fullJson } from './output.ts';
import { addPageOptions, noteMore, type PageOptions, pageOf } from './pages.ts';
import { printProcess } from './process-text.ts';

const states: Readonly<Record<string, ProcessState>> = {
  'in-progress': ProcessState.IN_PROGRESS,
  completed: ProcessState.COMPLETED,
  failed: ProcessState.FAILED,
  compensated: ProcessState.COMPENSATED,
};

export function addProcessCommands(program: Command, bind: Bind): void {
  const group = program
    .command('process')
    .description('processes that span aggregates: how far they are, and what is to do');
  const list = group
    .command('list')
    .description('processes, those that started last first')
    .option('--definition <name>', 'of this kind')
    .addOption(new Option('--state <state>', 'how they stand').choices(Object.keys(states)))
    .option('--failed', 'those that an operator has to look at')
    .option('--part-of <id>', 'started by an event with this correlation id')
    .option('--from <time>', 'started then or later (UTC)', timeArgument)
    .option('--until <time>', 'started before', timeArgument)
    .action(bind(runList));
  addPageOptions(list);
  group
    .command('show')
    .description('the steps of a process, and why it is where it is')
    .argument('<id>', 'of the process', uuidArgument)
    .option('--watch', 'again whenever it changes, until Ctrl-C')
    .action(bind(runShow));
  group
    .command('retry')
    .description('try again what could not be compensated, or learned; nothing happens twice')
    .argument('<id>', 'of the process', uuidArgument)
    .option('--note <text>', 'why, for the log')
    .action(bind((cli: Cli, id: string, options: Note) => runOperation('retry', cli, id, options)));
  group
    .command('cancel')
    .description('undo what has happened; of a failed one, give up what cannot be undone')
    .argument('<id>', 'of the process', uuidArgument)
    .option('--note <text>', 'why, for the log')
    .action(
      bind((cli: Cli, id: string, options: Note) => runOperation('cancel', cli, id, options)),
    );
}

type Note = { readonly note?: string };

type ListOptions = PageOptions & {
  readonly definition?: string;
  readonly state?: string;
  readonly failed?: true;
  readonly partOf?: string;
  readonly from?: Timestamp;
  readonly until?: Timestamp;
};

async function runList({ session, output }: Cli, options: ListOptions): Promise<void> {
  const { definition = '', partOf: correlationId = '', from, until } = options;
  const state = states[options.state ?? ''];
  const answer = await session.client(ProcessQueryService).listProcesses(
    {
      ...{ definition, correlationId, needsOperator: options.failed === true },
      states: state === undefined ? [] : [state],
      ...(from !== undefined && { startedFrom: from }),
      ...(until !== undefined && { startedUntil: until }),
      page: pageOf(options),
    },
    session.limited,
  );
  if (output.json) {
    output.document(fullJson(ListProcessesAnswerSchema, answer));
    return;
  }
  if (answer.processes.length === 0) return output.note('no such processes');
  const now = new Date();
  output.table(
    [
      { header: 'STARTED' },
      { header: 'ID' },
      { header: 'PROCESS', fit: 'below', minimum: 12 },
      { header: 'STATE', fit: 'below', minimum: 12 },
    ],
    answer.processes.map((process) => [
      ...[formatShortTime(process.startedAt, now), process.processId, process.definition],
      stateOf(process),
    ]),
  );
  noteMore(output, answer.page);
}

export function stateOf({ state, compensating, needsOperator }: Process): string {
  if (state === ProcessState.IN_PROGRESS && compensating) return 'compensating';
  if (state === ProcessState.FAILED && !needsOperator) return 'given up';
  return enumLabel(ProcessStateSchema, state).replace('_', ' ');
}

async function runShow(
  { session, output, streams }: Cli,
  processId: string,
  { watch }: { readonly watch?: true },
): Promise<void> {
  const queries = session.client(ProcessQueryService);
  if (watch !== true) {
    const answer = await queries.getProcess({ processId }, session.limited);
    if (output.json) output.document(fullJson(GetProcessAnswerSchema, answer));
    else if (answer.process === undefined) throw new CliError(`no process ${processId}`);
    else printProcess(output, answer.process, stateOf(answer.process));
    return;
  }
  const isTerminal = streams.stdout.isTTY === true;
  for await (const answer of queries.watchProcess({ processId })) {
    if (output.json) {
      output.document(fullJson(WatchProcessAnswerSchema, answer));
      continue;
    }
    if (answer.process === undefined) continue;
    if (isTerminal) streams.stdout.write('\u001b[H\u001b[2J');
    printProcess(output, answer.process, stateOf(answer.process));
    if (!isTerminal) output.print('');
  }
}

async function runOperation(
  what: 'retry' | 'cancel',
  { session, output }: Cli,
  processId: string,
  { note = '' }: Note,
): Promise<void> {
  const commands = session.client(ProcessCommandService);
  const command = { processId, note };
  const receipt =
    what === 'retry'
      ? await commands.retryProcess(command, session.limited)
      : await commands.cancelProcess(command, session.limited);
  if (output.json) return output.document(fullJson(CommandReceiptSchema, receipt));
  output.print(what === 'retry' ? 'it is tried again' : 'it is cancelled');
  output.note(`horizon process show ${processId} --watch tells what becomes of it`);
}
