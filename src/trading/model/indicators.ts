import { BollingerBands, EMA, MACD, RSI, SMA } from 'trading-signals';
import { Indicator, type IndicatorTerm } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';

// Indicators of closed candles. They are statistics: doubles, the same for the same candles to the
// last digit.

/** The definition that a value follows, by the name of the indicator; named in answers. */
export const indicatorMethod = {
  PRICE: 'CLOSE',
  VOLUME: 'VOLUME_OF_THE_CANDLE',
  /** The mean of the last `window` closes. */
  SMA: 'MEAN_OF_CLOSES',
  /** close x k + before x (1 - k), k = 2 / (window + 1); what it starts from is the first close. */
  EMA: 'EMA_FROM_FIRST_CLOSE',
  /** 100 - 100 / (1 + mean rise / mean fall), Wilder's means; 100 where nothing fell. */
  RSI: 'RSI_WILDER',
  /**
   * The histogram: EMA(fast) - EMA(slow), less its EMA(signal). It crosses 0 where the MACD line
   * crosses its signal line. Without a window 12, 26 and 9; a window is the slow one, and the others
   * are in proportion.
   */
  MACD: 'MACD_HISTOGRAM',
  /**
   * Where the close is between the bands, the mean and twice the standard deviation (of all
   * `window` closes): 0 on the lower one, 1 on the upper one. No value where the two are one.
   */
  BOLLINGER: 'BOLLINGER_PERCENT_B_2_SIGMA',
} as const;

export type IndicatorInput = { readonly close: number; readonly volume: number };

/** Changed in place: takes candles in their order. */
export type RunningIndicator = {
  /** The value behind the candle; undefined until there have been enough. */
  readonly next: (candle: IndicatorInput) => number | undefined;
};

/** The candles that the first value needs. */
export function warmUpOf({ indicator, window }: IndicatorTerm): number {
  switch (indicator) {
    case Indicator.SMA:
    case Indicator.EMA:
    case Indicator.BOLLINGER:
      return window;
    case Indicator.RSI:
      return window + 1;
    case Indicator.MACD:
      return spansOf(window).slow + spansOf(window).signal - 1;
    default:
      return 1;
  }
}

/**
 * How many of the last candles a value rests on. Those that average over all candles forget: after
 * 40 windows the weight of what is older is under e^-40, far behind the last digit of a double.
 */
export function memoryOf(term: IndicatorTerm): number {
  const { indicator, window } = term;
  switch (indicator) {
    case Indicator.EMA:
    case Indicator.RSI:
      return 40 * (window + 1);
    case Indicator.MACD:
      return 40 * (spansOf(window).slow + spansOf(window).signal);
    default:
      return warmUpOf(term);
  }
}

export function runningIndicator(term: IndicatorTerm): RunningIndicator {
  const { indicator, window } = term;
  switch (indicator) {
    case Indicator.PRICE:
      return { next: ({ close }) => close };
    case Indicator.VOLUME:
      return { next: ({ volume }) => volume };
    case Indicator.SMA:
      return ofCloses(new SMA(window));
    case Indicator.EMA:
      return ofCloses(new EMA(window));
    case Indicator.RSI:
      return window === 1 ? riseOrFall() : ofCloses(new RSI(window));
    case Indicator.MACD:
      return histogramOf(window);
    case Indicator.BOLLINGER:
      return percentB(window);
    default:
      return { next: () => undefined };
  }
}

function ofCloses(series: SMA | EMA | RSI): RunningIndicator {
  return {
    next: ({ close }) => {
      series.add(close);
      return series.getResult() ?? undefined;
    },
  };
}

/** The RSI of one candle, which the library has no value for. */
function riseOrFall(): RunningIndicator {
  let before: number | undefined;
  return {
    next: ({ close }) => {
      const last = before;
      before = close;
      return last === undefined ? undefined : close < last ? 0 : 100;
    },
  };
}

function spansOf(window: number) {
  const slow = window === 0 ? 26 : window;
  const part = (of: number) => Math.max(1, Math.round((slow * of) / 26));
  return { fast: part(12), slow, signal: part(9) };
}

function histogramOf(window: number): RunningIndicator {
  const { fast, slow, signal } = spansOf(window);
  const macd = new MACD(new EMA(fast), new EMA(slow), new EMA(signal));
  return {
    next: ({ close }) => {
      const histogram = macd.add(close)?.histogram;
      return macd.signal.isStable ? histogram : undefined;
    },
  };
}

function percentB(window: number): RunningIndicator {
  const bands = new BollingerBands(window);
  return {
    next: ({ close }) => {
      const result = bands.add(close);
      if (result === null || result.upper === result.lower) return undefined;
      return (close - result.lower) / (result.upper - result.lower);
    },
  };
}
