import { posix } from 'node:path';
import {
  environmentReads,
  impureExpressions,
  type Kind,
  mayImport,
  packageOwners,
  platformFolders,
  pureKinds,
  roomsOfContexts,
} from './import-table.ts';

/** Where a file belongs: its kind, and the folder within which its kind is free to import. */
interface Place {
  readonly kind: Kind;
  readonly room: string;
  /** The folder of src/ above the room. */
  readonly folder: string;
}

function placeOf(file: string): Place | undefined {
  const [top, folder = '', inner = '', ...rest] = file.split('/');
  if (top === 'cmd') return { kind: 'cmd', room: 'cmd', folder: '' };
  if (top !== 'src' || inner === '') return undefined;
  const platform = Object.hasOwn(platformFolders, folder) ? platformFolders[folder] : undefined;
  const hasRoom = rest.length > 0;
  if (platform === 'engine') {
    return hasRoom ? { kind: platform, room: `src/engines/${inner}`, folder } : undefined;
  }
  if (platform !== undefined) return { kind: platform, room: `src/${folder}`, folder };
  if (!hasRoom) return { kind: 'context', room: `src/${folder}`, folder };
  const kind = roomsOfContexts[inner] ?? 'aggregate';
  return { kind, room: `src/${folder}/${inner}`, folder };
}

/** Comments blanked out; with `strings: 'blank'` the quoted strings as well. */
function strip(source: string, strings: 'keep' | 'blank'): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  return source.replace(token, (text) => {
    if (text.startsWith('/')) return ' ';
    // A template stays: it may hold expressions.
    return strings === 'keep' || text.startsWith('`') ? text : "''";
  });
}

/** The specifiers of every static, re-exporting, type-only and dynamic import. */
export function importsOf(source: string): readonly string[] {
  const statement = /\b(?:import|export)\b(?:[\w\s{},*$]*?\bfrom\b)?\s*(['"])(.+?)\1/g;
  const call = /\b(?:import|require)\s*\(\s*(['"`])(.+?)\1/g;
  const code = strip(source, 'keep');
  return [statement, call].flatMap((form) =>
    [...code.matchAll(form)].map((found) => found[2] ?? ''),
  );
}

function relativeRule(from: Place, file: string, target: string): string | undefined {
  const to = placeOf(target);
  if (from.kind === 'cmd') return undefined;
  if (to === undefined) return 'only files in the folders of src/ may be imported';
  if (to.kind === 'cmd') return 'nothing imports cmd';
  if (to.room === from.room && to.kind === from.kind) return undefined;
  const allowed = mayImport[from.kind].some(
    (entry) =>
      entry === to.kind ||
      entry === target ||
      (entry === `own ${to.kind}` && to.folder === from.folder),
  );
  if (allowed) return undefined;
  const list = ['its own folder', ...mayImport[from.kind]].join(', ');
  return `${posix.dirname(file)} (${from.kind}) may import only ${list}`;
}

function packageRule(from: Place, name: string): string | undefined {
  if (from.kind === 'cmd') return undefined;
  const owner = packageOwners.find(([prefix]) =>
    prefix.endsWith('/')
      ? name.startsWith(prefix)
      : name === prefix || name.startsWith(`${prefix}/`),
  );
  if (owner !== undefined && !owner[1].includes(from.room)) {
    return `${owner[0]} is only for ${owner[1].join(', ')}`;
  }
  const pure = pureKinds[from.kind];
  if (pure === undefined) return undefined;
  const known = pure.some((prefix) => name === prefix || name.startsWith(`${prefix}/`));
  return known ? undefined : `${from.kind} is pure: of packages, only ${pure.join(', ')}`;
}

function expressionRules(from: Place, source: string): string[] {
  if (from.kind === 'cmd' || from.kind === 'gen') return [];
  const code = strip(source, 'blank');
  const found: string[] = [];
  if (from.kind !== 'config' && environmentReads.some((pattern) => pattern.test(code))) {
    found.push('reads the environment: only src/config does');
  }
  if (pureKinds[from.kind] !== undefined) {
    for (const [name, pattern] of impureExpressions) {
      if (pattern.test(code)) found.push(`uses ${name}: ${from.kind} is pure`);
    }
  }
  return found;
}

/** Every breach of the import table in one file, as "file: what: rule". Paths are from the top. */
export function violationsOf(file: string, source: string): string[] {
  const from = placeOf(file);
  if (from === undefined) return [`${file}: lies in no folder that the import table knows`];
  const imports = importsOf(source).flatMap((name) => {
    const rule = name.startsWith('.')
      ? relativeRule(from, file, posix.join(posix.dirname(file), name))
      : packageRule(from, name);
    return rule === undefined ? [] : [`${file}: imports ${name}: ${rule}`];
  });
  return [...imports, ...expressionRules(from, source).map((rule) => `${file}: ${rule}`)];
}
