import { type Command, Option } from 'commander';
import {
  AnalysisQueryService,
  type CostBasisLot,
  type ListCostBasisAnswer,
  ListCostBasisAnswerSchema,
  LotState,
} from '../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { CostBasisMethodSchema } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { addCsvOption, type CsvOption, isoText, printCsv } from './analysis-options.ts';
import { uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { enumLabel, formatAmount, formatTime } from './format.ts';
import { formatHolding } from './measure-rows.ts';
import { fullJson } from './output.ts';
import { addPageOptions, noteMore, type PageOptions, pageOf } from './pages.ts';
import { addPeriodOptions, type PeriodOptions } from './period-options.ts';

type Options = PeriodOptions &
  PageOptions &
  CsvOption & {
    readonly instrument?: string;
    readonly closed?: true;
    readonly newestFirst?: true;
  };

export function addCostBasisCommand(analysis: Command, bind: Bind): void {
  const command = analysis
    .command('cost-basis')
    .description('the open lots of a portfolio, or what its sales took from lots, with gains')
    .argument('<id>', 'of the portfolio', uuidArgument)
    .addOption(new Option('--closed', 'those of sales from the first to the last day'))
    .option('--instrument <id>', 'only those of the instrument')
    .addOption(new Option('--newest-first', 'instead of the oldest'))
    .action(bind(runCostBasis));
  addCsvOption(addPageOptions(addPeriodOptions(command)));
}

async function runCostBasis(
  { session, output }: Cli,
  portfolioId: string,
  options: Options,
): Promise<void> {
  const { from = '', to = '', instrument: instrumentId = '', closed = false } = options;
  const answer = await session.client(AnalysisQueryService).listCostBasis(
    {
      ...{ portfolioId, from, to, instrumentId, page: pageOf(options) },
      state: closed ? LotState.CLOSED : LotState.OPEN,
      descending: options.newestFirst ?? false,
    },
    session.limited,
  );
  if (output.json) return output.document(fullJson(ListCostBasisAnswerSchema, answer));
  if (options.csv) printRows(output, answer);
  else print(output, answer, closed);
  noteMore(output, answer.page);
}

function print(output: Cli['output'], answer: ListCostBasisAnswer, closed: boolean): void {
  const { currency, total, lots } = answer;
  const method = enumLabel(CostBasisMethodSchema, answer.costBasisMethod).toUpperCase();
  const amount = (text: string | undefined): string =>
    text === undefined
      ? '- (a position has no recorded price)'
      : `${formatAmount(text)} ${currency}`;
  const days = closed ? `${answer.from} to ${answer.to}` : `at the end of ${answer.to}`;
  const what = `${closed ? 'closed' : 'open'} ${total === 1 ? 'lot' : 'lots'}`;
  output.heading(`${total} ${what}, ${days}, by ${method}`);
  output.fields([
    ['realised gain', amount(answer.realisedGain)],
    ['cost of open lots', amount(answer.cost)],
    ['market value', amount(answer.marketValue)],
    ['unrealised gain', amount(answer.unrealisedGain)],
  ]);
  if (lots.length === 0) return;
  output.print('');
  const number = (header: string) => ({ header, align: 'right' as const, fit: 'below' as const });
  output.table(
    [
      ...[{ header: 'INSTRUMENT' }, { header: closed ? 'CLOSED' : 'OPENED' }],
      ...[{ header: 'HELD', align: 'right' as const }, number('QUANTITY'), number('COST')],
      number('GAIN'),
    ],
    lots.map((lot) => [
      ...[lot.instrumentId, formatTime(closed ? lot.closedAt : lot.openedAt).slice(0, 10)],
      ...[formatHolding(Number(lot.heldSeconds)), lot.quantity, formatAmount(lot.cost)],
      formatAmount(gainOf(lot)),
    ]),
  );
}

function gainOf({ realisedGain, unrealisedGain }: CostBasisLot): string | undefined {
  return realisedGain ?? unrealisedGain;
}

function printRows(output: Cli['output'], { lots }: ListCostBasisAnswer): void {
  printCsv(
    output,
    [
      ...['instrument', 'opened_at', 'closed_at', 'held_seconds', 'quantity', 'cost', 'proceeds'],
      ...['realised_gain', 'market_value', 'unrealised_gain', 'opened_by', 'closed_by'],
      'strategy',
    ],
    lots.map((lot) => [
      ...[lot.instrumentId, isoText(lot.openedAt), isoText(lot.closedAt), lot.heldSeconds],
      ...[lot.quantity, lot.cost, lot.proceeds, lot.realisedGain, lot.marketValue],
      ...[lot.unrealisedGain, lot.openedBy, lot.closedBy, lot.strategyId],
    ]),
  );
}
