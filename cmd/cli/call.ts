import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import {
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message,
  toJson,
} from '@bufbuild/protobuf';
import type { Command } from 'commander';
import type { Bind, Cli } from './cli.ts';
import { resolveFile } from './csv-file.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { shortType } from './format.ts';
import { allRpcs, findRpc, fullName, type Rpc, registry } from './rpc-lookup.ts';

export function addCallCommand(program: Command, bind: Bind): void {
  program
    .command('call')
    .description('call any RPC; answers are JSON, one a line')
    .argument('[rpc]', 'GetStrategy, trading.GetStrategy, or its full name; none lists them')
    .argument('[json]', 'the request as proto3 JSON, @file, or - for standard input', '{}')
    .addHelpText('after', '\nA stream of requests is a JSON array, or one request a line.')
    .action(bind(runCall));
}

async function runCall(cli: Cli, name: string | undefined, source: string): Promise<void> {
  if (name === undefined) return listRpcs(cli);
  const rpc = resolveRpc(name);
  const requests = parseRequests(rpc, await readSource(cli, source));
  for await (const answer of cli.session.call(rpc, requests)) {
    cli.output.document(toJson(rpc.method.output, answer, { registry }));
  }
}

function listRpcs({ output }: Cli): undefined {
  const rpcs = allRpcs();
  if (output.json) {
    output.document(rpcs.map((rpc) => ({ rpc: fullName(rpc), server: rpc.server })));
    return;
  }
  output.table(
    [{ header: 'RPC' }, { header: 'SERVER' }, { header: 'REQUEST', fit: 'below' }],
    rpcs.map(({ method, server }) => [method.name, server, shortType(method.input.typeName)]),
  );
}

export function resolveRpc(name: string): Rpc {
  const lookup = findRpc(name);
  if (lookup.found !== undefined) return lookup.found;
  const names = lookup.candidates.map((candidate) => `  ${candidate}`);
  const head = lookup.ambiguous ? `"${name}" is more than one RPC:` : `there is no RPC "${name}"`;
  const near = lookup.ambiguous || names.length === 0 ? head : `${head}; near it are:`;
  const hint = names.length === 0 ? ['`call` alone lists them all.'] : [];
  throw new CliError([near, ...names, ...hint].join('\n'), exitCode.usage);
}

async function readSource({ env }: Cli, source: string): Promise<string> {
  if (source === '-') return text(process.stdin);
  if (!source.startsWith('@')) return source;
  const file = resolveFile(source.slice(1), env);
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`cannot read ${file}: ${error.message}`, exitCode.usage);
  });
}

/** @throws CliError where the text is no JSON, or no request of the RPC */
export function parseRequests({ method }: Rpc, json: string): Message[] {
  const isMany = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming';
  const values = isMany ? parseMany(json) : [parseJson(json)];
  return values.map((value) => toMessage(method.input, value));
}

function parseMany(json: string): JsonValue[] {
  const lines = json.split('\n').filter((line) => line.trim() !== '');
  const isLines = lines.length > 1 && lines.every((line) => line.trim().startsWith('{'));
  if (isLines && lines.every(isJson)) return lines.map(parseJson);
  const value = parseJson(json);
  return Array.isArray(value) ? value : [value];
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

function parseJson(json: string): JsonValue {
  try {
    return JSON.parse(json);
  } catch (error) {
    const message = `the request is no JSON: ${(error as Error).message}`;
    throw new CliError(message, exitCode.usage, { cause: error });
  }
}

function toMessage(schema: DescMessage, value: JsonValue): Message {
  try {
    return fromJson(schema, value, { registry });
  } catch (error) {
    const message = `the request is no ${schema.typeName}: ${(error as Error).message}`;
    throw new CliError(message, exitCode.usage, { cause: error });
  }
}
