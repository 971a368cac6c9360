import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, Code, ConnectError } from '@connectrpc/connect';
import type { CommandReceipt } from '../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { TradingCommandService } from '../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  Comparator,
  CostBasisMethod,
  Indicator,
  RuleAction,
} from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import type { ServerProcess } from './server-processes.ts';

type Commands = Client<typeof TradingCommandService>;

/** A command that any server may be sent, as often as one likes. */
export type Sent = {
  readonly commandId: string;
  /** What it does to the cash of its portfolio, where it has one. */
  readonly portfolioId: string;
  readonly amount: number;
  /** A name that only one may have. */
  readonly name?: string;
  readonly send: (
    commands: Commands,
    options: { readonly timeoutMs: number },
  ) => Promise<CommandReceipt>;
};

/** What has been said of one command, in the order in which the answers came. */
export type Said = {
  readonly sent: Sent;
  readonly receipts: CommandReceipt[];
  /** Codes of what is refused for good. */
  readonly refusals: string[];
  /** How often nobody said what has become of it. */
  unanswered: number;
};

/** A write server as clients know it: it may be dead, and come back where it was. */
export type Desk = {
  readonly commands: Commands;
  /** From then on it may be that nobody answers. */
  killed: boolean;
};

export function deskOf(server: ServerProcess): Desk {
  return { commands: server.client(TradingCommandService), killed: false };
}

type Answer =
  | { readonly kind: 'accepted'; readonly receipt: CommandReceipt }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'again' };

/** The same may be sent again: others were faster, or the server has just been started. */
const passing = new Set(['Aborted TOO_MANY_CONFLICTS', 'Unavailable STORE_UNAVAILABLE']);
/** Refused for good, each by a rule that the test breaks on purpose. */
const clear = new Set([
  'FailedPrecondition INSUFFICIENT_CASH',
  'Aborted REVISION_MISMATCH',
  'AlreadyExists STRATEGY_NAME_TAKEN',
]);
/** What a client makes of a connection that breaks, or that nobody takes. */
const broken = [Code.Unavailable, Code.Aborted, Code.Internal, Code.Unknown, Code.Canceled];

/** @throws an answer that is none of those that such commands may get */
function readError(error: unknown, desk: Desk): Answer {
  if (!(error instanceof ConnectError)) throw error;
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info === undefined) {
    if (desk.killed && broken.includes(error.code)) return { kind: 'again' };
    throw error;
  }
  const code = `${Code[error.code]} ${info.reason}`;
  if (passing.has(code)) return { kind: 'again' };
  if (clear.has(code) && error.rawMessage !== '') return { kind: 'refused', code };
  throw error;
}

/**
 * Clients of several servers on one store. Each keeps sending a command until it has an answer: to
 * one server and to another where that one does not answer, to two at the same time, and again later.
 */
export function createClusterClients(desks: readonly Desk[], random: () => number) {
  const all = new Map<string, Said>();
  const again = new Map<string, number>();
  /** Of any of them: then none goes on. */
  let failure: Error | undefined;

  const anyDesk = (except?: Desk): Desk => {
    const others = desks.filter((desk) => desk !== except);
    return others[Math.floor(random() * others.length)] as Desk;
  };

  async function sendTo(desk: Desk, said: Said): Promise<Answer> {
    try {
      const receipt = await said.sent.send(desk.commands, { timeoutMs: 30_000 });
      said.receipts.push(receipt);
      return { kind: 'accepted', receipt };
    } catch (error) {
      const answer = readError(error, desk);
      if (answer.kind === 'refused') said.refusals.push(answer.code);
      if (answer.kind === 'again') {
        const [info] = ConnectError.from(error).findDetails(ErrorInfoSchema);
        const reason = info?.reason ?? 'no answer';
        again.set(reason, (again.get(reason) ?? 0) + 1);
        if (reason !== 'TOO_MANY_CONFLICTS') said.unanswered += 1;
      }
      return answer;
    }
  }

  /** At one server after the other, until one has answered. */
  async function untilAnswered(said: Said, first = anyDesk()): Promise<Answer> {
    for (let desk = first; ; desk = anyDesk(desk)) {
      if (failure !== undefined) throw failure;
      const answer = await sendTo(desk, said).catch((error: Error) => {
        failure = error;
        throw error;
      });
      if (answer.kind !== 'again') return answer;
      await delay(20 + 100 * random());
    }
  }

  function note(sent: Sent): Said {
    const said: Said = { sent, receipts: [], refusals: [], unanswered: 0 };
    all.set(sent.commandId, said);
    return said;
  }

  /** A repeat must not be refused, whatever has become of the portfolio since. */
  async function repeat(said: Said, desk: Desk): Promise<void> {
    const before = said.receipts.length;
    const answer = await untilAnswered(said, desk);
    if (before === 0) return;
    if (answer.kind === 'accepted' && answer.receipt.repeated) return;
    const { commandId } = said.sent;
    throw new Error(`${commandId} was accepted, and is answered ${JSON.stringify(said.refusals)}`);
  }

  async function handIn(sent: Sent): Promise<Said> {
    const said = note(sent);
    const way = random();
    const desk = anyDesk();
    if (way < 0.6) await untilAnswered(said, desk);
    else await Promise.all([untilAnswered(said, desk), untilAnswered(said, anyDesk(desk))]);
    if (way < 0.2) await delay(500 * random()).then(() => repeat(said, anyDesk(desk)));
    return said;
  }

  return { handIn, repeat, all, again, hasFailed: () => failure !== undefined };
}

const userId = 'local';
const rules = [
  {
    indicator: { indicator: Indicator.SMA, window: 20 },
    comparator: Comparator.CROSSES_ABOVE,
    against: { case: 'threshold' as const, value: '100' },
    action: RuleAction.ENTER_LONG,
  },
];

/** A strategy of a name that others want too. */
export function nameCommand(name: string): Sent {
  const commandId = randomUUID();
  const given = { userId, strategyName: name, rules, metadata: { commandId } };
  return {
    ...{ commandId, portfolioId: '', amount: 0, name },
    send: (commands, options) => commands.createTradingStrategy(given, options),
  };
}

export function openCommand(portfolioName: string): Sent {
  const commandId = randomUUID();
  const given = { userId, portfolioName, baseCurrency: 'USD', metadata: { commandId } };
  const costBasisMethod = CostBasisMethod.FIFO;
  return {
    ...{ commandId, portfolioId: '', amount: 0 },
    send: (commands, options) => commands.openPortfolio({ ...given, costBasisMethod }, options),
  };
}

/** Money in, or out where the amount is negative. */
export function cashCommand(portfolioId: string, amount: number, expectedRevision?: bigint): Sent {
  const commandId = randomUUID();
  const metadata = { commandId, ...(expectedRevision !== undefined && { expectedRevision }) };
  const given = { portfolioId, amount: `${Math.abs(amount)}`, metadata };
  return {
    ...{ commandId, portfolioId, amount },
    send: (commands, options) =>
      amount < 0 ? commands.withdrawCash(given, options) : commands.depositCash(given, options),
  };
}
