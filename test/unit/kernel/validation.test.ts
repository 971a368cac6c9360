import { create } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CreateUserCommandSchema } from '../../../src/gen/cipherhorizon/identity/v1/commands_pb.ts';
import { CommandBatchSchema } from '../../../src/gen/cipherhorizon/platform/v1/streaming_pb.ts';
import {
  CreateTradingStrategyCommandSchema,
  DepositCashCommandSchema,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { GetStrategyQuerySchema } from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { createValidation } from '../../../src/kernel/validation.ts';

const validate = createValidation();
const id = '11111111-2222-4333-8444-555555555555';

test('a duration over its limit is named with its value', () => {
  const timeout = { seconds: 31n, nanos: 500_000_000 };
  const command = create(DepositCashCommandSchema, {
    ...{ portfolioId: id, amount: '1' },
    metadata: { synchronisation: { timeout } },
  });
  expect(validate(DepositCashCommandSchema, command)).toMatchObject({
    code: 'VALIDATION_FAILED',
    message:
      'metadata.synchronisation.timeout: 31.500s: ' +
      'must be greater than or equal to 0s and less than or equal to 30s',
  });
  const consistency = { patience: { seconds: -1n } };
  const query = create(GetStrategyQuerySchema, { strategyId: id, consistency });
  expect(validate(GetStrategyQuerySchema, query)?.fields).toEqual([
    {
      field: 'consistency.patience',
      rule: 'duration.gte_lte',
      message: '-1s: must be greater than or equal to 0s and less than or equal to 30s',
    },
  ]);
});

test('one that is no duration at all has its parts', () => {
  const consistency = { patience: { seconds: 1n, nanos: -1 } };
  const query = create(GetStrategyQuerySchema, { strategyId: id, consistency });
  expect(validate(GetStrategyQuerySchema, query)?.message ?? '').not.toMatch(/undefined|object/);
});

test('too many of something are counted', () => {
  const commands = Array.from({ length: 1001 }, () => ({ command: { typeUrl: 'a' } }));
  const batch = create(CommandBatchSchema, { commands });
  expect(validate(CommandBatchSchema, batch)?.message).toBe(
    'commands: 1001 items: must contain no more than 1000 item(s)',
  );
});

test('a long text is shown in part, with its length', () => {
  const strategyName = 'x'.repeat(250);
  const command = create(CreateTradingStrategyCommandSchema, { userId: 'alice', strategyName });
  expect(validate(CreateTradingStrategyCommandSchema, command)?.message).toBe(
    `strategy_name: "${'x'.repeat(40)}…" (250 characters): must be at most 200 characters`,
  );
});

test('what is sensitive is not shown', () => {
  const command = create(CreateUserCommandSchema, { email: 'a@b.example', password: 'short' });
  const refusal = validate(CreateUserCommandSchema, command);
  expect(refusal?.fields?.map(({ field }) => field)).toContain('password');
  expect(JSON.stringify(refusal)).not.toContain('short"');
});

test('patterns take and refuse what the engine of the rules does', () => {
  const rules = createValidator();
  const unit = fc.constantFrom(...'0123456789.-+eE٣', '\n', '\r', ' ', '\0');
  const amounts = fc.oneof(
    fc.string({ unit, maxLength: 24 }),
    fc.stringMatching(/^\d{1,22}(\.\d{1,20})?\n?$/),
  );
  const outcomes = new Set<boolean>();
  fc.assert(
    fc.property(amounts, (amount) => {
      const command = create(DepositCashCommandSchema, { portfolioId: id, amount });
      const isValid = rules.validate(DepositCashCommandSchema, command).kind === 'valid';
      outcomes.add(isValid);
      expect(validate(DepositCashCommandSchema, command) === undefined).toBe(isValid);
    }),
    { numRuns: 2_000 },
  );
  expect(outcomes.size).toBe(2);
});

test.each(['\u00a0Trend', 'Trend\u2003', 'Trend\nup', 'Trend\rup', 'Trend\u2028up'])(
  'a name neither begins nor ends with white space, nor has two lines: %j',
  (strategyName) => {
    const command = create(CreateTradingStrategyCommandSchema, { userId: 'alice', strategyName });
    const fields = validate(CreateTradingStrategyCommandSchema, command)?.fields ?? [];
    expect(fields.map(({ field, rule }) => `${field} ${rule}`)).toContain(
      'strategy_name string.pattern',
    );
  },
);
