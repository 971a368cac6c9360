import { randomUUIDv7 } from 'node:crypto';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  CommandBatchSchema,
  CommandResultBatchSchema,
} from '../../src/gen/cipherhorizon/platform/v1/streaming_pb.ts';
import {
  DepositCashCommandSchema,
  TradingCommandService,
} from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { openBareTable, rowsOfLog } from './bare-sqlite.ts';
import { eventsFile } from './command-bus.ts';
import { type Bytes, clientOf, pathOf, same } from './grpc.ts';
import { type Compared, compare } from './rounds.ts';
import { openPortfolios } from './unary-load.ts';

const rounds = 9;
const portfolios = 64;
const streams = 4;
const batchSizes = [200, 500, 1_000, 500];
const rowsOfTransaction = 10;
const floorMs = 500;

const path = pathOf(TradingCommandService.method.streamCommands);

/** Deposits through StreamCommands, on several streams, against ten rows per transaction. */
export async function compareStreamed(input: {
  readonly address: string;
  /** The server's, for the bytes of its events; the floor writes beside it. */
  readonly folder: string;
}): Promise<Compared> {
  const { address, folder } = input;
  const ids = await openPortfolios({ address, count: portfolios });
  const send = () => streamedRate(address, ids);
  await send();
  using bare = openBareTable(folder, rowsOfLog(join(folder, eventsFile), 1_000));
  return await compare(rounds, send, () => bare.insertRate(floorMs, rowsOfTransaction));
}

async function streamedRate(address: string, ids: readonly string[]): Promise<number> {
  const load = Array.from({ length: streams }, () => batchSizes.map((size) => batch(ids, size)));
  const startedAt = performance.now();
  const answers = await Promise.all(load.map((batches) => stream(address, batches)));
  const seconds = (performance.now() - startedAt) / 1000;
  return answers.flat().reduce((sum, answer) => sum + acceptedIn(answer), 0) / seconds;
}

function batch(ids: readonly string[], size: number): Bytes {
  const commands = Array.from({ length: size }, (_, index) => {
    const portfolioId = ids[Math.floor(Math.random() * ids.length)] ?? '';
    const metadata = { commandId: randomUUIDv7() };
    const terms = { portfolioId, amount: '125.50', note: 'monthly savings', metadata };
    const command = anyPack(DepositCashCommandSchema, create(DepositCashCommandSchema, terms));
    return { sequence: BigInt(index), command };
  });
  return Buffer.from(toBinary(CommandBatchSchema, create(CommandBatchSchema, { commands })));
}

function stream(address: string, batches: readonly Bytes[]): Promise<readonly Bytes[]> {
  return new Promise((resolve, reject) => {
    const call = clientOf(address).makeBidiStreamRequest(path, same, same);
    const answers: Bytes[] = [];
    call.on('data', (answer: Bytes) => answers.push(answer));
    call.once('error', reject);
    call.once('end', () => resolve(answers));
    for (const bytes of batches) call.write(bytes);
    call.end();
  });
}

function acceptedIn(answer: Bytes): number {
  const { results } = fromBinary(CommandResultBatchSchema, answer);
  const refused = results.find(({ outcome }) => outcome.case !== 'receipt')?.outcome;
  if (refused !== undefined) throw new Error(`refused: ${JSON.stringify(refused.value)}`);
  return results.length;
}
