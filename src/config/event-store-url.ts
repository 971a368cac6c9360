import { isIP } from 'node:net';

const scheme = /^esdb(\+discover)?:\/\/[^\s/]+/;

/**
 * The rule that a connection string of EventStoreDB breaks, without any secret of it, or undefined.
 * Its options are the client's affair.
 */
export function brokenRule(connectionString: string): string | undefined {
  if (!scheme.test(connectionString)) return 'esdb://host:port?… or esdb+discover://host:port?…';
  if (/[?&]tls=false(&|$)/i.test(connectionString)) return undefined;
  const hosts = connectionString
    .replace(/\/?(\?.*)?$/, '')
    .replace(/^.*[/@]/, '')
    .split(',');
  // RFC 6066: "literal IPv4 and IPv6 addresses are not permitted" as the name of a server.
  const address = hosts.map((host) => host.replace(/:\d*$/, '')).find((host) => isIP(host) !== 0);
  if (address === undefined) return undefined;
  return `over TLS a node is called by its name, not by an address: ${address}`;
}
