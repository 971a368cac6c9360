import { randomUUIDv7 } from 'node:crypto';
import {
  DepositCashCommandSchema,
  TradingCommandService,
} from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { CostBasisMethod } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { type Bytes, call, callBytes, encode, pathOf } from './grpc.ts';

const { method } = TradingCommandService;

/** @returns their ids */
export async function openPortfolios(input: {
  readonly address: string;
  readonly count: number;
}): Promise<string[]> {
  const open = async (index: number) => {
    const { aggregateId } = await call(input.address, method.openPortfolio, {
      ...{ userId: 'bench', portfolioName: `Portfolio ${index}`, baseCurrency: 'USD' },
      costBasisMethod: CostBasisMethod.FIFO,
    });
    return aggregateId;
  };
  return Promise.all(Array.from({ length: input.count }, (_, index) => open(index)));
}

/** How many bytes a deposit is answered with. */
export async function answerBytesOf(input: {
  readonly address: string;
  readonly portfolioId: string;
}): Promise<number> {
  const request = deposit(input.portfolioId);
  const answer = await callBytes(input.address, pathOf(method.depositCash), request);
  return answer.length;
}

/** Deposits on portfolios at random, so many under way at any time. @returns how many a second */
export async function depositRate(input: {
  readonly address: string;
  /** Of the RPC; another server may take the same requests under another name. */
  readonly path?: string;
  readonly portfolioIds: readonly string[];
  readonly count: number;
  readonly inFlight: number;
}): Promise<number> {
  const { address, path = pathOf(method.depositCash), portfolioIds, count, inFlight } = input;
  const requests = Array.from({ length: count }, () =>
    deposit(portfolioIds[Math.floor(Math.random() * portfolioIds.length)] ?? ''),
  );
  const startedAt = performance.now();
  const send = async () => {
    for (let next = requests.pop(); next !== undefined; next = requests.pop()) {
      await callBytes(address, path, next);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, send));
  return (count * 1000) / (performance.now() - startedAt);
}

function deposit(portfolioId: string): Bytes {
  return encode(DepositCashCommandSchema, {
    ...{ portfolioId, amount: '125.50', note: 'monthly savings' },
    metadata: { commandId: randomUUIDv7() },
  });
}
