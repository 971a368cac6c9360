import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  AnalysisQueryService,
  EpisodeSort,
  type ListDrawdownEpisodesAnswer,
  ListDrawdownEpisodesAnswerSchema,
} from '../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { addCsvOption, type CsvOption, printCsv } from './analysis-options.ts';
import { uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { formatPercent } from './format.ts';
import { measureRow, printMeasures } from './measure-rows.ts';
import { fullJson } from './output.ts';
import { addPageOptions, noteMore, type PageOptions, pageOf } from './pages.ts';
import { addPeriodOptions, type PeriodOptions } from './period-options.ts';

const sorts = {
  date: EpisodeSort.PEAK_DATE,
  depth: EpisodeSort.DEPTH,
  length: EpisodeSort.LENGTH,
};

type Options = PeriodOptions &
  PageOptions &
  CsvOption & { readonly sort: keyof typeof sorts; readonly least?: string };

export function addDrawdownsCommand(analysis: Command, bind: Bind): void {
  const command = analysis
    .command('drawdowns')
    .description('each time that a portfolio was below the most that it had been worth')
    .argument('<id>', 'of the portfolio', uuidArgument)
    .addOption(
      new Option('--sort <by>', 'oldest, deepest or longest first')
        .choices(Object.keys(sorts))
        .default('depth'),
    )
    .option('--least <depth>', 'as a decimal: 0.05 leaves out less than 5 %', depthArgument)
    .action(bind(runDrawdowns));
  addCsvOption(addPageOptions(addPeriodOptions(command)));
}

function depthArgument(text: string): string {
  if (/^0(\.\d{1,18})?$/.test(text)) return text;
  throw new InvalidArgumentError('A depth is a decimal under 1: 0.05 is 5 %.');
}

async function runDrawdowns(
  { session, output }: Cli,
  portfolioId: string,
  options: Options,
): Promise<void> {
  const { from = '', to = '', least: leastDepth = '', sort } = options;
  const query = { portfolioId, from, to, leastDepth, sort: sorts[sort], page: pageOf(options) };
  const answer = await session
    .client(AnalysisQueryService)
    .listDrawdownEpisodes(query, session.limited);
  if (output.json) return output.document(fullJson(ListDrawdownEpisodesAnswerSchema, answer));
  if (options.csv) printRows(output, answer);
  else printEpisodes(output, answer);
  noteMore(output, answer.page);
}

function printEpisodes(output: Cli['output'], answer: ListDrawdownEpisodesAnswer): void {
  const { episodes, total } = answer;
  output.heading(
    `${answer.from} to ${answer.to}: ${total} ${total === 1 ? 'episode' : 'episodes'}`,
  );
  if (episodes.length > 0) {
    const number = (header: string) => ({ header, align: 'right' as const });
    output.table(
      [
        ...[number('DEPTH'), { header: 'PEAK' }, { header: 'TROUGH' }, { header: 'RECOVERED' }],
        ...[number('DAYS'), number('DOWN'), number('UP')],
      ],
      episodes.map(({ depth, peakDate, troughDate, recoveryDate, ...days }) => [
        ...[formatPercent(depth), peakDate, troughDate, recoveryDate || 'not yet'],
        ...[days.lengthDays, days.declineDays, days.recoveryDays].map(String),
      ]),
    );
  }
  output.print('');
  printMeasures(output, [
    measureRow('maximum drawdown', answer.maximumDrawdown, formatPercent),
    measureRow('drawdown at the end', answer.currentDrawdown, formatPercent),
  ]);
}

function printRows(output: Cli['output'], { episodes }: ListDrawdownEpisodesAnswer): void {
  printCsv(
    output,
    [
      ...['peak_date', 'trough_date', 'recovery_date', 'depth'],
      ...['length_days', 'decline_days', 'recovery_days'],
    ],
    episodes.map((episode) => [
      ...[episode.peakDate, episode.troughDate, episode.recoveryDate, episode.depth],
      ...[episode.lengthDays, episode.declineDays, episode.recoveryDays],
    ]),
  );
}
