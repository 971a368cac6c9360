import { resolve } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import type { ServerName } from '../services.ts';
import type { Output } from './output.ts';
import { addressText, type ServerAddresses } from './ports.ts';
import { reachable } from './session.ts';

export type Welcome = {
  readonly config: Config;
  readonly addresses: ServerAddresses;
  /** Of the local key; undefined where the servers take other tokens. */
  readonly token: string | undefined;
};

const cli = 'npm run -s horizon --';
const defaultDataDirectory = './var';
const defaultHttp: { readonly [server in ServerName]: string } = {
  write: 'http://127.0.0.1:8051',
  read: 'http://127.0.0.1:8052',
  projector: 'http://127.0.0.1:8053',
};

/** Where everything is, and what to try first: lines of at most 80 columns, but for the token. */
export function printWelcome(output: Output, welcome: Welcome): void {
  const { config, addresses, token } = welcome;
  const servers = Object.entries(addresses).map(([name, { grpc, http }]) => ({
    ...{ name: name as ServerName, grpc: addressText(grpc) },
    url: `${config.tls === undefined ? 'http' : 'https'}://${reachable(http.host)}:${http.port}`,
  }));
  const data = resolve(config.dataDirectory);
  if (output.json) {
    output.document({ servers, data, token: token ?? null });
    return;
  }
  output.heading('CipherHorizon is up. Ctrl-C stops it.');
  output.print('');
  output.table(
    [{ header: 'SERVER' }, { header: 'gRPC' }, { header: 'CONNECT, gRPC-WEB, JSON, /metrics' }],
    servers.map(({ name, grpc, url }) => [name, grpc, url]),
  );
  output.print('');
  output.print(`Data: ${data}`);
  output.print('');
  if (token === undefined) {
    output.print('Tokens come from the keys of AUTH_JWKS_URL or AUTH_KEY_FILE: the CLI takes');
    output.print('one from HORIZON_TOKEN.');
  } else {
    output.print('A token for "local" with every role, for 24 hours. The CLI makes its own;');
    output.print(`\`${cli} token --help\` makes others.`);
    output.print('');
    output.print(token);
  }
  output.print('');
  printCommands(output, exportsFor(servers, config));
}

/** What another terminal has to set, where this one has other settings than the defaults. */
function exportsFor(
  servers: readonly { readonly name: ServerName; readonly url: string }[],
  { dataDirectory }: Config,
): string[] {
  const moved = servers.filter(({ name, url }) => url !== defaultHttp[name]);
  const urls = moved.map(({ name, url }) => `export HORIZON_${name.toUpperCase()}_URL=${url}`);
  if (dataDirectory === defaultDataDirectory) return urls;
  return [`export CIPHERHORIZON_DATA_DIR=${shellWord(resolve(dataDirectory))}`, ...urls];
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function printCommands(output: Output, exports: readonly string[]): void {
  output.print('Try, in this folder, in another terminal:');
  output.print('');
  for (const line of exports) output.print(line);
  output.print(`${cli} call CreateTradingStrategy '{
  "userId": "local", "strategyName": "Golden cross",
  "rules": [{
    "indicator": {"indicator": "INDICATOR_SMA", "window": 50},
    "comparator": "COMPARATOR_CROSSES_ABOVE",
    "secondIndicator": {"indicator": "INDICATOR_SMA", "window": 200},
    "action": "RULE_ACTION_ENTER_LONG"}]}'
${cli} strategies --search golden
${cli} projection status`);
}
