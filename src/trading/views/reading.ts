import type { QueryContext, Reader } from '../../read/kit.ts';

// What handlers ask of read models, by the names that the port has for it.

export type Model = Parameters<Reader['list']>[0];
export type Condition = Parameters<Reader['list']>[1]['where'][number];
export type Sort = NonNullable<Parameters<Reader['list']>[1]['sort']>;
export type Found = NonNullable<Awaited<ReturnType<Reader['get']>>>;
export type SearchResult = Awaited<ReturnType<Reader['search']>>;

const mostPerPage = 500;

/** All documents, for lists that are no longer than what their answer rests on. */
export async function listAll(
  reader: Reader,
  model: Model,
  request: { readonly where: readonly Condition[]; readonly sort?: Sort },
): Promise<readonly Found[]> {
  const found: Found[] = [];
  let after: string | undefined;
  do {
    const page = await reader.list(model, {
      ...request,
      limit: mostPerPage,
      ...(after !== undefined && { after }),
    });
    found.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return found;
}

/** The page of an answer. */
export function pageInfo(page: { readonly next?: string }): { readonly nextCursor: string } {
  return { nextCursor: page.next ?? '' };
}

/** The facets and highlights of a search under the names that the proto has for its fields. */
export function named(
  result: SearchResult,
  names: { readonly [field: string]: string },
  valueName: (field: string, value: string) => string = (_field, value) => value,
) {
  return {
    facets: result.facets.map(({ field, buckets }) => ({
      field: names[field] ?? field,
      buckets: buckets.map(({ value, count }) => ({
        value: valueName(field, value),
        count: BigInt(count),
      })),
    })),
    highlightsOf: ({ highlights }: SearchResult['items'][number]) =>
      highlights.map(({ field, fragments }) => ({
        field: names[field] ?? field,
        fragments: [...fragments],
      })),
    total: BigInt(result.total),
    page: pageInfo(result),
  };
}

export type Page = QueryContext['page'];
