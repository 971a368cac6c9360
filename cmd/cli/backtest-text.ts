import { type BacktestRun, drawdownOf, equityOf } from './backtest-answer.ts';
import {
  measureRowsOf,
  reasonText,
  ruleText,
  sideText,
  summaryRows,
  tradeTime,
} from './backtest-rows.ts';
import { areaChart, drawdownChart } from './chart-text.ts';
import { formatCount, formatShortAmount } from './format.ts';
import { printMeasures } from './measure-rows.ts';
import type { Output } from './output.ts';
import { oneLine } from './text.ts';

const lastTrades = 10;

export function printBacktest(output: Output, run: BacktestRun): void {
  const { started, points } = run;
  const { strategyName, instrumentId, from, to } = started;
  output.heading(oneLine(`${strategyName} on ${instrumentId}, ${from} to ${to}`));
  for (const rule of started.rules) output.sentence(`  ${ruleText(rule)}`);
  output.fields(summaryRows(run));
  if (points.length > 1) printCharts(output, run);
  output.print('');
  printMeasures(output, measureRowsOf(run));
  printTrades(output, run);
}

function printCharts(output: Output, run: BacktestRun): void {
  const { width } = output;
  output.print('');
  output.heading(`equity (${run.started.currency})`);
  for (const line of areaChart(equityOf(run), { width, height: 10 })) output.print(line);
  output.heading('drawdown');
  for (const line of drawdownChart(drawdownOf(run), { width, height: 5 })) output.print(line);
}

function printTrades(output: Output, { trades }: BacktestRun): void {
  if (trades.length === 0) {
    output.note('the strategy made no trade');
    return;
  }
  output.print('');
  const shown = trades.slice(-lastTrades);
  output.table(
    [
      ...[{ header: 'TIME' }, { header: 'SIDE' }, { header: 'QUANTITY', align: 'right' as const }],
      ...[{ header: 'PRICE', align: 'right' as const }, { header: 'WHY' }],
      { header: 'CASH', align: 'right' as const },
    ],
    shown.map((trade) => [
      ...[tradeTime(trade), sideText(trade), formatShortAmount(trade.quantity)],
      ...[formatShortAmount(trade.price), reasonText(trade), formatShortAmount(trade.cash)],
    ]),
  );
  if (shown.length < trades.length) {
    output.note(
      `the last ${shown.length} of ${formatCount(trades.length)} trades; --trades-csv has all`,
    );
  }
}
