import type { estypes } from '@elastic/elasticsearch';
import { fieldOf } from '../../../read/declared-field.ts';
import type { Condition, FilterValue, ReadModel } from '../../../read/read-models.ts';
import type { FieldPlan, Layout } from './layout.ts';
import { type IndexValue, toIndexed } from './values.ts';
import type { AskedWord } from './words-asked.ts';

/** QueryDslQueryContainer itself may be undefined, by the way that it is made. */
export type Query = NonNullable<estypes.SearchRequest['query']>;

/** The documents that fulfil all conditions and have all words. */
export function queryOf(
  layout: Layout,
  model: ReadModel,
  where: readonly Condition[],
  asked: readonly AskedWord[] = [],
): Query {
  const filter: Query[] = [{ term: { k: 'd' } }];
  const mustNot: Query[] = [];
  for (const condition of where) {
    const plan = fieldOf(layout, model, condition.field, 'filter');
    const values = (list: readonly FilterValue[]) => list.map((value) => encode(plan, value));
    if ('notIn' in condition) mustNot.push({ terms: { [plan.path]: values(condition.notIn) } });
    else if ('in' in condition) filter.push({ terms: { [plan.path]: values(condition.in) } });
    else if (condition.from !== undefined || condition.until !== undefined) {
      const { from, until } = condition;
      const range = {
        ...(from !== undefined && { gte: encode(plan, from) }),
        ...(until !== undefined && { lt: encode(plan, until) }),
      };
      filter.push({ range: { [plan.path]: range as estypes.QueryDslUntypedRangeQuery } });
    }
  }
  for (const word of asked) filter.push(wordQuery(word));
  return { bool: { filter, must_not: mustNot } };
}

function encode({ field, name }: FieldPlan, value: FilterValue): IndexValue {
  const encoded = toIndexed(field, value);
  if (encoded !== undefined) return encoded;
  throw new TypeError(
    `the field "${name}" cannot be compared with a ${typeof value}: ${field.kind}`,
  );
}

/** As it is, as a beginning, or with typing errors. */
function wordQuery({ word, errors }: AskedWord): Query {
  const beginning: Query = { prefix: { words: { value: word } } };
  if (errors === 0) return beginning;
  // Without this rewriting, Lucene takes the nearest 50 words only.
  const rewrite = 'constant_score';
  const near: Query = { fuzzy: { words: { value: word, fuzziness: errors, rewrite } } };
  return { bool: { should: [beginning, near], minimum_should_match: 1 } };
}
