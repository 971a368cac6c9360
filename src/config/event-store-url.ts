import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

const scheme = /^esdb(\+discover)?:\/\/[^\s/]+/;

/** Options of the client that name files; their case does not matter to it, nor do `-` and `_`. */
const files = new Map([
  ['tlscafile', 'tlsCAFile'],
  ['usercertfile', 'userCertFile'],
  ['userkeyfile', 'userKeyFile'],
]);

/**
 * The rule that a connection string of EventStoreDB breaks, without any secret of it, or undefined.
 * Its options are the client's affair but for what it says too little of.
 */
export function brokenRule(connectionString: string): string | undefined {
  if (!scheme.test(connectionString)) return 'esdb://host:port?… or esdb+discover://host:port?…';
  const [address = '', query = ''] = connectionString.split('?', 2);
  const options = query.split('&').map((option) => {
    const [name = '', value = ''] = option.split('=', 2);
    return { name: name.toLowerCase().replace(/[_-]/g, ''), value };
  });
  if (options.some(({ name, value }) => name === 'tls' && value === 'false')) return undefined;
  const hosts = address
    .replace(/\/$/, '')
    .replace(/^.*[/@]/, '')
    .split(',');
  // RFC 6066: "literal IPv4 and IPv6 addresses are not permitted" as the name of a server.
  const ip = hosts.map((host) => host.replace(/:\d*$/, '')).find((host) => isIP(host) !== 0);
  if (ip !== undefined) return `over TLS a node is called by its name, not by an address: ${ip}`;
  for (const { name, value } of options) {
    const option = files.get(name);
    const problem = option === undefined ? undefined : problemWith(option, value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemWith(option: string, value: string): string | undefined {
  try {
    const text = readFileSync(decodeURIComponent(value), 'utf8');
    if (option !== 'userKeyFile') new X509Certificate(text);
    return undefined;
  } catch (error) {
    return `its ${option} cannot be read: ${value}: ${(error as Error).message}`;
  }
}
