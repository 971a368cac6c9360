import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { describe, expect, test } from '@jest/globals';
import { readFilter } from '../../../src/event-store/filters.ts';

const { FilterOptions } = streamsPb.ReadReq.Options;

function byType(set: (expression: ReadReq.Options.FilterOptions.Expression) => void) {
  const expression = new FilterOptions.Expression();
  set(expression);
  return readFilter(new FilterOptions().setEventType(expression));
}

describe('a filter', () => {
  test.each([
    ['Order', ['OrderPlaced', 'a Order'], [true, true]],
    ['^Order', ['OrderPlaced', 'a Order', 'order'], [true, false, false]],
    ['(?i)^order', ['OrderPlaced', 'oRDER', 'a order'], [true, true, false]],
    ['\\AOrder\\z', ['Order', 'Orders'], [true, false]],
    ['^[^\\$].*', ['Order', '$metadata', '$>'], [true, false, false]],
    ['^(?!(\\$.+|Order.*)$)', ['Order', '$metadata', 'Invoice'], [false, false, true]],
  ])('by the expression %s takes of %j: %j', (regex, names, passes) => {
    const filter = byType((it) => it.setRegex(regex));

    expect(names.map(filter.passes)).toEqual(passes);
    // An expression that remembers where it was would change its mind.
    expect(names.map(filter.passes)).toEqual(passes);
  });

  test('by prefixes takes each of them, in its case', () => {
    const filter = byType((it) => it.setPrefixList(['Order', 'Inv.']));

    const names = ['OrderPlaced', 'Inv.Paid', 'Invoice', 'order', 'AnOrder'];
    expect(names.filter(filter.passes)).toEqual(['OrderPlaced', 'Inv.Paid']);
  });

  test('by no prefixes takes nothing', () => {
    expect(byType(() => {}).passes('Order')).toBe(false);
  });

  test('says what it looks at', () => {
    const expression = new FilterOptions.Expression().setPrefixList(['a']);

    expect(byType(() => {}).on).toBe('type');
    expect(readFilter(new FilterOptions().setStreamIdentifier(expression)).on).toBe('stream');
  });

  test.each(['(', '[z-a]', '(?<=(?P<n>)'])('refuses what is no expression: %s', (regex) => {
    expect(() => byType((it) => it.setRegex(regex))).toThrow('Invalid pattern');
  });
});
