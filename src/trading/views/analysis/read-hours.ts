import { type Rejection, rejectField } from '../../../kernel/rejection.ts';
import type { Reader } from '../../../read/kit.ts';
import { millisecondsPerDay, startOf } from '../days.ts';
import type { History } from '../performance/history.ts';
import type { Period } from '../performance/period.ts';
import { listAll } from '../reading.ts';
import { readTrades } from '../statistics/read-trades.ts';
import { type CashFlowsDocument, cashFlows, type FlowRow } from './cash-flows.ts';
import { type HourlyHistory, type HourStep, hourSteps, millisecondsPerHour } from './hourly.ts';
import { readHourlyPrices } from './hourly-prices.ts';
import type { PortfolioPeriod } from './portfolio-period.ts';

const mostDays = 92;
const hoursPerDay = 24;

/** A longer period is refused: each of its hours would be an answer's. */
export function refuseHours({ from, to }: Period): Rejection | undefined {
  const days = to - from + 1;
  if (days <= mostDays) return undefined;
  const message = `the period has ${days} days; by the hour it can have ${mostDays} at most`;
  return rejectField('PERIOD_INVALID', 'from', message);
}

/**
 * The hours of the period, and before them the one that the first return is to. Where there is no
 * activity before the period, that is the hour of the first one, and the period begins with it.
 */
export async function readHours(
  reader: Reader,
  of: { readonly portfolioId: string; readonly quoteCurrency: string },
  { history, period }: PortfolioPeriod,
): Promise<{ readonly steps: readonly HourStep[]; readonly from: number }> {
  const { from, to } = period;
  if (to < history.known.from) return { steps: [], from };
  const [trades, flows, prices] = await Promise.all([
    readTrades(reader, of, { from, to }),
    readFlows(reader, of.portfolioId, period),
    readPrices(reader, history, period),
  ]);
  const told = { ...stateBefore(history, from), trades, flows, prices };
  const last = lastHour(told, history, to);
  if (from > history.known.from) {
    const first = from * hoursPerDay;
    return { steps: hourSteps(told, first - 1, last), from: first };
  }
  const first = firstHour(told, from);
  return { steps: hourSteps(told, first, last), from: first };
}

function firstHour({ trades, flows }: HourlyHistory, day: number): number {
  const times = [trades[0]?.time, flows[0]?.[0]].filter((time) => time !== undefined);
  const first = times.length === 0 ? day * millisecondsPerDay : Math.min(...times);
  return Math.floor(first / millisecondsPerHour);
}

/** That of the last activity or price on the last known day, for the day may not be over. */
function lastHour({ trades, flows }: HourlyHistory, history: History, day: number): number {
  const end = (day + 1) * hoursPerDay - 1;
  if (day < history.known.to) return end;
  const priced = [...history.instruments.values()].map((known) => (known?.lastPriceAt ?? 0) - 1);
  const times = [trades.at(-1)?.time ?? 0, flows.at(-1)?.[0] ?? 0, ...priced];
  return Math.min(end, Math.floor(Math.max(...times) / millisecondsPerHour));
}

/** Cash and quantities at the end of the day before. */
function stateBefore({ days }: History, day: number): Pick<HourlyHistory, 'cash' | 'held'> {
  const before = days.filter((each) => each.day < day);
  const held = new Map(before.flatMap(({ traded }) => Object.entries(traded)));
  return { cash: before.at(-1)?.cash ?? '0', held };
}

async function readFlows(
  reader: Reader,
  portfolioId: string,
  { from, to }: Period,
): Promise<readonly FlowRow[]> {
  const found = await listAll(reader, cashFlows, {
    where: [
      { field: 'portfolioId', in: [portfolioId] },
      { field: 'month', from: startOf('month', from), until: to + 1 },
    ],
  });
  return found
    .flatMap(({ document }) => (document as unknown as CashFlowsDocument).flows)
    .filter(([time]) => time >= from * millisecondsPerDay && time < (to + 1) * millisecondsPerDay)
    .sort(([a], [b]) => a - b);
}

async function readPrices(reader: Reader, { instruments }: History, period: Period) {
  const prices = [...instruments.keys()].map(
    async (id) => [id, await readHourlyPrices(reader, id, period)] as const,
  );
  return new Map(await Promise.all(prices));
}
