import type { DescEnum, EnumShape } from '@bufbuild/protobuf';

/** The name of an enum's value without the enum's own: "ACTIVE". As documents have it. */
export function nameOf(desc: DescEnum, value: number): string {
  return desc.value[value]?.localName ?? String(value);
}

/** The value of a name of `nameOf`; 0, which is unspecified, for any other. */
export function enumOf<Desc extends DescEnum>(desc: Desc, name: string): EnumShape<Desc> {
  return (numbersOf(desc).get(name) ?? 0) as EnumShape<Desc>;
}

/** The name as protos and their JSON have it, "STRATEGY_STATUS_ACTIVE": what a filter takes. */
export function protoNameOf(desc: DescEnum, name: string): string {
  return desc.value[numbersOf(desc).get(name) ?? 0]?.name ?? name;
}

const known = new WeakMap<DescEnum, ReadonlyMap<string, number>>();

function numbersOf(desc: DescEnum): ReadonlyMap<string, number> {
  const numbers = known.get(desc);
  if (numbers !== undefined) return numbers;
  const made = new Map(desc.values.map(({ localName, number }) => [localName, number]));
  known.set(desc, made);
  return made;
}
