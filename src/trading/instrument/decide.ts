import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { RegisterInstrumentCommand } from '../../gen/cipherhorizon/trading/v1/commands_pb.ts';
import { InstrumentRegisteredSchema } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { AssetClassSchema } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type { DecisionContext } from '../../kernel/decider.ts';
import { decimal, isPositive, toText, zero } from '../../kernel/decimal.ts';
import { type Rejection, rejectField, rejectFieldAs } from '../../kernel/rejection.ts';
import type { InstrumentEvent, InstrumentState, InstrumentTerms } from './state.ts';

export type InstrumentCommand = RegisterInstrumentCommand;

export function decide(
  command: InstrumentCommand,
  state: InstrumentState,
  context: DecisionContext,
): readonly InstrumentEvent[] | Rejection {
  const terms = termsOf(command);
  if (!isPositive(terms.tickSize)) return refuseStep('TICK_SIZE_INVALID', 'tick_size');
  if (!isPositive(terms.lotSize)) return refuseStep('LOT_SIZE_INVALID', 'lot_size');
  switch (state.lifecycle) {
    case 'registered': {
      const differing = differenceOf(state, terms);
      return differing === undefined ? [] : refuseOther(context.id, differing);
    }
    case 'absent':
      return [
        create(InstrumentRegisteredSchema, {
          ...terms,
          instrumentId: context.id,
          tickSize: toText(terms.tickSize),
          lotSize: toText(terms.lotSize),
          minimumOrderSize: toText(terms.minimumOrderSize),
          registeredAt: timestampFromMs(context.nowMs),
        }),
      ];
  }
}

function termsOf(command: InstrumentCommand): InstrumentTerms {
  const { description, market, assetClass, baseAsset, quoteCurrency } = command;
  const { minimumOrderSize } = command;
  return {
    description,
    market,
    assetClass,
    baseAsset,
    quoteCurrency,
    tickSize: decimal(command.tickSize),
    lotSize: decimal(command.lotSize),
    minimumOrderSize: minimumOrderSize === '' ? zero : decimal(minimumOrderSize),
  };
}

function refuseStep(code: string, field: string): Rejection {
  return rejectField(code, field, `${field} is 0; it has to be over 0`);
}

type Difference = { readonly field: string; readonly is: string; readonly wanted: string };

/** The first of the terms that is another one. */
function differenceOf(is: InstrumentTerms, wanted: InstrumentTerms): Difference | undefined {
  return plainTerms(is)
    .map(([field, text], index) => ({ field, is: text, wanted: plainTerms(wanted)[index]?.[1] }))
    .find((difference): difference is Difference => difference.is !== difference.wanted);
}

function plainTerms(terms: InstrumentTerms): readonly (readonly [field: string, text: string])[] {
  return [
    ['description', terms.description],
    ['market', terms.market],
    [
      'asset_class',
      AssetClassSchema.value[terms.assetClass]?.localName ?? String(terms.assetClass),
    ],
    ['base_asset', terms.baseAsset],
    ['quote_currency', terms.quoteCurrency],
    ['tick_size', toText(terms.tickSize)],
    ['lot_size', toText(terms.lotSize)],
    ['minimum_order_size', toText(terms.minimumOrderSize)],
  ];
}

function refuseOther(id: string, { field, is, wanted }: Difference): Rejection {
  const message = `${field} is '${wanted}'; that of '${id}' is '${is}', and terms do not change`;
  return rejectFieldAs('ALREADY_EXISTS', 'INSTRUMENT_ALREADY_REGISTERED', field, message);
}
