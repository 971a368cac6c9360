import { type BacktestRun, drawdownOf, equityOf } from './backtest-answer.ts';
import {
  measureRowsOf,
  reasonText,
  ruleText,
  sideText,
  summaryRows,
  tradeTime,
} from './backtest-rows.ts';
import { formatAxis, formatAxisPercent } from './chart-series.ts';
import { svgChart } from './chart-svg.ts';
import { formatAmount, formatCount } from './format.ts';
import { htmlPage, htmlTable } from './html.ts';

/** More make a page that browsers are slow with; the CSV has all. */
const mostTrades = 2000;
const mostMarks = 400;

/** One HTML file that needs no network. */
export function backtestReport(run: BacktestRun): string {
  const { strategyName, instrumentId, from, to, rules } = run.started;
  const title = `${strategyName} on ${instrumentId}`;
  const about = `Backtest of ${from} to ${to}. Nothing of it was traded.`;
  return htmlPage(title, about, [
    { heading: 'Equity', parts: charts(run) },
    {
      heading: 'Run',
      parts: [
        htmlTable({
          headers: ['', ''],
          rows: [
            ...rules.map((rule) => ['rule', ruleText(rule)]),
            ...summaryRows(run).filter(([, text]) => text !== ''),
          ],
        }),
      ],
    },
    {
      heading: 'Measures',
      parts: [
        htmlTable({
          headers: ['Measure', 'Value', 'Method'],
          rows: measureRowsOf(run).map((row) => [...row]),
          right: [1],
        }),
      ],
    },
    { heading: `Trades (${formatCount(run.trades.length)})`, parts: [tradeTable(run)] },
  ]);
}

function charts(run: BacktestRun): string[] {
  const { started, points, trades } = run;
  const closes = points.map(({ start, close }) => ({ time: Number(start), value: Number(close) }));
  const first = closes[0]?.value ?? 1;
  const scale = Number(started.initialCash) / first;
  const marks = trades.slice(-mostMarks).map((trade) => ({
    time: Number(trade.executedAt),
    value: Number(trade.price),
    kind: sideText(trade),
    text: `${sideText(trade)} ${trade.quantity} at ${trade.price}, ${tradeTime(trade)}: ${reasonText(trade)}`,
  }));
  return [
    svgChart({
      title: `Equity, and ${started.instrumentId} bought and held (${started.currency})`,
      series: [
        { name: 'strategy', points: equityOf(run) },
        {
          name: 'buy and hold',
          points: closes.map(({ time, value }) => ({ time, value: value * scale })),
        },
      ],
      format: formatAxis,
    }),
    svgChart({
      title: 'Drawdown',
      series: [{ name: 'drawdown', points: drawdownOf(run), filled: true }],
      format: formatAxisPercent,
      fromZero: true,
    }),
    svgChart({
      title: `${started.instrumentId} and the trades`,
      series: [{ name: 'close', points: closes }],
      marks,
      format: formatAxis,
    }),
  ];
}

function tradeTable({ trades, started }: BacktestRun): string {
  const shown = trades.slice(-mostTrades);
  return htmlTable({
    headers: [
      '#',
      'Time (UTC)',
      'Side',
      'Quantity',
      'Price',
      `Fee (${started.currency})`,
      'Why',
      'Cash',
    ],
    rows: shown.map((trade) => [
      ...[String(trade.number), tradeTime(trade), sideText(trade), trade.quantity],
      ...[formatAmount(trade.price), formatAmount(trade.fee), reasonText(trade)],
      formatAmount(trade.cash),
    ]),
    right: [0, 3, 4, 5, 7],
  });
}
