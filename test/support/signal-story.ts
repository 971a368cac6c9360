import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { expect } from '@jest/globals';
import { RecordCandlesCommandSchema } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  type RiskProfileSchema,
  TradeSide,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { ExecuteTradeSignalCommandSchema } from '../../src/gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import { deriveUuid } from '../../src/kernel/derived-id.ts';
import type { RecordedEvent } from '../../src/kernel/event.ts';
import { operator } from './command-bus.ts';
import { candleOf, createDesk, type Desk, day, free, type Row } from './signal-desk.ts';
import { createSignalWorld, type Death, type Life, liveIn, tell } from './signal-world.ts';

// Stories of signals that are told to write servers which may die, and what comes of them.

export type Signal = MessageInitShape<typeof ExecuteTradeSignalCommandSchema>;

/** What happens outside: a signal, a candle; `wait`: until nothing goes on. */
type Happening =
  | { readonly signal: Signal }
  | { readonly candle: Row }
  | { readonly wait: 'settled' | 'time over' };

export type Story = {
  readonly risk?: MessageInitShape<typeof RiskProfileSchema>;
  readonly happenings: readonly Happening[];
};

export const settled = { wait: 'settled' } as const;

function commandIdAt(index: number): string {
  return deriveUuid('story', `${index}`);
}

/** The id of the signal that a happening makes. */
export function signalIdAt(index: number): string {
  return deriveUuid('signal', `${commandIdAt(index)}/alice`);
}

function happen(life: Life, desk: Desk, happening: Happening, index: number) {
  const metadata = { commandId: commandIdAt(index) };
  if ('candle' in happening) {
    const { instrumentId } = desk;
    const candles = [candleOf(happening.candle, index)];
    const command = { instrumentId, interval: day, candles, metadata };
    return tell(life, () => life.bus.send(RecordCandlesCommandSchema, command, operator));
  }
  if (!('signal' in happening)) return undefined;
  const { portfolioId, strategyId, instrumentId } = desk;
  const of = { userId: 'alice', portfolioId, strategyId, instrumentId, interval: day };
  const command = { side: TradeSide.BUY, ...of, ...happening.signal, metadata } as Signal;
  return tell(life, () => life.bus.send(ExecuteTradeSignalCommandSchema, command));
}

/** Tells a story to write servers of which the first dies; whoever gets no answer asks again. */
export async function told(folder: string, story: Story, death?: Death) {
  const world = createSignalWorld(join(folder, `${randomUUID()}.db`));
  const desk = await createDesk(world.log, { risk: story.risk ?? {} });
  await (await liveIn(world)).restore();
  let life = await liveIn(world, death);
  const deaths: Life[] = [];
  const reborn = async () => {
    deaths.push(life);
    await life.stop();
    life = await liveIn(world);
    await life.restore();
  };
  await life.restore().catch(() => undefined);
  for (const [index, happening] of story.happenings.entries()) {
    for (;;) {
      if (life.isDead()) await reborn();
      await happen(life, desk, happening, index);
      if ('wait' in happening) await life.settle();
      if (!life.isDead() && 'wait' in happening && happening.wait === 'time over') {
        while (!life.isDead() && life.unfinished() > 0 && life.passTime()) await life.settle();
      }
      if (!life.isDead()) break;
    }
  }
  await life.settle();
  const { appends } = life;
  const unfinished = life.unfinished();
  const events = await world.all();
  await life.stop();
  await world[Symbol.asyncDispose]();
  return { events, unfinished, appends: deaths.length === 0 ? appends() : 0, desk };
}

const kept = new Set([
  'SignalAccepted',
  'SignalExecutionStarted',
  'SignalSettled',
  'SignalFailed',
  'SignalExitReached',
  'SignalExitsRearmed',
  'SignalExitsEnded',
  'FundsReserved',
  'ReservationReleased',
  'OrderPlaced',
  'OrderFilled',
  'OrderClosed',
  'TradeRecorded',
]);

/** What happened to signals, orders and the portfolio, in short and in the order of the log. */
export function gistOf(events: readonly RecordedEvent[]): readonly string[] {
  return events.flatMap(({ type, data }) => {
    const name = type.split('.').at(-1) ?? '';
    if (!kept.has(name)) return [];
    const { code, position, cash, units, filled, fill } = data as { [name: string]: unknown };
    const { quantity, price } = (fill ?? data) as { [name: string]: unknown };
    switch (name) {
      case 'SignalExitReached':
      case 'SignalExitsRearmed':
        return [`${name} ${quantity}`];
      case 'FundsReserved':
        return [`${name} ${cash}/${units}`];
      case 'OrderFilled':
        return [`${name} ${quantity} at ${price}`];
      case 'TradeRecorded':
        return [`${name} ${quantity} at ${price}: ${cash}, ${position}`];
      case 'OrderClosed':
        return [`${name} ${filled}${code ? ` ${code}` : ''}`];
      case 'SignalFailed':
        return [`${name} ${code}`];
      default:
        return [name];
    }
  });
}

export function outcomesOf(events: readonly RecordedEvent[]) {
  const ends = ['ProcessCompleted', 'ProcessCompensated', 'ProcessFailed'];
  const names = events.map(({ type }) => type.split('.').at(-1) ?? '');
  return {
    started: names.filter((name) => name === 'ProcessStarted').length,
    ends: names.filter((name) => ends.includes(name)),
  };
}

export const buy = (value: string, more: Signal = {}) => ({
  signal: { size: { case: 'quantity', value }, execution: free, ...more } as Signal,
});
export const candle = (...row: Row) => ({ candle: row });

/** What every signal begins with. */
export const begun = ['SignalAccepted', 'SignalExecutionStarted'];

/**
 * Every append of every story: SIGNAL_KILLS=1000 npm test -- trading/signal. A few run every time.
 *
 * @throws Error unless a write server that is killed at an append leads to what it would have led to
 */
export async function toldWithDeaths(folder: string, name: string, story: Story): Promise<void> {
  const runs = Number(process.env.SIGNAL_KILLS ?? 4);
  const whole = await told(folder, story);
  const expected = gistOf(whole.events);
  const step = Math.max(1, Math.ceil(whole.appends / runs));
  for (let at = name.length % step; at < whole.appends; at += step) {
    for (const when of ['before', 'after'] as const) {
      const { events, unfinished } = await told(folder, story, { at, when });
      const label = `killed ${when} append ${at}`;
      expect([label, ...gistOf(events)]).toEqual([label, ...expected]);
      expect([label, unfinished]).toEqual([label, 0]);
      expect(outcomesOf(events)).toEqual(outcomesOf(whole.events));
    }
  }
}
