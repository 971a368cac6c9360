import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { type Command, Option } from 'commander';
import {
  AnalysisQueryService,
  type GetPortfolioReturnsAnswer,
  GetPortfolioReturnsAnswerSchema,
  ReturnBucket,
} from '../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import {
  addCsvOption,
  type CsvOption,
  isoText,
  measureText,
  printCsv,
} from './analysis-options.ts';
import { uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { formatAmount, formatPercent, formatTime } from './format.ts';
import { measureRow, printMeasures } from './measure-rows.ts';
import { fullJson } from './output.ts';
import { addPeriodOptions, type PeriodOptions } from './period-options.ts';

const buckets = {
  hour: ReturnBucket.HOUR,
  day: ReturnBucket.DAY,
  week: ReturnBucket.WEEK,
  month: ReturnBucket.MONTH,
  quarter: ReturnBucket.QUARTER,
  year: ReturnBucket.YEAR,
};

type Options = PeriodOptions & CsvOption & { readonly by: keyof typeof buckets };

export function addReturnsCommand(analysis: Command, bind: Bind): void {
  const command = analysis
    .command('returns')
    .description('profit and return of a portfolio by hour, day, week, month, quarter or year')
    .argument('<id>', 'of the portfolio', uuidArgument)
    .addOption(
      new Option('--by <bucket>', 'how long each is')
        .choices(Object.keys(buckets))
        .default('month'),
    )
    .action(bind(runReturns));
  addCsvOption(addPeriodOptions(command));
}

async function runReturns(
  { session, output }: Cli,
  portfolioId: string,
  { from = '', to = '', by, csv }: Options,
): Promise<void> {
  const answer = await session
    .client(AnalysisQueryService)
    .getPortfolioReturns({ portfolioId, from, to, bucket: buckets[by] }, session.limited);
  if (output.json) return output.document(fullJson(GetPortfolioReturnsAnswerSchema, answer));
  if (csv) return print(output, answer);
  if (answer.buckets.length === 0) return output.note('the portfolio has no activities');
  output.heading(`${answer.from} to ${answer.to}, in ${answer.currency}`);
  const number = (header: string) => ({ header, align: 'right' as const });
  output.table(
    [{ header: 'FROM' }, number('PROFIT'), number('RETURN'), number('END VALUE')],
    answer.buckets.map((bucket) => [
      startText(bucket.start, by === 'hour'),
      formatAmount(bucket.profit),
      measureText(bucket.periodReturn, formatPercent),
      formatAmount(bucket.endValue),
    ]),
  );
  output.print('');
  output.fields([['profit', `${formatAmount(answer.profit)} ${answer.currency}`]]);
  printMeasures(output, [
    measureRow('time-weighted return', answer.timeWeightedReturn, formatPercent),
  ]);
}

function print(output: Cli['output'], { buckets }: GetPortfolioReturnsAnswer): void {
  printCsv(
    output,
    [
      ...['start', 'end', 'start_value', 'end_value', 'deposits', 'withdrawals', 'profit'],
      ...['period_return', 'undefined_reason'],
    ],
    buckets.map((bucket) => [
      ...[isoText(bucket.start), isoText(bucket.end), bucket.startValue, bucket.endValue],
      ...[bucket.deposits, bucket.withdrawals, bucket.profit],
      ...[bucket.periodReturn?.value, bucket.periodReturn?.undefinedReason],
    ]),
  );
}

/** The day; by the hour with its time. */
function startText(time: Timestamp | undefined, byHour: boolean): string {
  return formatTime(time).slice(0, byHour ? 16 : 10);
}
