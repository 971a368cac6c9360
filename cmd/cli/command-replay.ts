import { CommandLogService } from '../../src/gen/cipherhorizon/platform/v1/command_log_pb.ts';
import {
  CommandReplayService,
  type DecidedEvent,
  type ReplayCommandResponse,
  ReplayCommandResponseSchema,
} from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import type { Cli } from './cli.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { shortType } from './format.ts';
import { fullJson } from './output.ts';

/** What the command decides on the state that it met, and whether that is what it decided then. */
export async function runReplay(
  { session, output }: Cli,
  commandId: string,
  options: { readonly stream?: string },
): Promise<number> {
  const stream = options.stream ?? (await streamOf(session, commandId));
  const answer = await session
    .client(CommandReplayService)
    .replayCommand({ stream, commandId }, session.limited);
  if (output.json) output.document(fullJson(ReplayCommandResponseSchema, answer));
  else printReplay(output, stream, answer);
  return answer.same ? exitCode.ok : exitCode.failed;
}

async function streamOf(session: Cli['session'], commandId: string): Promise<string> {
  const log = session.client(CommandLogService);
  const { command } = await log.getCommand({ commandId }, session.limited);
  if (command === undefined) throw new CliError(`no command ${commandId}`);
  if (command.code === '') return command.stream;
  const message = `the command was refused (${command.code}): it has left nothing to compare with`;
  throw new CliError(message);
}

function printReplay(output: Cli['output'], stream: string, answer: ReplayCommandResponse): void {
  const { type, revision, payload, state, recorded, decided, same } = answer;
  output.heading(`${shortType(type)} on ${stream}`);
  printJson(output, 'command', payload);
  printJson(output, revision < 0n ? 'state: no stream yet' : `state at ${revision}`, state?.state);
  printDecision(output, 'recorded', recorded);
  if (answer.refusalCode === '') printDecision(output, 'decided again', decided);
  else output.print(`refused now: ${answer.refusalCode}: ${answer.refusalMessage}`);
  output.print('');
  output.heading(same ? 'The same.' : 'Not the same.');
}

function printDecision(
  output: Cli['output'],
  label: string,
  events: readonly DecidedEvent[],
): void {
  if (events.length === 0) output.print(`${label}: no event`);
  for (const { type, data } of events) printJson(output, `${label} ${shortType(type)}`, data);
}

function printJson(output: Cli['output'], label: string, value: unknown): void {
  output.print(value === undefined ? label : `${label} ${JSON.stringify(value, null, 2)}`);
}
