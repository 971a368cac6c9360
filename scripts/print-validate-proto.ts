// Prints buf/validate/validate.proto as source text, from the descriptor inside
// @bufbuild/protovalidate. So the rules that the compiler accepts are those of the validator that
// runs them, and a build needs no schema registry.
//
// Options of fields are left out: they are the CEL expressions behind each rule, and the validator
// reads those from its own descriptor, never from ours. What this printer does not know (groups,
// maps, defaults, another syntax) it refuses, so that no new version is printed wrongly.
//
// Usage: node scripts/print-validate-proto.ts [target file]

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';
import { file_buf_validate_validate } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

const LAST_TAG = 536870911;
const file = file_buf_validate_validate.proto;

const labels: Record<Label, string> = {
  [Label.OPTIONAL]: 'optional',
  [Label.REPEATED]: 'repeated',
  [Label.REQUIRED]: 'required',
};

function refuse(what: string): never {
  throw new Error(`${file.name}: ${what}, which this printer does not know`);
}

function block(head: string, body: readonly string[]): string[] {
  return [`${head} {`, ...body.map((line) => `  ${line}`), '}'];
}

/** A range with both ends included, as proto source writes it. */
function range(start: number, last: number): string {
  if (start === last) return `${start}`;
  return `${start} to ${last === LAST_TAG ? 'max' : last}`;
}

function printField(field: FieldDescriptorProto, label: string): string {
  if (field.defaultValue !== '') refuse(`default value of ${field.name}`);
  if (field.type === Type.GROUP) refuse(`group ${field.name}`);
  if (field.options?.packed) refuse(`packed ${field.name}`);
  const type = field.typeName === '' ? Type[field.type].toLowerCase() : field.typeName;
  return `${label}${type} ${field.name} = ${field.number};`;
}

function printReserved(ranges: readonly string[], names: readonly string[]): string[] {
  return [
    ...ranges.map((numbers) => `reserved ${numbers};`),
    ...names.map((name) => `reserved "${name}";`),
  ];
}

function printEnum(type: EnumDescriptorProto): string[] {
  const ranges = type.reservedRange.map(({ start, end }) => range(start, end));
  const values = type.value.map((value) => `${value.name} = ${value.number};`);
  return block(`enum ${type.name}`, [...printReserved(ranges, type.reservedName), ...values]);
}

function printMessage(type: DescriptorProto): string[] {
  if (type.options?.mapEntry) refuse(`map entry ${type.name}`);
  const member = (oneof: number) => (field: FieldDescriptorProto) =>
    Object.hasOwn(field, 'oneofIndex') && field.oneofIndex === oneof;
  const inOneof = (field: FieldDescriptorProto) => type.oneofDecl.some((_, i) => member(i)(field));
  // A message's ranges end after their last number; an enum's end on it.
  const reserved = type.reservedRange.map(({ start, end }) => range(start, end - 1));
  return block(`message ${type.name}`, [
    ...printReserved(reserved, type.reservedName),
    ...type.extensionRange.map(({ start, end }) => `extensions ${range(start, end - 1)};`),
    ...type.enumType.flatMap(printEnum),
    ...type.nestedType.flatMap(printMessage),
    ...type.oneofDecl.flatMap((oneof, i) =>
      block(
        `oneof ${oneof.name}`,
        type.field.filter(member(i)).map((field) => printField(field, '')),
      ),
    ),
    ...type.field
      .filter((field) => !inOneof(field))
      .map((field) => printField(field, `${labels[field.label]} `)),
    ...type.extension.flatMap(printExtension),
  ]);
}

function printExtension(field: FieldDescriptorProto): string[] {
  return block(`extend ${field.extendee}`, [printField(field, `${labels[field.label]} `)]);
}

function printFile(): string {
  // A descriptor leaves the syntax empty for proto2, the language's default.
  if (file.syntax !== '' && file.syntax !== 'proto2') refuse(`syntax ${file.syntax}`);
  return [
    '// Printed by scripts/print-validate-proto.ts from @bufbuild/protovalidate. Do not edit.',
    'syntax = "proto2";',
    `package ${file.package};`,
    ...file.dependency.map((dependency) => `import "${dependency}";`),
    ...file.enumType.flatMap(printEnum),
    ...file.messageType.flatMap(printMessage),
    ...file.extension.flatMap(printExtension),
    '',
  ].join('\n');
}

const target = resolve(process.argv[2] ?? `.generated/protovalidate/${file.name}`);
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, printFile());
