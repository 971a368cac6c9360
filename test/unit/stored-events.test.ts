import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DescField, DescFile, DescMessage } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';

const golden = resolve(import.meta.dirname, '../golden/stored-events.txt');
const generated = resolve(import.meta.dirname, '../../src/gen/cipherhorizon');

/** The files whose messages stand in logs, and those that have what these are made of. */
const files = /(events|model|metadata)_pb\.ts$/;

/**
 * What is stored is never changed: the names, numbers and types of its fields are frozen in a file.
 * New lines are new events or fields (UPDATE_GOLDEN=1 adds them); a changed or missing line is a log
 * that cannot be read any more.
 */
test('the names and fields of stored events are what they were', async () => {
  const lines: string[] = [];
  for (const path of readdirSync(generated, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!files.test(path)) continue;
    const exports: object = await import(join(generated, path));
    const file = Object.values(exports).find(isFile);
    for (const message of file?.messages ?? []) lines.push(...linesOf(message));
  }
  const text = `${lines.join('\n')}\n`;
  if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(golden, text);
  expect(text).toBe(readFileSync(golden, 'utf8'));
});

function isFile(value: unknown): value is DescFile {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'file';
}

function linesOf(message: DescMessage): string[] {
  const own = message.fields.map(
    (field) => `${message.typeName} ${field.number} ${field.jsonName} ${typeOf(field)}`,
  );
  return [...own, ...message.nestedMessages.flatMap(linesOf)];
}

function typeOf(field: DescField): string {
  const single = field.message?.typeName ?? field.enum?.typeName ?? `scalar ${field.scalar}`;
  return field.fieldKind === 'list' ? `repeated ${single}` : single;
}
