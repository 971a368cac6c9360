import { InvalidArgumentError } from 'commander';

/** A decimal of 0 or more in plain notation. What it may be is the server's to say. */
export function decimalArgument(text: string): string {
  if (!/^(0|[1-9]\d{0,19})(\.\d{1,18})?$/.test(text)) {
    throw new InvalidArgumentError('A decimal is like 0.25 or 10000.');
  }
  return text;
}
