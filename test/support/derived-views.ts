import { toJson } from '@bufbuild/protobuf';
import {
  type VerifyProjectionResponse,
  VerifyProjectionResponseSchema,
} from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import type { CashDeposited } from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import { isRejection } from '../../src/kernel/rejection.ts';
import { defineDerived, type View } from '../../src/projection/kit.ts';
import { createOperations } from '../../src/projection/operations.ts';
import type { Projector } from '../../src/projection/projector.ts';
import { callOf, operator } from './command-bus.ts';
import { sumsView } from './projection.ts';

// Sums by currency, with a rate that all of them rest on: that of the last note "rate …".

export const sums = sumsView();
export const rates: View = sumsView({
  name: 'test_rates',
  ids: ({ message }) => ((message as CashDeposited).note.startsWith('rate ') ? ['EUR'] : []),
  project: (_rate, { message }) => {
    const { note } = message as CashDeposited;
    return { deposits: Number(note.slice('rate '.length)), note };
  },
});

type Worth = { readonly worth: number; readonly computed: string };

/** The worth of each sum; `computed` gets the ids of what is computed; `broken` ones cannot be. */
export function worthView(computed: string[] = [], broken = new Set<string>(), version = 1): View {
  return defineDerived<Worth, number>({
    name: 'test_worths',
    version,
    schema: { worth: { kind: 'integer', sort: true }, computed: { kind: 'keyword' } },
    derived: {
      of: sums,
      own: [],
      shared: [{ view: rates, subject: (id) => id }],
      subjects: () => ['EUR'],
      compute: async (id, read, kept) => {
        if (broken.has(id)) throw new Error('it is broken');
        const deposits = kept ?? (await read(sums, [id])).get(id)?.deposits;
        computed.push(`${id}${kept === undefined ? '' : ' again'}`);
        if (deposits === undefined) return { document: undefined, keep: undefined };
        const rate = Number((await read(rates, ['EUR'])).get('EUR')?.deposits ?? 1);
        const worth = Number(deposits) * rate;
        return { document: { worth, computed: 'yes' }, keep: Number(deposits) };
      },
    },
  });
}

/** What a verification says at its end. */
export async function verified(projector: Pick<Projector, keyof Projector>, view: View) {
  let last: unknown;
  const steps = createOperations(projector).verify({ view: view.name } as never, callOf(operator));
  for await (const step of steps) last = step;
  if (isRejection(last)) throw new Error(last.message);
  return toJson(VerifyProjectionResponseSchema, last as VerifyProjectionResponse) as {
    readonly done?: boolean;
    readonly differences?: string;
  };
}
