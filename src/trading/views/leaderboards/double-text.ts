import { maxFractionDigits } from '../../../kernel/decimal.ts';

/**
 * The text of a finite double as an amount has it, without an exponent: the shortest that is read as
 * the same double again, but for what is nearer to zero than 36 digits behind the point can say.
 */
export function decimalOfDouble(value: number): string {
  const shortest = String(value === 0 ? 0 : value);
  if (!shortest.includes('e')) return shortest;
  if (Math.abs(value) > 1) return BigInt(value).toString();
  const [digits = '', exponent = ''] = shortest.split('e');
  const places = Math.min(
    maxFractionDigits,
    digits.replace(/^-?\d\.?/, '').length - Number(exponent),
  );
  const text = value.toFixed(places).replace(/\.?0+$/, '');
  return text === '-0' || text === '' ? '0' : text;
}
