import { describe, expect, test } from '@jest/globals';
import { parseRequests, resolveRpc } from '../../../cmd/cli/call.ts';
import { allRpcs, editDistance, findRpc, fullName } from '../../../cmd/cli/rpc-lookup.ts';

const strategy = 'cipherhorizon.trading.v1.TradingQueryService/GetStrategy';

describe('an RPC by its name', () => {
  test.each([
    'GetStrategy',
    'getstrategy',
    'trading.GetStrategy',
    'v1.TradingQueryService.GetStrategy',
    'TradingQueryService/GetStrategy',
    strategy,
  ])('%s', (name) => {
    const { found } = findRpc(name);
    expect(found && fullName(found)).toBe(strategy);
    expect(found?.server).toBe('read');
  });

  test('every RPC is found by its full name, and by its own where it is the only one', () => {
    const all = allRpcs();
    for (const rpc of all) {
      expect(findRpc(fullName(rpc)).found).toBe(rpc);
      const isOnly = all.filter(({ method }) => method.name === rpc.method.name).length === 1;
      expect(findRpc(rpc.method.name).found).toBe(isOnly ? rpc : undefined);
    }
  });

  test('a name that two services have lists both', () => {
    const [first, second] = allRpcs();
    if (first === undefined || second === undefined) throw new Error('no RPCs');
    const twin = { ...second, method: { ...second.method, name: first.method.name } };
    expect(findRpc(first.method.name, [first, twin as typeof second])).toEqual({
      found: undefined,
      ambiguous: true,
      candidates: [fullName(first), fullName(twin as typeof second)],
    });
  });

  test('a misspelt name lists what is near', () => {
    expect(findRpc('GetStratgy')).toMatchObject({ ambiguous: false });
    expect(() => resolveRpc('GetStratgy')).toThrow(`near it are:\n  ${strategy}`);
  });

  test('a name in another package lists where it is', () => {
    expect(findRpc('finance.GetStrategy')).toEqual({
      found: undefined,
      ambiguous: false,
      candidates: [strategy],
    });
    expect(findRpc('rading.GetStrategy').found).toBeUndefined();
  });
});

test.each([
  ['', '', 0],
  ['kitten', 'sitting', 3],
  ['abc', '', 3],
])('%s and %s are %d letters apart', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
});

describe('requests', () => {
  test('one message as proto3 JSON', () => {
    const [request] = parseRequests(resolveRpc('ListStrategies'), '{"userId": "ana"}');
    expect(request).toMatchObject({ userId: 'ana' });
  });

  const command = {
    sequence: '1',
    command: {
      '@type': 'type.googleapis.com/cipherhorizon.trading.v1.DepositCashCommand',
      amount: '1',
    },
  };
  const batch = JSON.stringify({ commands: [command] });
  test.each([
    ['one', batch, 1],
    ['one a line', `${batch}\n${batch}\n`, 2],
    ['an array', `[${batch},${batch}]`, 2],
    ['one over several lines', JSON.stringify(JSON.parse(batch), null, 2), 1],
    ['none', '[]', 0],
  ])('a stream of them: %s', (_, json, count) => {
    expect(parseRequests(resolveRpc('trading.StreamCommands'), json)).toHaveLength(count);
  });

  test.each([
    ['no JSON', '{', /is no JSON/],
    ['an unknown field', '{"user": "ana"}', /is no .*ListStrategiesQuery: .*"user" is unknown/],
    ['another type', '[]', /is no .*ListStrategiesQuery/],
  ])('%s is refused here', (_, json, message) => {
    expect(() => parseRequests(resolveRpc('ListStrategies'), json)).toThrow(message);
  });
});
