/** The definition that a figure of closed trades follows, named in every answer. */
export const tradeMethod = {
  /** Trades with a gain over all closed ones, draws among them. */
  winRate: 'WINS_OVER_CLOSED_TRADES',
  /** Sum of all gains / |sum of all losses|, fees taken off. */
  profitFactor: 'GROSS_PROFIT_OVER_GROSS_LOSS',
  /** Mean gain of a closed trade, in the currency of the answer. */
  expectancy: 'MEAN_GAIN_OF_CLOSED_TRADES',
  averageWin: 'MEAN_GAIN_OF_WINS',
  averageLoss: 'MEAN_GAIN_OF_LOSSES',
  /** Average win / |average loss|. */
  payoffRatio: 'AVERAGE_WIN_OVER_AVERAGE_LOSS',
  /** Mean of gain / cost. */
  meanReturn: 'MEAN_OF_GAIN_OVER_COST',
  /** In seconds, from the purchase to the sale. */
  meanHolding: 'MEAN_SECONDS_HELD',
  /** The middle one, or the mean of the two in the middle. */
  medianHolding: 'MEDIAN_SECONDS_HELD',
  shortestHolding: 'LEAST_SECONDS_HELD',
  longestHolding: 'MOST_SECONDS_HELD',
  meanHoldingOfWins: 'MEAN_SECONDS_HELD_OF_WINS',
  meanHoldingOfLosses: 'MEAN_SECONDS_HELD_OF_LOSSES',
} as const;

/** What one closed trade is, named in the answer. */
export const groupingMethod = {
  lot: 'LOT_TO_SALE',
  sale: 'WHOLE_SALE',
} as const;
