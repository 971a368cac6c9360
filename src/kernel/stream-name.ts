/** One aggregate lives in one stream, `<category>-<id>`. */
export type StreamName = string;

const category = /^[a-z][a-z0-9_]*$/;

/** @throws RangeError where the category has a '-', which separates it from the id. */
export function streamName(of: string, id: string): StreamName {
  if (!category.test(of)) throw new RangeError(`'${of}' is not a stream category`);
  return `${of}-${id}`;
}

/** The part before the first '-'. */
export function categoryOf(stream: StreamName): string {
  const at = stream.indexOf('-');
  return at < 0 ? stream : stream.slice(0, at);
}

/** The part after the first '-'. */
export function idOf(stream: StreamName): string {
  const at = stream.indexOf('-');
  return at < 0 ? '' : stream.slice(at + 1);
}
