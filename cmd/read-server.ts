import { verifySecret } from '../src/engines/argon2/argon2.ts';
import { identityRead } from '../src/identity/read.ts';
import { platformRead, processRead } from '../src/platform/read.ts';
import { createQueryBus } from '../src/read/query-bus.ts';
import {
  analysisRead,
  backtestRead,
  leaderboardRead,
  runRead,
  signalRead,
  tradingRead,
} from '../src/trading/read.ts';
import { openReadModels } from './engines.ts';
import { runServer } from './server-process.ts';

const contexts = [
  platformRead, //
  processRead,
  tradingRead,
  analysisRead,
  leaderboardRead,
  backtestRead,
  signalRead,
  runRead,
  identityRead,
];

await runServer(
  'read-server',
  (config) => config.servers.read,
  ({ config, log, metrics, validate, own }) => {
    const readModels = own(openReadModels(config));
    const services = createQueryBus({
      contexts,
      readModels,
      verifySecret,
      validate,
      metrics: metrics.bus('query', queryNames()),
      log,
      now: Date.now,
    });
    return { services, readiness: () => ({ ready: true }) };
  },
);

function queryNames(): string[] {
  return contexts.flatMap(({ service }) => service.methods.map(({ input }) => input.name));
}
