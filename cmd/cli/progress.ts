import { formatCount, formatSeconds } from './format.ts';
import { truncate } from './text.ts';

export type Progress = {
  /** `note` is short and goes behind the figures. */
  readonly update: (done: number, total: number, note?: string) => void;
  /** Leaves a line of its own to whatever is written next. */
  readonly end: () => void;
};

type Target = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

const barWidth = 16;
const redrawMs = 100;
const plainLineMs = 5000;

/** A bar that redraws itself on a terminal; elsewhere a plain line every few seconds. */
export function createProgress(target: Target, label: string, now = Date.now): Progress {
  const isTerminal = target.isTTY === true;
  const everyMs = isTerminal ? redrawMs : plainLineMs;
  let shownAtMs = isTerminal ? 0 : now();
  let isDrawn = false;

  const draw = (line: string): void => {
    isDrawn = true;
    target.write(
      isTerminal ? `\r\u001b[K${truncate(line, (target.columns ?? 80) - 1)}` : `${line}\n`,
    );
  };
  return {
    update: (done, total, note = '') => {
      const at = now();
      if (at - shownAtMs < everyMs && !(isTerminal && done >= total)) return;
      shownAtMs = at;
      draw(progressLine(label, done, total, note, isTerminal));
    },
    end: () => {
      if (isTerminal && isDrawn) target.write('\r\u001b[K');
      isDrawn = false;
    },
  };
}

export function progressLine(
  label: string,
  done: number,
  total: number,
  note: string,
  withBar: boolean,
): string {
  const share = total > 0 ? Math.min(done / total, 1) : 0;
  const filled = Math.round(share * barWidth);
  const bar = withBar ? `  ${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}` : '';
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  const behind = note === '' ? '' : `  ${note}`;
  return `${label}${bar}  ${percent}  ${formatCount(done)} of ${formatCount(total)}${behind}`;
}

/** `25,120/s, 12s left`. */
export function rateNote(perSecond: number, secondsLeft: number): string {
  if (!(perSecond > 0)) return '';
  const left = formatSeconds(secondsLeft);
  return `${formatCount(perSecond)}/s${left === '' ? '' : `, ${left} left`}`;
}
