import { join } from 'node:path';
import type { Benchmark } from '../benchmark.ts';
import { startChild } from '../support/child.ts';
import { echoPath } from '../support/echo-server.ts';
import { compare } from '../support/rounds.ts';
import { startServers } from '../support/servers.ts';
import { perSecond } from '../support/statistics.ts';
import { atLeast } from '../table.ts';

const portfolios = 64;
const inFlight = 64;
const rounds = 9;
const countOfRound = 4_000;

const least = 0.75;

export const unaryCommands: Benchmark = {
  title: 'Unary commands over gRPC; floor: a bare grpc-js echo of the same sizes',
  name: `${inFlight} in flight on ${portfolios} portfolios`,
  run: async ({ folder }) => {
    await using servers = await startServers(join(folder, 'unary'), ['write']);
    await using client = startChild<typeof import('../support/unary-load.ts')>(
      new URL('../support/unary-load.ts', import.meta.url),
      'unary-client',
    );
    await using echo = startChild<typeof import('../support/echo-server.ts')>(
      new URL('../support/echo-server.ts', import.meta.url),
    );
    const address = servers.addresses.write;
    const portfolioIds = await client.call('openPortfolios', { address, count: portfolios });
    const portfolioId = portfolioIds[0] ?? '';
    const answerBytes = await client.call('answerBytesOf', { address, portfolioId });
    const echoAddress = await echo.call('serveEcho', { answerBytes });
    const load = { portfolioIds, count: countOfRound, inFlight };
    const { subject, floor, ratio } = await compare(
      rounds,
      () => client.call('depositRate', { ...load, address }),
      () => client.call('depositRate', { ...load, address: echoAddress, path: echoPath }),
    );
    return [
      {
        name: unaryCommands.name,
        measured: perSecond(subject),
        floor: perSecond(floor),
        ratio,
        targets: [atLeast(ratio, least, `${least}`)],
      },
    ];
  },
};
