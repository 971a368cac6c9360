import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { handlerFailure, invalidArgument } from './errors.ts';
import type { WireFilter } from './log.ts';

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

/** .NET writes options for the whole of an expression at its start: `(?i)`. */
function toRegExp(text: string): RegExp {
  const [start, options = ''] = /^\(\?([ims]+)\)/.exec(text) ?? [''];
  const pattern = text
    .slice(start.length)
    .replace(/^\\A/, '^')
    .replace(/\\[zZ]$/, '$');
  try {
    return new RegExp(pattern, [...new Set(options)].join(''));
  } catch {
    throw handlerFailure(`RegexParseException: Invalid pattern '${text}'`);
  }
}
