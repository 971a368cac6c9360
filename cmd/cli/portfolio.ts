import type { Command } from 'commander';
import { CostBasisMethodSchema } from '../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  GetPortfolioAnswerSchema,
  ListPortfoliosAnswerSchema,
  type Portfolio,
  type Position,
  TradingQueryService,
} from '../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { uuidArgument } from './arguments.ts';
import type { Bind, Cli } from './cli.ts';
import { enumLabel, formatAmount, formatCount, formatShortAmount, formatTime } from './format.ts';
import { fullJson } from './output.ts';
import { addPageOptions, noteMore, type PageOptions, pageOf } from './pages.ts';

type Options = PageOptions & { readonly user?: string };

export function addPortfolioCommand(program: Command, bind: Bind): void {
  const command = program
    .command('portfolio')
    .description('one portfolio with its positions, cash and gains; without an id, a list')
    .argument('[id]', 'of the portfolio', uuidArgument)
    .option('--user <id>', 'list: whose (default: whom the token names)')
    .action(bind(runPortfolio));
  addPageOptions(command);
}

async function runPortfolio(
  cli: Cli,
  portfolioId: string | undefined,
  options: Options,
): Promise<void> {
  if (portfolioId === undefined) return listPortfolios(cli, options);
  const { session, output } = cli;
  const answer = await session
    .client(TradingQueryService)
    .getPortfolio({ portfolioId }, session.limited);
  if (output.json) output.document(fullJson(GetPortfolioAnswerSchema, answer));
  else if (answer.portfolio !== undefined) printPortfolio(cli, answer.portfolio);
}

async function listPortfolios({ session, output }: Cli, options: Options): Promise<void> {
  const userId = options.user ?? (await session.subject());
  const answer = await session
    .client(TradingQueryService)
    .listPortfolios({ userId, page: pageOf(options) }, session.limited);
  if (output.json) return output.document(fullJson(ListPortfoliosAnswerSchema, answer));
  if (answer.portfolios.length === 0) return output.note(`${userId} has no portfolios`);
  output.table(
    [
      { header: 'ID' },
      { header: 'NAME', fit: 'truncate' },
      { header: 'CASH', align: 'right', fit: 'below' },
      { header: 'CURRENCY' },
      { header: 'HELD', align: 'right' },
    ],
    answer.portfolios.map(({ portfolioId, portfolioName, cash, baseCurrency, positions }) => [
      ...[portfolioId, portfolioName, formatAmount(cash), baseCurrency],
      String(positions.filter(({ quantity }) => quantity !== '0').length),
    ]),
  );
  noteMore(output, answer.page);
}

function printPortfolio({ output }: Cli, portfolio: Portfolio): void {
  const { baseCurrency: currency, positions, activities } = portfolio;
  const { reservedCash, freeCash } = portfolio;
  const amount = (text: string | undefined): string =>
    text === undefined
      ? '- (a position has no recorded price)'
      : `${formatAmount(text)} ${currency}`;
  output.heading(portfolio.portfolioName);
  output.fields([
    ['id', portfolio.portfolioId],
    ['owner', portfolio.userId],
    ['cost basis', enumLabel(CostBasisMethodSchema, portfolio.costBasisMethod).toUpperCase()],
    ['opened', formatTime(portfolio.openedAt)],
    ['activities', formatCount(activities)],
    ['last activity', formatTime(portfolio.lastActivityAt)],
    ['cash', amount(portfolio.cash)],
    ...(isNothing(reservedCash)
      ? []
      : [['  reserved', amount(reservedCash)] as const, ['  free', amount(freeCash)] as const]),
    ['total value', amount(portfolio.totalValue)],
    ['realised gain', amount(portfolio.realisedGain)],
    ['unrealised gain', amount(portfolio.unrealisedGain)],
    ['deposited', amount(portfolio.deposited)],
    ['withdrawn', amount(portfolio.withdrawn)],
    ['fees', amount(portfolio.fees)],
  ]);
  if (positions.length === 0) return;
  output.print('');
  printPositions(output, positions);
}

function printPositions(output: Cli['output'], positions: readonly Position[]): void {
  const number = (header: string) => ({ header, align: 'right' as const, fit: 'below' as const });
  // For signals that are under way: most of the time there are none.
  const hasReserved = positions.some(({ reservedQuantity }) => !isNothing(reservedQuantity));
  output.table(
    [
      ...[{ header: 'INSTRUMENT' }, number('QUANTITY')],
      ...(hasReserved ? [number('RESERVED')] : []),
      ...[number('COST'), number('PRICE'), number('VALUE'), number('GAIN'), number('REALISED')],
    ],
    positions.map((position) => [
      ...[position.instrumentId, position.quantity],
      ...(hasReserved ? [position.reservedQuantity] : []),
      formatShortAmount(position.cost),
      ...[formatShortAmount(position.price), formatShortAmount(position.marketValue)],
      ...[formatShortAmount(position.unrealisedGain), formatShortAmount(position.realisedGain)],
    ]),
  );
}

/** Of a server from before there were reservations, too. */
function isNothing(amount: string): boolean {
  return amount === '' || amount === '0';
}
