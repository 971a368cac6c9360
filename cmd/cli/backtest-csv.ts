import type { BacktestRun } from './backtest-answer.ts';
import { reasonText, sideText } from './backtest-rows.ts';
import { toCsv } from './export-file.ts';

const timeOf = (seconds: bigint) => new Date(Number(seconds) * 1000).toISOString();

/** A row for each candle, by its start. */
export function curveCsv({ points }: BacktestRun): string {
  const headers = ['start', 'equity', 'cash', 'position', 'close', 'drawdown'];
  return toCsv(
    headers,
    points.map(({ start, equity, cash, position, close, drawdown }) => [
      ...[timeOf(start), equity, cash, position, close, drawdown],
    ]),
  );
}

export function tradesCsv({ trades }: BacktestRun): string {
  const headers = 'number,executed_at,side,quantity,price,fee,reason,cash,position'.split(',');
  return toCsv(
    headers,
    trades.map((trade) => {
      const { number, executedAt, quantity, price, fee, cash, position } = trade;
      const what = [number, timeOf(executedAt), sideText(trade), quantity, price, fee];
      return [...what, reasonText(trade), cash, position];
    }),
  );
}
