import { Writable } from 'node:stream';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { expect, test } from '@jest/globals';
import { createOutput } from '../../../cmd/cli/output.ts';
import { printProcess } from '../../../cmd/cli/process-text.ts';
import { stateOf } from '../../../cmd/cli/processes.ts';
import {
  type Process,
  ProcessActionKind,
  ProcessSchema,
  ProcessState,
  StepState,
} from '../../../src/gen/cipherhorizon/platform/v1/processes_pb.ts';

const id = '5c1f9e0a-6f0e-5d43-9a77-0d3c2b1a4e5f';
const at = (second: number) => timestampFromDate(new Date(Date.UTC(2026, 2, 14, 9, 26, second)));

const init: MessageInitShape<typeof ProcessSchema> = {
  processId: id,
  definition: 'trade_signal_1d',
  definitionVersion: 1,
  state: ProcessState.FAILED,
  needsOperator: true,
  reason: { code: 'ORDER_REJECTED', message: 'the venue has rejected the order' },
  startedBy: {
    type: 'cipherhorizon.trading.v1.SignalAccepted',
    stream: 'signal-0b7a1c52-7a0b-4f5e-8d51-1f6a53e0a9cd',
  },
  actor: 'alice',
  correlationId: 'c0ffee00-0000-4000-8000-000000000001',
  startedAt: at(53),
  dueAt: at(58),
  endedAt: at(59),
  steps: [
    {
      name: 'reserve',
      state: StepState.FAILED,
      command: { commandId: 'a', type: 'cipherhorizon.trading.v1.ReserveForSignalCommand' },
      compensation: {
        commandId: '1d8a5f2e-90f4-5c0b-8a37-6d1c0f8e2b91',
        type: 'cipherhorizon.trading.v1.ReleaseReservationCommand',
        payload: { portfolioId: id, signalId: id },
      },
      compensationRefusal: { code: 'PORTFOLIO_CLOSED', message: 'the portfolio is closed' },
    },
    {
      name: 'order',
      state: StepState.FAILED,
      command: { commandId: 'b', type: 'cipherhorizon.trading.v1.PlaceOrderCommand' },
      refusal: { code: 'ORDER_REJECTED', message: 'the venue has rejected the order' },
    },
    { name: 'settle', state: StepState.PENDING },
  ],
};
const failed = create(ProcessSchema, init);

function printed(process: Process): readonly string[] {
  let text = '';
  const stream = new Writable({
    write: (part, _encoding, done) => {
      text += part;
      done();
    },
  });
  printProcess(createOutput({ stdout: stream, stderr: stream }, false), process, stateOf(process));
  return text.trimEnd().split('\n');
}

test('a failed process says what failed, with what, and what to do: on 80 columns', () => {
  expect(printed(failed)).toEqual([
    'trade_signal_1d: failed',
    `  id       ${id}`,
    '  version  1',
    '  reason   ORDER_REJECTED: the venue has rejected the order',
    '  started  2026-03-14 09:26:53',
    '  by       SignalAccepted in signal-0b7a1c52-7a0b-4f5e-8d51-1f6a53e0a9cd, alice',
    '  part of  c0ffee00-0000-4000-8000-000000000001',
    '  ended    2026-03-14 09:26:59',
    'STEP          STATE    COMMAND',
    'reserve       failed   ReserveForSignal, ReleaseReservation',
    'order         failed   PlaceOrder',
    'settle        pending',
    'reserve: its compensation failed with PORTFOLIO_CLOSED: the portfolio is closed',
    'reserve: cipherhorizon.trading.v1.ReleaseReservationCommand',
    '  1d8a5f2e-90f4-5c0b-8a37-6d1c0f8e2b91',
    // To be copied: in one piece.
    `  {"portfolioId":"${id}","signalId":"${id}"}`,
    'order: failed with ORDER_REJECTED: the venue has rejected the order',
    '',
    'To do: put right what the step was refused for, then',
    `  horizon process retry ${id}`,
    'or undo the step by hand, and leave it to the rest:',
    `  horizon process cancel ${id}`,
  ]);
});

test('one that is under way says until when, one that was given up asks for nothing', () => {
  const under = create(ProcessSchema, {
    ...init,
    state: ProcessState.IN_PROGRESS,
    needsOperator: false,
    steps: [{ name: 'reserve', state: StepState.PENDING, dueAt: at(55) }],
  });
  delete under.endedAt;
  expect(printed(under)).toContain('reserve: until 2026-03-14 09:26:55');
  expect(printed(under).join()).not.toContain('To do');
  const kind = ProcessActionKind.CANCELLED;
  const action = { kind, by: 'olga', note: 'paid by hand', at: at(59) };
  const given = create(ProcessSchema, { ...init, needsOperator: false, action });
  expect(printed(given)[0]).toBe('trade_signal_1d: given up');
  expect(printed(given).join()).not.toContain('To do');
});
