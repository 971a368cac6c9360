import { isIP } from 'node:net';

const scheme = /^esdb(\+discover)?:\/\/[^\s/?]+/;

type Rule = { readonly says: string; readonly allows: (value: string) => boolean };

const whole = (least: number): Rule => ({
  says: `a whole number from ${least} on`,
  allows: (value) => /^-?\d{1,15}$/.test(value) && Number(value) >= least,
});
const truth: Rule = { says: 'true or false', allows: (value) => /^(true|false)$/.test(value) };
const text: Rule = { says: 'a text', allows: (value) => value !== '' };
const preference: Rule = {
  says: 'leader, follower, read_only_replica or random',
  allows: (value) => /^(leader|follower|readonlyreplica|random)$/.test(flat(value)),
};

/**
 * The options of Kurrent's client 6.2 that have an effect. Of others it prints the whole connection
 * string with the password, and goes on without.
 */
const options: Readonly<Record<string, Rule>> = {
  ...{ tls: truth, dnsDiscover: truth, throwOnAppendFailure: truth },
  ...{ connectionName: text, tlsCAFile: text, userCertFile: text, userKeyFile: text },
  ...{ keepAliveInterval: whole(-1), keepAliveTimeout: whole(-1), defaultDeadline: whole(1) },
  ...{ maxDiscoverAttempts: whole(1), discoveryInterval: whole(0), gossipTimeout: whole(1) },
  nodePreference: preference,
};

/** To the client case does not matter in names, nor do `-` and `_`. */
const flat = (name: string) => name.trim().toLowerCase().replace(/[_-]/g, '');
const names = new Map(Object.keys(options).map((name) => [flat(name), name]));

/** The rule that a connection string of EventStoreDB breaks, without any secret of it, or undefined. */
export function brokenRule(connectionString: string): string | undefined {
  if (!scheme.test(connectionString)) return 'esdb://host:port?… or esdb+discover://host:port?…';
  const [address = '', query] = connectionString.replace(/\/+$/, '').split(/\/?\?(.*)/s, 2);
  // What is behind the question mark may be the rest of a password then.
  if (query?.includes('@')) return 'user and password percent-encoded: %3F for a question mark';
  const hosts = address.replace(/^.*[/@]/, '').split(',');
  return (
    hosts.map(brokenRuleOfHost).find((rule) => rule !== undefined) ??
    query
      ?.split('&')
      .map(brokenRuleOfOption)
      .find((rule) => rule !== undefined) ??
    brokenRuleOfTls(hosts, query ?? '')
  );
}

function brokenRuleOfHost(host: string): string | undefined {
  const [, port = '1'] = /:([^:\]]*)$/.exec(host) ?? [];
  if (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535) return undefined;
  // Where the host was forgotten, this is user and password: it is not told.
  return 'behind the name of a host a port from 1 to 65535';
}

function brokenRuleOfOption(pair: string): string | undefined {
  const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(pair) ?? [undefined, pair];
  const name = names.get(flat(key));
  const rule = name === undefined ? undefined : options[name];
  if (rule === undefined) {
    return `the option ${JSON.stringify(key)} is none of ${[...names.values()].join(', ')}`;
  }
  return rule.allows(value.trim()) ? undefined : `the option ${name} is ${rule.says}`;
}

function brokenRuleOfTls(hosts: readonly string[], query: string): string | undefined {
  if (/(^|&)tls=false(&|$)/i.test(query)) return undefined;
  // RFC 6066: "literal IPv4 and IPv6 addresses are not permitted" as the name of a server.
  const address = hosts.map((host) => host.replace(/:\d*$/, '')).find((host) => isIP(host) !== 0);
  if (address === undefined) return undefined;
  return `over TLS a node is called by its name, not by an address: ${address}`;
}
