import { createRegistry, type DescFile, type DescMethod } from '@bufbuild/protobuf';
import { type ServerName, servicesOf } from '../services.ts';

export type Rpc = { readonly method: DescMethod; readonly server: ServerName };

export type Lookup =
  | { readonly found: Rpc }
  /** Full names: what the name may mean where it is ambiguous, else what is near it. */
  | { readonly found: undefined; readonly ambiguous: boolean; readonly candidates: string[] };

const rpcs: readonly Rpc[] = Object.entries(servicesOf).flatMap(([server, services]) =>
  services.flatMap(({ methods }) =>
    methods.map((method) => ({ method, server: server as ServerName })),
  ),
);

/** Every type that a message of the services can hold in an Any. */
export const registry = createRegistry(...filesOf(rpcs.map(({ method }) => method.parent.file)));

function filesOf(roots: readonly DescFile[]): DescFile[] {
  const files = new Set<DescFile>();
  const add = (file: DescFile): void => {
    if (files.has(file)) return;
    for (const dependency of file.dependencies) add(dependency);
    files.add(file);
  };
  for (const root of roots) add(root);
  return [...files];
}

/** `cipherhorizon.trading.v1.TradingQueryService/GetStrategy`. */
export function fullName({ method }: Rpc): string {
  return `${method.parent.typeName}/${method.name}`;
}

/**
 * An RPC by its name alone (`GetStrategy`), with its service or a part of its package before it
 * (`TradingQueryService/GetStrategy`, `trading.GetStrategy`), or in full. Case does not matter.
 */
export function findRpc(name: string, all: readonly Rpc[] = rpcs): Lookup {
  const parts = name.toLowerCase().split(/[./]/);
  const rpcName = parts.at(-1) ?? '';
  const scope = parts.slice(0, -1);
  const named = all.filter((rpc) => rpc.method.name.toLowerCase() === rpcName);
  const matching = named.filter((rpc) => isWithin(scope, rpc));
  if (matching.length === 1) return { found: matching[0] as Rpc };
  if (matching.length > 1) return candidates(true, matching);
  return candidates(false, named.length > 0 ? named : nearest(rpcName, all));
}

/** Whether the parts follow each other in the name of the service. */
function isWithin(scope: readonly string[], { method }: Rpc): boolean {
  const service = `.${method.parent.typeName.toLowerCase()}.`;
  return scope.length === 0 || service.includes(`.${scope.join('.')}.`);
}

function candidates(ambiguous: boolean, found: readonly Rpc[]): Lookup {
  return { found: undefined, ambiguous, candidates: found.map(fullName) };
}

const mostNear = 8;

/** Names that share a word with the one that was meant, or are a few letters away from it. */
function nearest(rpcName: string, all: readonly Rpc[]): readonly Rpc[] {
  const distances = all.map((rpc) => {
    const name = rpc.method.name.toLowerCase();
    const isPart = rpcName !== '' && (name.includes(rpcName) || rpcName.includes(name));
    return { rpc, distance: isPart ? 0 : editDistance(rpcName, name) / name.length };
  });
  return distances
    .filter(({ distance }) => distance <= 0.4)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, mostNear)
    .map(({ rpc }) => rpc);
}

/** Levenshtein's. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** All that can be called, for a list. */
export function allRpcs(): readonly Rpc[] {
  return rpcs;
}

/** The full name of a command by its own name, with or without `Command`; else as it is given. */
export function findCommandType(name: string): string {
  const wanted = name.toLowerCase();
  const found = rpcs.find(({ method: { input } }) => {
    const own = input.name.toLowerCase();
    return own === wanted || own === `${wanted}command`;
  });
  return found?.method.input.typeName ?? name;
}
