import type { Command } from 'commander';
import {
  AnalysisQueryService,
  type GetPortfolioExposureAnswer,
  GetPortfolioExposureAnswerSchema,
  PositionSideSchema,
} from '../../src/gen/cipherhorizon/trading/v1/analysis_pb.ts';
import { AssetClassSchema } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { addCsvOption, type CsvOption, measureText, printCsv } from './analysis-options.ts';
import { uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { enumLabel, formatAmount, formatPercent } from './format.ts';
import { formatRatio, measureRow, printMeasures } from './measure-rows.ts';
import { fullJson } from './output.ts';
import { addPeriodOptions, type PeriodOptions } from './period-options.ts';

export function addExposureCommand(analysis: Command, bind: Bind): void {
  const command = analysis
    .command('exposure')
    .description('what a portfolio is exposed to: by asset and side, gross, net, leverage')
    .argument('<id>', 'of the portfolio', uuidArgument)
    .action(bind(runExposure));
  addCsvOption(addPeriodOptions(command));
}

async function runExposure(
  { session, output }: Cli,
  portfolioId: string,
  { from = '', to = '', csv }: PeriodOptions & CsvOption,
): Promise<void> {
  const answer = await session
    .client(AnalysisQueryService)
    .getPortfolioExposure({ portfolioId, from, to }, session.limited);
  if (output.json) output.document(fullJson(GetPortfolioExposureAnswerSchema, answer));
  else if (csv) printRows(output, answer);
  else printExposure(output, answer);
}

function printExposure(output: Cli['output'], answer: GetPortfolioExposureAnswer): void {
  const amount = (text: string): string => `${formatAmount(text)} ${answer.currency}`;
  output.heading(`at the end of ${answer.to}`);
  output.fields([
    ['equity', amount(answer.equity)],
    ['cash', amount(answer.cash)],
    ['long', amount(answer.long)],
    ['short', amount(answer.short)],
    ['gross', amount(answer.gross)],
    ['net', amount(answer.net)],
  ]);
  output.print('');
  if (answer.assets.length > 0) {
    output.table(
      [
        ...[{ header: 'ASSET' }, { header: 'CLASS' }, { header: 'SIDE' }],
        ...['VALUE', 'WEIGHT'].map((header) => ({ header, align: 'right' as const })),
      ],
      answer.assets.map(({ asset, assetClass, side, value, weight }) => [
        ...[asset, enumLabel(AssetClassSchema, assetClass), enumLabel(PositionSideSchema, side)],
        ...[formatAmount(value), measureText(weight, formatPercent)],
      ]),
    );
    output.print('');
  }
  printMeasures(output, [
    measureRow('leverage', answer.leverage, formatRatio),
    measureRow('net leverage', answer.netLeverage, formatRatio),
    measureRow(`mean from ${answer.from}`, answer.meanLeverage, formatRatio),
    measureRow(`peak ${answer.peakLeverageDate}`.trim(), answer.peakLeverage, formatRatio),
  ]);
}

/** A line for each instrument, so that those of an asset add up to it. */
function printRows(output: Cli['output'], { assets }: GetPortfolioExposureAnswer): void {
  printCsv(
    output,
    [
      ...['asset', 'asset_class', 'side', 'instrument', 'quantity', 'price', 'priced_at', 'value'],
      ...['asset_weight'],
    ],
    assets.flatMap(({ asset, assetClass, side, weight, instruments }) =>
      instruments.map(({ instrumentId, quantity, price, pricedAt, value }) => [
        ...[asset, enumLabel(AssetClassSchema, assetClass), enumLabel(PositionSideSchema, side)],
        ...[instrumentId, quantity, price, pricedAt, value, weight?.value],
      ]),
    ),
  );
}
