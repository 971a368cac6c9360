import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { importsOf, violationsOf } from '../support/import-rules.ts';

const files = globSync(['src/**/*.ts', 'cmd/**/*.ts']).sort();

test('every file of src and cmd keeps to the import table', () => {
  expect(files.length).toBeGreaterThan(0);
  expect(files.flatMap((file) => violationsOf(file, readFileSync(file, 'utf8')))).toEqual([]);
});

describe('the reader of imports', () => {
  test.each([
    ["import './a.ts';"],
    ["import a from './a.ts';"],
    ["import * as a from './a.ts';"],
    ["import a, { type B, c as d } from './a.ts';"],
    ["import type { A } from './a.ts';"],
    ["import {\n  a,\n  b,\n} from './a.ts';"],
    ['import { a } from "./a.ts";'],
    ["export * from './a.ts';"],
    ["export type { A } from './a.ts';"],
    ["const a = await import('./a.ts');"],
    ["let a: import('./a.ts').A;"],
  ])('finds %j', (source) => {
    expect(importsOf(source)).toEqual(['./a.ts']);
  });

  test.each([
    ["// import './a.ts';"],
    ["/*\n * import './a.ts';\n */"],
    ["export const a = 'from';"],
    ["export function from() { return 'a'; }"],
  ])('finds nothing in %j', (source) => {
    expect(importsOf(source)).toEqual([]);
  });

  test('keeps apart the statements of a file', () => {
    const source = "import a from 'a';\nexport const b = 1;\nimport { c } from './c.ts';\n";
    expect(importsOf(source)).toEqual(['a', './c.ts']);
  });
});

describe('the import table', () => {
  const refused: [file: string, source: string, rule: string][] = [
    ['src/trading/strategy/decide.ts', "import '../portfolio/state.ts'", 'may import only'],
    ['src/trading/strategy/decide.ts', "import '../views/list.ts'", 'may import only'],
    ['src/trading/strategy/decide.ts', "import '../register.ts'", 'may import only'],
    ['src/trading/strategy/decide.ts', "import '../../finance/ledger/state.ts'", 'may import only'],
    ['src/trading/strategy/decide.ts', "import '../../write/kit.ts'", 'may import only'],
    ['src/trading/strategy/decide.ts', "import 'node:crypto'", 'pure'],
    ['src/trading/strategy/decide.ts', "import 'pino'", 'pure'],
    ['src/trading/views/list.ts', "import '../strategy/state.ts'", 'may import only'],
    ['src/trading/views/list.ts', "import '../../read/bus.ts'", 'may import only'],
    ['src/trading/views/list.ts', "import '../../finance/views/x.ts'", 'may import only'],
    ['src/trading/views/list.ts', "import '../processes/signal.ts'", 'may import only'],
    ['src/trading/model/fill.ts', "import '../portfolio/state.ts'", 'may import only'],
    ['src/trading/model/fill.ts', 'const at = Date.now();', 'Date.now'],
    ['src/trading/processes/signal.ts', "import '../portfolio/state.ts'", 'may import only'],
    ['src/trading/processes/signal.ts', "import '../../process/runner.ts'", 'may import only'],
    ['src/trading/register.ts', "import '../write/bus.ts'", 'may import only'],
    ['src/trading/register.ts', "import '../finance/register.ts'", 'may import only'],
    ['src/trading/register.ts', "import '../finance/ledger/state.ts'", 'may import only'],
    ['src/kernel/event.ts', "import '../write/bus.ts'", 'may import only'],
    ['src/kernel/event.ts', "import '../trading/strategy/state.ts'", 'may import only'],
    ['src/write/bus.ts', "import type { A } from '../read/bus.ts'", 'may import only'],
    ['src/projection/runner.ts', "import '../write/ports.ts'", 'may import only'],
    ['src/read/bus.ts', "import '../projection/kit.ts'", 'may import only'],
    ['src/process/saga.ts', "import '../write/bus.ts'", 'may import only'],
    ['src/write/bus.ts', "import '../engines/sqlite/store.ts'", 'may import only'],
    ['src/engines/sqlite/a.ts', "import '../eventstoredb/b.ts'", 'may import only'],
    ['src/engines/sqlite/a.ts', "import '../../trading/register.ts'", 'may import only'],
    ['src/transport/server.ts', "import '../projection/runner.ts'", 'may import only'],
    ['src/transport/server.ts', "import '../engines/sqlite/a.ts'", 'may import only'],
    ['src/transport/server.ts', "import '../../cmd/horizon.ts'", 'nothing imports cmd'],
    ['src/read/bus.ts', "import '../../test/support/x.ts'", 'only files in the folders of src/'],
    ['src/write/bus.ts', "import Database from 'better-sqlite3'", 'only for src/engines/sqlite'],
    ['src/engines/sqlite/a.ts', "import '@elastic/elasticsearch'", 'only for src/engines/elastic'],
    ['src/projection/a.ts', "import '@eventstore/db-client'", 'only for src/engines/eventstoredb'],
    ['src/write/bus.ts', "import { Code } from '@connectrpc/connect'", 'only for src/transport'],
    ['src/write/bus.ts', "import { env } from 'node:process'", 'only for src/config'],
    ['src/write/bus.ts', 'const a = process.env.A;', 'environment'],
    ['src/write/bus.ts', "const a = process['env'];", 'environment'],
    ['src/write/bus.ts', 'const { env } = process;', 'environment'],
    ['src/trading/strategy/decide.ts', 'const at = Date.now();', 'Date.now'],
    ['src/trading/strategy/decide.ts', 'const at = new Date();', 'new Date()'],
    ['src/trading/strategy/decide.ts', 'const at = new Date;', 'new Date()'],
    ['src/trading/strategy/decide.ts', 'const at = Date();', 'Date()'],
    ['src/trading/strategy/decide.ts', `const at = \`\${Date.now()}\`;`, 'Date.now'],
    ['src/trading/views/list.ts', 'const a = Math.random();', 'Math.random'],
    ['src/trading/views/list.ts', 'process.exit(1);', 'process'],
    ['src/trading/strategy/decide.ts', 'const id = crypto.randomUUID();', 'crypto'],
    ['src/stray.ts', '', 'lies in no folder'],
    ['src/engines/stray.ts', '', 'lies in no folder'],
  ];
  test.each(refused)('refuses in %s: %j', (file, source, rule) => {
    const violations = violationsOf(file, source);
    expect(violations.join('\n')).toContain(rule);
    expect(violations[0]?.startsWith(`${file}: `)).toBe(true);
  });

  const allowed: [file: string, source: string][] = [
    ['src/trading/strategy/decide.ts', "import './state.ts'"],
    ['src/trading/strategy/decide.ts', "import '../../kernel/decider.ts'"],
    ['src/trading/strategy/decide.ts', "import '../../gen/cipherhorizon/trading/v1/events_pb.ts'"],
    ['src/trading/strategy/decide.ts', "import { create } from '@bufbuild/protobuf'"],
    ['src/trading/strategy/decide.ts', 'const at = new Date(command.at);'],
    ['src/trading/strategy/decide.ts', 'const at = new DateRange();'],
    ['src/trading/strategy/decide.ts', "// Date.now() is not for us\nconst a = 'Math.random()';"],
    ['src/trading/views/performance/twr.ts', "import '../list.ts'"],
    ['src/trading/views/list.ts', "import '../../projection/kit.ts'"],
    ['src/trading/views/list.ts', "import '../model/fill.ts'"],
    ['src/trading/order/decide.ts', "import '../model/fill.ts'"],
    ['src/trading/processes/signal.ts', "import '../../process/kit.ts'"],
    ['src/trading/register.ts', "import './processes/signal.ts'"],
    ['src/trading/register.ts', "import './strategy/decide.ts'"],
    ['src/trading/register.ts', "import './views/list.ts'"],
    ['src/trading/register.ts', "import '../write/kit.ts'"],
    ['src/engines/sqlite/a.ts', "import Database from 'better-sqlite3'"],
    ['src/engines/sqlite/a.ts', "import type { EventStore } from '../../write/ports.ts'"],
    ['src/transport/server.ts', "import { Code } from '@connectrpc/connect'"],
    ['src/config/load.ts', 'const a = process.env.A;'],
    ['cmd/horizon.ts', "import '../src/engines/sqlite/a.ts'; import 'better-sqlite3';"],
    ['cmd/horizon.ts', 'load(process.env);'],
  ];
  test.each(allowed)('allows in %s: %j', (file, source) => {
    expect(violationsOf(file, source)).toEqual([]);
  });

  test('names file, import and rule', () => {
    expect(violationsOf('src/write/bus.ts', "import { a } from '../read/bus.ts';")).toEqual([
      'src/write/bus.ts: imports ../read/bus.ts: ' +
        'src/write (write) may import only its own folder, kernel, gen',
    ]);
  });
});
