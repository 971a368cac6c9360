import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { create, type DescMessage, type DescMethod, fromJson, toJson } from '@bufbuild/protobuf';
import { ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ServerName, servicesOf } from '../../cmd/services.ts';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  Comparator,
  CostBasisMethod,
  Indicator,
  RuleAction,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { TradingQueryService } from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { openLocalKey } from '../../src/transport/local-key.ts';
import { clientOf, memoryOf, processesOf } from '../support/clients.ts';
import { startUp, type Up } from '../support/horizon-cli.ts';
import { temporaryFolder } from '../support/temporary.ts';

// HOSTILE_REQUESTS=100000 npm test -- e2e/hostile: the whole of it. Some run every time.
const requests = Number(process.env.HOSTILE_REQUESTS ?? 3_000);
const atOnce = 16;
const mostGrowth = 400 * 1024 * 1024;

const folder = temporaryFolder();
let up: Up;
let alice: string;
let bob: string;
beforeAll(async () => {
  up = await startUp(folder);
  const { signToken } = await openLocalKey(folder);
  const claims = { roles: ['user'], ttlSeconds: 3_600 };
  alice = await signToken({ subject: 'alice', ...claims });
  bob = await signToken({ subject: 'bob', ...claims });
}, 60_000);
afterAll(async () => {
  await up.stop('SIGTERM');
}, 30_000);

type Target = { readonly server: ServerName; readonly url: string; readonly method: DescMethod };

function targets(): Target[] {
  return up.welcome.servers.flatMap(({ name, url }) =>
    servicesOf[name as ServerName].flatMap(({ methods }) =>
      methods.map((method) => ({ server: name as ServerName, url, method })),
    ),
  );
}

function pick<Item>(items: readonly Item[]): Item {
  return items[randomInt(items.length)] as Item;
}

const strings = () => [
  '',
  'x'.repeat(5_000),
  "'; DROP TABLE events; --",
  '\u0000',
  '\ud800',
  '{{7*7}}',
  '../../etc/passwd',
  'NaN',
  '1e309',
  '-0',
  '🦄'.repeat(300),
  '9'.repeat(400),
  randomUUID(),
];

function randomJson(depth: number): unknown {
  const leaf = [null, true, -1, 1e308, 2 ** 53, 0.1, pick(strings())];
  if (depth === 0) return pick(leaf);
  return pick<() => unknown>([
    () => pick(leaf),
    () => Array.from({ length: randomInt(4) }, () => randomJson(depth - 1)),
    () => Object.fromEntries([[pick(['a', '__proto__', 'constructor']), randomJson(depth - 1)]]),
  ])();
}

/** The message with some fields of the right name and any value. */
function nearJson(schema: DescMessage): unknown {
  const some = schema.fields.filter(() => randomInt(2) === 0);
  return Object.fromEntries(some.map(({ jsonName }) => [jsonName, randomJson(2)]));
}

function body(method: DescMethod): { type: string; body: string | Buffer<ArrayBuffer> } {
  const text = JSON.stringify(randomInt(3) === 0 ? randomJson(3) : nearJson(method.input));
  return pick([
    { type: 'application/json', body: text },
    { type: 'application/json', body: text.slice(0, randomInt(text.length + 1)) },
    { type: 'application/proto', body: Buffer.from(randomBytes(randomInt(200))) },
    { type: 'application/connect+json', body: Buffer.from(randomBytes(randomInt(50))) },
    { type: 'application/grpc-web+proto', body: Buffer.from(randomBytes(randomInt(50))) },
    { type: pick(['text/plain', 'application/xml', '']), body: text },
  ]);
}

/** What must never reach a caller: where our code is, and what the stores say. */
const leaks = /\bat \/|\.ts:\d+|node:internal|node_modules|SQLITE|SqliteError|stack/;

async function attack({ url, method }: Target): Promise<string> {
  const { type, body: content } = body(method);
  const answer = await fetch(`${url}/${method.parent.typeName}/${method.name}`, {
    method: pick(['POST', 'POST', 'POST', 'POST', 'GET', 'PUT']),
    headers: { 'content-type': type, authorization: `Bearer ${pick([bob, bob, alice, 'x.y.z'])}` },
    body: content,
    signal: AbortSignal.timeout(10_000),
  }).catch((error: unknown) => String(error));
  return typeof answer === 'string' ? answer : `${answer.status} ${await answer.text()}`;
}

/** GET has no body, and a watch does not end: both are stopped here, not by the server. */
const ours = /Request with GET|TimeoutError/;

describe('hostile requests', () => {
  test(
    'crash nothing, show no insides, and leave memory bounded',
    async () => {
      const before = processesOf(up);
      const memory = new Map([...before].map(([name, pid]) => [name, memoryOf(pid)]));
      const all = targets().filter(({ method }) => method.methodKind === 'unary');
      const bad: string[] = [];
      const work = async () => {
        for (let i = 0; i < requests / atOnce; i += 1) {
          const target = pick(all);
          const answer = await attack(target);
          if (ours.test(answer)) continue;
          if (leaks.test(answer) || /^5(?!03|01|05)/.test(answer)) {
            bad.push(`${target.method.name}: ${answer.slice(0, 300)}`);
          }
        }
      };
      await Promise.all(Array.from({ length: atOnce }, work));
      expect(bad.slice(0, 10)).toEqual([]);
      expect(processesOf(up)).toEqual(before);
      for (const [name, pid] of before) {
        expect(memoryOf(pid) - (memory.get(name) ?? 0)).toBeLessThan(mostGrowth);
      }
    },
    60_000 + requests * 20,
  );

  test('random bytes over gRPC are refused as what they are', async () => {
    for (const { name, grpc } of up.welcome.servers) {
      const transport = createGrpcTransport({ baseUrl: `http://${grpc}` });
      for (const service of servicesOf[name as ServerName]) {
        const client = createClient(service, transport) as unknown as {
          [method: string]: (request: object, options: object) => Promise<unknown>;
        };
        for (const method of service.methods.filter((one) => one.methodKind === 'unary')) {
          const message = create(method.input);
          // Unknown fields with wire types that known ones do not have.
          message.$unknown = Array.from({ length: 3 }, () => ({
            no: randomInt(1, 20),
            wireType: pick([0, 1, 2, 5]),
            data: randomBytes(8),
          }));
          const call = client[method.localName]?.(message, {
            headers: { authorization: `Bearer ${bob}` },
            timeoutMs: 10_000,
          });
          const error = await (call ?? Promise.reject(new Error('no such method'))).then(
            () => undefined,
            (reason: unknown) => ConnectError.from(reason),
          );
          expect(error?.rawMessage ?? '').not.toMatch(leaks);
          expect(error?.code).not.toBe(2);
          expect(error?.code).not.toBe(13);
        }
      }
    }
  });
});

describe("another user's records", () => {
  const rules = [
    {
      indicator: { indicator: Indicator.PRICE },
      comparator: Comparator.ABOVE,
      against: { case: 'threshold' as const, value: '1' },
      action: RuleAction.ENTER_LONG,
    },
  ];

  /** An order with every id in place, that only its owner may give. */
  function orderOf(method: DescMethod, ids: { strategy: string; portfolio: string }) {
    const json: { [name: string]: unknown } = {};
    for (const { jsonName } of method.input.fields) {
      if (jsonName === 'strategyId') json[jsonName] = ids.strategy;
      if (jsonName === 'portfolioId') json[jsonName] = ids.portfolio;
      if (jsonName === 'amount') json[jsonName] = '1';
      if (/^(benchmark|instrument)Id$/.test(jsonName)) json[jsonName] = 'BTC-USD';
      if (jsonName === 'quantity' || jsonName === 'price') json[jsonName] = '1';
      if (jsonName === 'side') json[jsonName] = 'TRADE_SIDE_BUY';
    }
    return toJson(method.input, fromJson(method.input, json as never));
  }

  test('are told from none at all through no RPC', async () => {
    const commands = clientOf(up, 'write', TradingCommandService, alice);
    const strategy = await commands.createTradingStrategy({
      userId: 'alice',
      strategyName: 'Secret',
      rules,
    });
    const portfolio = await commands.openPortfolio({
      userId: 'alice',
      portfolioName: 'Secret',
      baseCurrency: 'USD',
      costBasisMethod: CostBasisMethod.FIFO,
    });
    const consistency = { atLeastAsFreshAs: portfolio.consistencyToken };
    const queries = clientOf(up, 'read', TradingQueryService, alice);
    await queries.getPortfolio({ portfolioId: portfolio.aggregateId, consistency });
    const real = { strategy: strategy.aggregateId, portfolio: portfolio.aggregateId };
    const none = { strategy: randomUUID(), portfolio: randomUUID() };
    const asked: string[] = [];
    const outcomes: { readonly method: string; readonly told: string }[] = [];
    for (const { url, method } of targets()) {
      const own = method.input.fields.some(({ name }) => /^(strategy|portfolio)_id$/.test(name));
      const isRecord = own && !method.input.fields.some(({ name }) => name === 'user_id');
      if (!isRecord || method.methodKind !== 'unary') continue;
      const ask = async (ids: typeof real) => {
        const answer = await fetch(`${url}/${method.parent.typeName}/${method.name}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${bob}` },
          body: JSON.stringify(orderOf(method, ids)),
        });
        const text = await answer.text();
        return `${answer.status} ${text.replaceAll(ids.strategy, 'S').replaceAll(ids.portfolio, 'P')}`;
      };
      const [foreign, missing] = [await ask(real), await ask(none)];
      // The details are the message once more, in binary form with the id inside.
      const plain = (answer: string) => answer.replace(/"details":.*$/, '');
      expect({ method: method.name, answer: plain(foreign) }).toEqual({
        method: method.name,
        answer: plain(missing),
      });
      // Who has none of the roles is told so, whatever the record.
      const told = /"reason":"ROLE_MISSING"/.test(foreign) ? 'ROLE_MISSING' : foreign.slice(0, 3);
      if (told !== 'ROLE_MISSING') asked.push(method.name);
      outcomes.push({ method: method.name, told });
    }
    expect(outcomes.filter(({ told }) => told !== '404' && told !== 'ROLE_MISSING')).toEqual([]);
    expect(asked.length).toBeGreaterThanOrEqual(14);
  });

  test('cannot be listed, searched or made under their name', async () => {
    const queries = clientOf(up, 'read', TradingQueryService, bob);
    const commands = clientOf(up, 'write', TradingCommandService, bob);
    const denied = { code: 7 };
    await expect(queries.listStrategies({ userId: 'alice' })).rejects.toMatchObject(denied);
    await expect(queries.searchStrategies({ userId: 'alice' })).rejects.toMatchObject(denied);
    await expect(queries.tradingStrategy({ userId: 'alice' })).rejects.toMatchObject(denied);
    await expect(queries.listPortfolios({ userId: 'alice' })).rejects.toMatchObject(denied);
    const mine = { userId: 'alice', strategyName: 'Mine', rules };
    await expect(commands.createTradingStrategy(mine)).rejects.toMatchObject(denied);
    expect((await queries.listStrategies({ userId: 'bob' })).strategies).toEqual([]);
  });

  test('the operations are for operators alone', async () => {
    for (const { url, method } of targets()) {
      if (!method.parent.typeName.includes('.platform.') || method.methodKind !== 'unary') continue;
      const answer = await fetch(`${url}/${method.parent.typeName}/${method.name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${bob}` },
        body: '{}',
      });
      expect([method.name, answer.status]).toEqual([method.name, 403]);
    }
  });
});
