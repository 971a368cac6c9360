import { setFlagsFromString } from 'node:v8';
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { handlerFailure, invalidArgument } from './errors.ts';
import type { WireFilter } from './log.ts';

// An expression that tries out all ways to match (`^(a+)+$`) would hold up every caller. V8 goes over
// to an engine without it where the expression has no options, look-arounds or references.
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

/** @throws CallFailure where the filter is missing, or its regular expression is none. */
export function readFilter(options: ReadReq.Options.FilterOptions): WireFilter {
  const byType = options.getEventType();
  const byStream = options.getStreamIdentifier();
  const expression = byType ?? byStream;
  if (expression === undefined) throw invalidArgument('a filter names neither types nor streams');
  const on = byType === undefined ? 'stream' : 'type';
  const regex = expression.getRegex();
  if (regex !== '') {
    const compiled = toRegExp(regex);
    return { on, passes: (name) => compiled.test(name) };
  }
  const prefixes = expression.getPrefixList();
  return { on, passes: (name) => prefixes.some((prefix) => name.startsWith(prefix)) };
}

/**
 * .NET writes options for the whole of an expression at its start: `(?i)`. Its classes of characters,
 * `\p{L}`, need a flag here.
 */
function toRegExp(text: string): RegExp {
  const [start, options = ''] = /^\(\?([ims]+)\)/.exec(text) ?? [''];
  const pattern = text
    .slice(start.length)
    .replace(/^\\A/, '^')
    .replace(/\\[zZ]$/, '$');
  const unicode = /\\p\{/i.test(pattern) ? 'u' : '';
  try {
    if (subtraction.test(pattern)) throw new SyntaxError('of .NET alone');
    return new RegExp(pattern, [...new Set(options)].join('') + unicode);
  } catch {
    throw handlerFailure(`RegexParseException: Invalid pattern '${text}'`);
  }
}

/** `[a-z-[aeiou]]`: here, without an error, it would mean something else. */
const subtraction = /\[(?:[^\]\\]|\\.)*-\[/s;
