import type { Command } from 'commander';
import {
  CandleIntervalSchema,
  TradeSideSchema,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  OrderStatusSchema,
  SignalOriginSchema,
  SignalStatus,
  SignalStatusSchema,
} from '../../src/gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import {
  GetSignalAnswerSchema,
  ListSignalsAnswerSchema,
  type Signal,
  SignalQueryService,
} from '../../src/gen/cipherhorizon/trading/v1/signal_queries_pb.ts';
import { uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { enumLabel, formatAmount, formatShortAmount, formatTime } from './format.ts';
import { fullJson } from './output.ts';
import { addPageOptions, noteMore, type PageOptions, pageOf } from './pages.ts';

type Options = PageOptions & {
  readonly user?: string;
  readonly portfolio?: string;
  readonly strategy?: string;
  readonly status?: string;
};

const statuses: ReadonlyMap<string, SignalStatus> = new Map([
  ['accepted', SignalStatus.ACCEPTED],
  ['executing', SignalStatus.EXECUTING],
  ['settled', SignalStatus.SETTLED],
  ['failed', SignalStatus.FAILED],
]);
const statusNames = [...statuses.keys()].join(', ');

export function addSignalsCommand(program: Command, bind: Bind): void {
  const command = program
    .command('signals')
    .description('one signal with its order and fills; without an id, a list, newest first')
    .argument('[id]', 'of the signal', uuidArgument)
    .option('--user <id>', 'list: whose (default: whom the token names)')
    .option('--portfolio <id>', 'list: on one portfolio', uuidArgument)
    .option('--strategy <id>', 'list: of one strategy', uuidArgument)
    .option('--status <status>', `list: ${statusNames}`)
    .action(bind(runSignals));
  addPageOptions(command);
}

async function runSignals(cli: Cli, signalId: string | undefined, options: Options) {
  if (signalId === undefined) return listSignals(cli, options);
  const { session, output } = cli;
  const answer = await session.client(SignalQueryService).getSignal({ signalId }, session.limited);
  if (output.json) output.document(fullJson(GetSignalAnswerSchema, answer));
  else if (answer.signal !== undefined) printSignal(cli, answer.signal);
}

async function listSignals({ session, output }: Cli, options: Options): Promise<void> {
  const userId = options.user ?? (await session.subject());
  const { portfolio: portfolioId = '', strategy: strategyId = '' } = options;
  const query = { userId, portfolioId, strategyId, statuses: statusesOf(options.status) };
  const answer = await session
    .client(SignalQueryService)
    .listSignals({ ...query, page: pageOf(options) }, session.limited);
  if (output.json) return output.document(fullJson(ListSignalsAnswerSchema, answer));
  if (answer.signals.length === 0) return output.note(`${userId} has no such signals`);
  const number = (header: string) => ({ header, align: 'right' as const, fit: 'below' as const });
  output.table(
    [
      { header: 'ID' },
      ...[{ header: 'INSTRUMENT' }, { header: 'SIDE' }, { header: 'STATUS' }],
      ...[number('QUANTITY'), number('FILLED'), number('PRICE')],
      { header: 'WHY', fit: 'truncate' },
    ],
    answer.signals.map((signal) => [
      ...[signal.signalId, signal.instrumentId, enumLabel(TradeSideSchema, signal.side)],
      enumLabel(SignalStatusSchema, signal.status),
      ...[signal.quantity, signal.filledQuantity, formatShortAmount(signal.averagePrice)],
      signal.code === '' ? enumLabel(SignalOriginSchema, signal.origin) : signal.code,
    ]),
  );
  noteMore(output, answer.page);
}

function statusesOf(name: string | undefined): SignalStatus[] {
  if (name === undefined) return [];
  const status = statuses.get(name);
  if (status === undefined) throw new CliError(`--status is one of ${statusNames}`, exitCode.usage);
  return [status];
}

function printSignal({ output }: Cli, signal: Signal): void {
  const side = enumLabel(TradeSideSchema, signal.side);
  const { exits, orderStatus } = signal;
  output.heading(`${side} ${signal.quantity} ${signal.instrumentId}`);
  const fields: readonly (readonly [string, string])[] = [
    ['id', signal.signalId],
    ['owner', signal.userId],
    ['strategy', signal.strategyId],
    ['portfolio', signal.portfolioId],
    ['status', enumLabel(SignalStatusSchema, signal.status)],
    ['origin', enumLabel(SignalOriginSchema, signal.origin)],
    ['derived from', signal.parentSignalId],
    ['candles', enumLabel(CandleIntervalSchema, signal.interval)],
    ['limit', signal.limitPrice],
    ['stop', signal.stopPrice],
    ['budget', signal.budget],
    ['last price', formatAmount(signal.price)],
    ['equity', formatAmount(signal.equity)],
    ['order', orderStatus === undefined ? '' : enumLabel(OrderStatusSchema, orderStatus)],
    ['filled', signal.filledQuantity],
    ['average price', signal.averagePrice ?? ''],
    ['fees', signal.fees ?? ''],
    ['code', signal.code],
    ['reason', signal.reason],
    ['stop loss', exits?.stopLoss ?? ''],
    ['take profit', exits?.takeProfit ?? ''],
    ['trailing stop', exits?.trailingStopDistance ?? ''],
    ['stop by now', exits?.stopPrice ?? ''],
    ['best price', exits?.bestPrice ?? ''],
    ['levels watched', watchedOf(signal)],
    ['levels reached', signal.exitAttempts === 0 ? '' : formatAttempts(signal)],
    ['accepted', formatTime(signal.acceptedAt)],
    ['changed', formatTime(signal.changedAt)],
  ];
  output.fields(fields.filter(([, value]) => value !== ''));
}

function watchedOf({ exits, exitsWatched, exitAttempts }: Signal): string {
  if (exits === undefined) return '';
  if (!exitsWatched) return 'no more';
  return exitAttempts === 0 ? 'yes' : 'yes, again';
}

function formatAttempts({ exitAttempts, exitSignalId }: Signal): string {
  const times = exitAttempts === 1 ? 'once' : `${exitAttempts} times`;
  return exitSignalId === '' ? times : `${times}; the last sale is ${exitSignalId}`;
}
