// Who may import whom, as data. Every folder of src/ that is not named here is a bounded context.

export type Kind =
  | 'cmd'
  | 'gen'
  | 'kernel'
  | 'config'
  | 'write'
  | 'projection'
  | 'read'
  | 'process'
  | 'engine'
  | 'transport'
  | 'event store'
  | 'context'
  | 'aggregate'
  | 'views'
  | 'model'
  | 'processes';

/** Folders of src/ that are of one kind; each folder of src/engines is a room of its own. */
export const platformFolders: Readonly<Record<string, Kind>> = {
  gen: 'gen',
  kernel: 'kernel',
  config: 'config',
  write: 'write',
  projection: 'projection',
  read: 'read',
  process: 'process',
  engines: 'engine',
  transport: 'transport',
  'event-store': 'event store',
};

/** Folders of a context that are no aggregate. */
export const roomsOfContexts: Readonly<Record<string, Kind>> = {
  views: 'views',
  model: 'model',
  processes: 'processes',
};

/**
 * What a kind may import beside its own room: a kind; `own <kind>`, of the same context; or a file.
 * `cmd` is absent: it may import anything.
 */
export const mayImport: Readonly<Record<Exclude<Kind, 'cmd'>, readonly string[]>> = {
  gen: [],
  kernel: ['gen'],
  config: ['kernel'],
  aggregate: ['kernel', 'gen', 'own model'],
  views: ['kernel', 'gen', 'own model', 'src/projection/kit.ts', 'src/read/kit.ts'],
  // The rules of a context that its aggregates and its views share.
  model: ['kernel', 'gen'],
  // What spans the aggregates of a context: from its events to its commands.
  processes: ['kernel', 'gen', 'own model', 'src/process/kit.ts'],
  // The files directly in src/<context>/ register its parts with the buses and the projector.
  context: [
    'kernel',
    'gen',
    'own aggregate',
    'own views',
    'own model',
    'own processes',
    'src/write/kit.ts',
    'src/projection/kit.ts',
    'src/read/kit.ts',
    'src/process/kit.ts',
  ],
  write: ['kernel', 'gen'],
  projection: ['kernel', 'gen'],
  read: ['kernel', 'gen'],
  process: ['kernel', 'gen'],
  // Ports are types beside their user: in write, projection, read, process and the protocol server.
  engine: ['kernel', 'gen', 'write', 'projection', 'read', 'process', 'src/event-store/log.ts'],
  transport: ['kernel', 'gen', 'write', 'read'],
  // EventStoreDB's own wire protocol over the embedded log: neither of the buses knows of it.
  'event store': ['kernel', 'gen'],
};

/** Packages, by the start of their name, and the only rooms of src/ that may import them. */
export const packageOwners: readonly (readonly [prefix: string, rooms: readonly string[]])[] = [
  ['better-sqlite3', ['src/engines/sqlite']],
  ['node:sqlite', ['src/engines/sqlite']],
  ['@eventstore/db-client', ['src/engines/eventstoredb', 'src/event-store']],
  ['google-protobuf', ['src/event-store']],
  ['@elastic/elasticsearch', ['src/engines/elasticsearch']],
  ['trading-signals', ['src/trading/model']],
  ['@connectrpc/', ['src/transport']],
  ['@grpc/', ['src/transport', 'src/event-store']],
  ['@opentelemetry/core', ['src/transport']],
  ['@opentelemetry/exporter-', ['src/transport']],
  ['@opentelemetry/resources', ['src/transport']],
  ['@opentelemetry/sdk-', ['src/transport']],
  ['node:process', ['src/config']],
];

/** The pure kinds, and the packages that they may use: to build a message is pure. */
export const pureKinds: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  aggregate: ['@bufbuild/protobuf'],
  views: ['@bufbuild/protobuf'],
  // Indicators are arithmetic: without a clock, chance or I/O.
  model: ['@bufbuild/protobuf', 'trading-signals'],
  processes: ['@bufbuild/protobuf'],
  context: ['@bufbuild/protobuf'],
};

/** What reaches the clock, chance, the network or the process without an import. */
export const impureExpressions: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Date.now', /\bDate\s*\.\s*now\b/],
  ['new Date()', /\bnew\s+Date\b\s*(?:\(\s*\)|(?!\s*\())/],
  ['Date()', /(?<!\bnew\s+)(?<![.\w$])Date\s*\(/],
  ['Math.random', /\bMath\s*\.\s*random\b/],
  ['process', /(?<![.\w$])process\s*(?:\?\.|\.|\[)/],
  ['performance.now', /(?<![.\w$])performance\s*\.\s*now\b/],
  ['crypto', /(?<![.\w$])crypto\s*\.\s*(?:random|getRandom)/],
  ['a timer', /(?<![.\w$])(?:setTimeout|setInterval|setImmediate)\s*\(/],
  ['fetch', /(?<![.\w$])fetch\s*\(/],
];

export const environmentReads: readonly RegExp[] = [
  /(?<![.\w$])process\s*(?:\?\.|\.)\s*env\b/,
  /(?<![.\w$])process\s*\[/,
  /\benv\b[^{}=;]*\}\s*=\s*process\b/,
];
