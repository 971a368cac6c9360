import { enumFromJson } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Command } from 'commander';
import {
  CommandLogService,
  CommandOutcome,
  CommandOutcomeSchema,
  type CommandRecord,
  GetCommandAnswerSchema,
  ListCommandsAnswerSchema,
} from '../../src/gen/cipherhorizon/platform/v1/command_log_pb.ts';
import { StoredEventSchema } from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { timeArgument, uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { runReplay } from './command-replay.ts';
import { eventsOfCommand, printEvent } from './event-reading.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { enumLabel, formatShortTime, formatTime, shortType } from './format.ts';
import { fullJson } from './output.ts';
import { addPageOptions, noteMore, type PageOptions, pageOf } from './pages.ts';
import { findCommandType } from './rpc-lookup.ts';

export function addCommandLog(program: Command, bind: Bind): void {
  const group = program
    .command('command')
    .description('what became of a command: accepted or refused, and its events')
    .argument('<id>', 'of the command', uuidArgument)
    .action(bind(runCommand));
  const list = group
    .command('list')
    .description('commands, newest first')
    .option('--actor <subject>', 'who sent them')
    .option('--type <type>', 'CreateTradingStrategyCommand, or its full name')
    .option('--stream <stream>', 'of the aggregate, <category>-<id>')
    .option('--outcome <outcome>', 'accepted or refused')
    .option('--from <time>', 'received then or later (UTC)', timeArgument)
    .option('--until <time>', 'received before', timeArgument)
    .action(bind(runList));
  addPageOptions(list);
  group
    .command('replay')
    .description('decide an accepted command again on the state it met; 1 where it differs')
    .argument('<id>', 'of the command', uuidArgument)
    .option('--stream <stream>', 'of its events, where the read server does not know it yet')
    .action(bind(runReplay));
}

async function runCommand(cli: Cli, commandId: string): Promise<void> {
  const { session, output } = cli;
  const log = session.client(CommandLogService);
  const answer = await log.getCommand({ commandId }, session.limited);
  const { command } = answer;
  if (command === undefined) throw new CliError(`no command ${commandId}`);
  const isAccepted = command.outcome === CommandOutcome.ACCEPTED;
  const events = isAccepted ? await eventsOfCommand(session, command) : [];
  if (output.json) {
    const document = fullJson(GetCommandAnswerSchema, answer) as object;
    const list = events.map((event) => fullJson(StoredEventSchema, event));
    output.document({ ...document, events: list });
    return;
  }
  printRecord(cli, command);
  for (const event of events) {
    output.print('');
    printEvent(output, event, { withMetadata: false });
  }
}

function printRecord({ output }: Cli, command: CommandRecord): void {
  const { payload, roles, code, message, stream, correlationId, commandId, causedBy } = command;
  const outcome = enumLabel(CommandOutcomeSchema, command.outcome);
  output.heading(`${shortType(command.type)}: ${code === '' ? outcome : `${outcome}, ${code}`}`);
  output.fields([
    ['reason', message],
    ['id', commandId],
    ['by', `${command.actor}${roles.length > 0 ? ` (${roles.join(', ')})` : ''}`],
    ['received', formatTime(command.receivedAt)],
    ['stream', stream],
    ['part of', correlationId === commandId ? '' : correlationId],
    ['caused by', causedBy],
  ]);
  if (payload !== undefined) output.print(JSON.stringify(payload, null, 2));
}

type ListOptions = PageOptions & {
  readonly actor?: string;
  readonly type?: string;
  readonly stream?: string;
  readonly outcome?: string;
  readonly from?: Timestamp;
  readonly until?: Timestamp;
};

async function runList({ session, output }: Cli, options: ListOptions): Promise<void> {
  const { actor = '', stream = '', from, until } = options;
  const answer = await session.client(CommandLogService).listCommands(
    {
      ...{ actor, stream, outcome: outcomeOf(options.outcome) },
      type: options.type === undefined ? '' : findCommandType(options.type),
      ...(from !== undefined && { receivedFrom: from }),
      ...(until !== undefined && { receivedUntil: until }),
      page: pageOf(options),
    },
    session.limited,
  );
  if (output.json) {
    output.document(fullJson(ListCommandsAnswerSchema, answer));
    return;
  }
  if (answer.commands.length === 0) return output.note('no such commands');
  const now = new Date();
  output.table(
    [
      { header: 'UTC' },
      { header: 'ID' },
      { header: 'COMMAND', fit: 'below', minimum: 21 },
      { header: 'OUTCOME', fit: 'below', minimum: 8 },
    ],
    answer.commands.map(({ receivedAt, commandId, type, outcome, code }) => [
      ...[formatShortTime(receivedAt, now), commandId, shortType(type).replace(/Command$/, '')],
      code === '' ? enumLabel(CommandOutcomeSchema, outcome) : code,
    ]),
  );
  noteMore(output, answer.page);
}

function outcomeOf(name: string | undefined): CommandOutcome {
  if (name === undefined) return CommandOutcome.UNSPECIFIED;
  if (name !== 'accepted' && name !== 'refused') {
    throw new CliError('--outcome is accepted or refused', exitCode.usage);
  }
  return enumFromJson(CommandOutcomeSchema, `COMMAND_OUTCOME_${name.toUpperCase()}`);
}
