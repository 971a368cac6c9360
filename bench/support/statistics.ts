/** NaN for none. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The smallest value that a share of all is at or below (nearest rank); NaN for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function perSecond(count: number): string {
  return `${thousands(count)}/s`;
}

export function thousands(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** Of milliseconds; three digits. */
export function duration(ms: number): string {
  if (ms < 1) return `${(ms * 1000).toFixed(0)} us`;
  return `${ms.toPrecision(ms < 1000 ? 3 : 4)} ms`;
}
