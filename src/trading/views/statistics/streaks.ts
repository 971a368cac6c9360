import { add, decimal } from '../../../kernel/decimal.ts';
import { amountText } from '../amounts.ts';
import { type Outcome, outcomeOf } from './outcome.ts';

/** Trades one after the other by their ends, all won, all lost, or all neither. */
export type Streak = {
  readonly kind: Outcome;
  readonly length: number;
  /** Ends of the first and of the last one, in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** A decimal text. */
  readonly gain: string;
};

export type Streaks = {
  /** Absent where nothing was won, or lost; of equally long ones the first. */
  readonly longestWinning?: Streak;
  readonly longestLosing?: Streak;
  /** That of the last trade. */
  readonly latest?: Streak;
};

/** A draw ends a streak of wins or of losses. */
export function streaksOf(
  trades: readonly { readonly gain: string; readonly exitedAt: number }[],
): Streaks {
  const streaks: Streak[] = [];
  for (const { gain, exitedAt } of trades) {
    const value = decimal(gain);
    const kind = outcomeOf(gain);
    const last = streaks.at(-1);
    if (last?.kind === kind) {
      const total = amountText(add(decimal(last.gain), value));
      streaks[streaks.length - 1] = { ...last, length: last.length + 1, to: exitedAt, gain: total };
    } else {
      streaks.push({ kind, length: 1, from: exitedAt, to: exitedAt, gain: amountText(value) });
    }
  }
  const [winning, losing] = [longest(streaks, 'WIN'), longest(streaks, 'LOSS')];
  const latest = streaks.at(-1);
  return {
    ...(winning !== undefined && { longestWinning: winning }),
    ...(losing !== undefined && { longestLosing: losing }),
    ...(latest !== undefined && { latest }),
  };
}

function longest(streaks: readonly Streak[], kind: Outcome): Streak | undefined {
  let found: Streak | undefined;
  for (const streak of streaks) {
    if (streak.kind === kind && streak.length > (found?.length ?? 0)) found = streak;
  }
  return found;
}
