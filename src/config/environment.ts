import { readFileSync } from 'node:fs';

export type Environment = { readonly [name: string]: string | undefined };

/** The environment breaks a rule, or several: `problems` has a sentence for each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is invalid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Reads variables and notes what is wrong with them, so that all of it is told at once. A variable
 * that is empty is not set. After a refusal the value that is returned is of the right type only.
 */
export type EnvironmentReader = {
  readonly text: (name: string) => string | undefined;
  readonly integer: (name: string, fallback: number, least: number, most: number) => number;
  readonly choice: <T extends string>(name: string, choices: readonly T[], fallback: T) => T;
  /** `host:port`, `[IPv6]:port`; port 0 is any that is free. */
  readonly address: (
    name: string,
    fallback: { readonly host: string; readonly port: number },
  ) => { readonly host: string; readonly port: number };
  readonly url: (name: string, protocols: readonly string[]) => string | undefined;
  /** Items between commas, without the empty ones. */
  readonly list: (name: string) => readonly string[];
  /** A list of names: letters, digits, `_`, `.` and `-`. */
  readonly names: (name: string) => readonly string[];
  /** What is in the variable, or in the file that the variable of this name and `_FILE` names. */
  readonly secret: (name: string) => string | undefined;
  readonly refuse: (name: string, rule: string) => void;
  /** Does not tell the value. */
  readonly refuseSecret: (name: string, rule: string) => void;
};

/** Throws a ConfigError where anything was refused; freezes what it returns, to the depth. */
export function readEnvironment<T extends object>(
  env: Environment,
  build: (read: EnvironmentReader) => T,
): T {
  const problems: string[] = [];
  const config = build(createReader(env, problems));
  if (problems.length > 0) throw new ConfigError(problems);
  freeze(config);
  return config;
}

function createReader(env: Environment, problems: string[]): EnvironmentReader {
  const refuse = (name: string, rule: string): void => {
    const value = env[name];
    const shown = value === undefined || value === '' ? 'not set' : JSON.stringify(value);
    problems.push(`${name} (${shown}): ${rule}`);
  };
  const refuseSecret = (name: string, rule: string): void => {
    problems.push(`${name} (secret): ${rule}`);
  };
  const text = (name: string) => {
    const value = env[name]?.trim();
    return value === '' ? undefined : value;
  };
  const list = (name: string) =>
    (text(name) ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  const secret = (name: string) => {
    const fileName = `${name}_FILE`;
    const [value, file] = [text(name), text(fileName)];
    if (file === undefined) return value;
    if (value !== undefined) refuse(fileName, `${name} is set too: a secret comes from one place`);
    try {
      const held = readFileSync(file, 'utf8').trim();
      if (held !== '') return held;
      refuse(fileName, 'the file is empty');
    } catch (error) {
      refuse(fileName, `the file cannot be read: ${(error as Error).message}`);
    }
    return undefined;
  };
  return {
    text,
    list,
    secret,
    refuse,
    refuseSecret,
    integer: (name, fallback, least, most) => {
      const value = text(name);
      if (value === undefined) return fallback;
      const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= least && number <= most) return number;
      refuse(name, `a whole number from ${least} to ${most}`);
      return fallback;
    },
    choice: (name, choices, fallback) => {
      const value = text(name);
      const found = choices.find((choice) => choice === value);
      if (value !== undefined && found === undefined) refuse(name, `one of ${choices.join(', ')}`);
      return found ?? fallback;
    },
    address: (name, fallback) => {
      const value = text(name);
      if (value === undefined) return fallback;
      const [, six, four, port] = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(value) ?? [];
      const host = six ?? four;
      if (host !== undefined && Number(port) <= 65535) return { host, port: Number(port) };
      refuse(name, 'host:port, [IPv6]:port where the host is one; a port from 0 to 65535');
      return fallback;
    },
    url: (name, protocols) => {
      const value = text(name);
      if (value === undefined) return undefined;
      if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return value;
      refuse(name, `a URL that begins with ${protocols.map((start) => `${start}//`).join(' or ')}`);
      return undefined;
    },
    names: (name) => {
      const items = list(name);
      if (!items.every((item) => /^[\w.-]+$/.test(item))) refuse(name, 'names with commas between');
      return items;
    },
  };
}

function freeze(value: object): void {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) freeze(member);
  }
  Object.freeze(value);
}
