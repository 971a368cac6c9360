import type { Command } from 'commander';
import {
  AnalysisQueryService,
  type GetAttributionAnswer,
  GetAttributionAnswerSchema,
} from '../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { AssetClassSchema } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { addCsvOption, type CsvOption, measureText, printCsv } from './analysis-options.ts';
import { uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { enumLabel, formatAmount, formatPercent } from './format.ts';
import { measureRow, printMeasures } from './measure-rows.ts';
import { fullJson } from './output.ts';
import { addPeriodOptions, type PeriodOptions } from './period-options.ts';

export function addAttributionCommand(analysis: Command, bind: Bind): void {
  const command = analysis
    .command('attribution')
    .description('what each asset added to the return of a portfolio')
    .argument('<id>', 'of the portfolio', uuidArgument)
    .action(bind(runAttribution));
  addCsvOption(addPeriodOptions(command));
}

async function runAttribution(
  { session, output }: Cli,
  portfolioId: string,
  { from = '', to = '', csv }: PeriodOptions & CsvOption,
): Promise<void> {
  const answer = await session
    .client(AnalysisQueryService)
    .getAttribution({ portfolioId, from, to }, session.limited);
  if (output.json) output.document(fullJson(GetAttributionAnswerSchema, answer));
  else if (csv) printRows(output, answer);
  else print(output, answer);
}

function print(output: Cli['output'], answer: GetAttributionAnswer): void {
  const { assets, currency, gain } = answer;
  output.heading(`${answer.from} to ${answer.to}, in ${currency}`);
  if (assets.length > 0) {
    const number = (header: string) => ({ header, align: 'right' as const });
    output.table(
      [
        ...[{ header: 'ASSET' }, { header: 'CLASS' }],
        ...[number('TRADES'), number('GAIN'), number('CONTRIBUTION')],
      ],
      [
        ...assets.map((each) => [
          ...[each.asset, enumLabel(AssetClassSchema, each.assetClass), String(each.trades)],
          ...[formatAmount(each.gain), measureText(each.contribution, formatPercent)],
        ]),
        ['all', '', '', formatAmount(gain), measureText(answer.timeWeightedReturn, formatPercent)],
      ],
    );
    output.print('');
  }
  const contribution = assets[0]?.contribution;
  printMeasures(output, [
    measureRow('time-weighted return', answer.timeWeightedReturn, formatPercent),
    ...(contribution === undefined
      ? []
      : [measureRow('largest contribution', contribution, formatPercent)]),
  ]);
}

function printRows(output: Cli['output'], { assets }: GetAttributionAnswer): void {
  printCsv(
    output,
    ['asset', 'asset_class', 'trades', 'gain', 'contribution', 'undefined_reason'],
    assets.map(({ asset, assetClass, trades, gain, contribution }) => [
      ...[asset, enumLabel(AssetClassSchema, assetClass), trades, gain],
      ...[contribution?.value, contribution?.undefinedReason],
    ]),
  );
}
