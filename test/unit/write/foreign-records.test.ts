import { create, type DescMessage } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { processWrite } from '../../../cmd/processes.ts';
import { Ownership } from '../../../src/gen/cipherhorizon/platform/v1/options_pb.ts';
import { identityWrite } from '../../../src/identity/write.ts';
import { accessOf } from '../../../src/kernel/access.ts';
import { orderWrite, runWrite, signalWrite, tradingWrite } from '../../../src/trading/write.ts';
import { notThere } from '../../../src/write/order.ts';
import { analyst } from '../../support/query-bus.ts';

// Of a record of another owner the command bus says what a decider says of one that is not there:
// were the words not the same, they would tell which ids exist.

const contexts = [tradingWrite, signalWrite, orderWrite, runWrite, identityWrite, processWrite];
const id = '00000000-0000-4000-8000-000000000001';

const cases = contexts.flatMap(({ service, deciders }) =>
  service.methods
    .filter((method) => accessOf(method)?.ownership === Ownership.RECORD)
    .flatMap(({ name, input }) => {
      const decider = deciders.find(({ commands }) => commands.includes(input));
      return decider?.ownerOf === undefined ? [] : [{ name, input, decider }];
    }),
);

test.each(cases)('$name', ({ input, decider }) => {
  const context = { id, commandId: id, nowMs: 0, principal: analyst, related: {}, prepared: {} };
  const ids = input.fields.filter(({ name }) => name.endsWith('_id'));
  const command = create(
    input as DescMessage,
    Object.fromEntries(ids.map(({ localName }) => [localName, id])),
  );
  expect(decider.decide(command, decider.initial, context)).toEqual(notThere(decider, id));
});

test('there are commands on records', () => {
  expect(cases.length).toBeGreaterThan(10);
});
