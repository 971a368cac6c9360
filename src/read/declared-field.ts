import { StoreFault } from '../kernel/fault.ts';
import type { ReadField, ReadModel } from './read-models.ts';

/** What an engine knows of a generation: how it keeps each field of the schema that it was made of. */
type Layout<Plan> = {
  readonly generation: number;
  readonly fields: ReadonlyMap<string, Plan>;
};

/**
 * The field of the live generation.
 *
 * @throws StoreFault STORE_UNAVAILABLE where only a later generation has it, TypeError where the
 * model doesn't declare it so
 */
export function fieldOf<Plan extends { readonly field: ReadField }>(
  layout: Layout<Plan>,
  model: ReadModel,
  name: string,
  use: 'filter' | 'sort' | 'facet',
): Plan {
  const declared = Object.hasOwn(model.schema, name) ? model.schema[name] : undefined;
  if (declared?.[use] !== true) {
    throw new TypeError(`the field "${name}" of the view "${model.name}" is not declared ${use}`);
  }
  const plan = layout.fields.get(name);
  const { kind, many, fold, [use]: declaredSo }: Partial<ReadField> = plan?.field ?? {};
  const same = kind === declared.kind && !many === !declared.many && !fold === !declared.fold;
  if (plan !== undefined && same && declaredSo === true) return plan;
  const message = `the view "${model.name}" is being rebuilt: its generation ${layout.generation} does not have the field "${name}" as it is asked for`;
  throw new StoreFault('STORE_UNAVAILABLE', message);
}
