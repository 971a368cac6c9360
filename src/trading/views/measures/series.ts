/**
 * A deviation of daily returns below this is the rounding of doubles: a return is a quotient of
 * values near one, less one, and carries an error of about 2e-16.
 */
export const returnResolution = 1e-14;

/** NaN for none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** With n - 1; NaN for fewer than two. */
export function sampleDeviation(values: readonly number[]): number {
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
