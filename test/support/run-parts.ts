import {
  strategyRunFollowUpPolicy,
  strategyRunPolicy,
  strategySignalPolicy,
} from '../../src/trading/processes/strategy-run.ts';
import { runWrite } from '../../src/trading/write.ts';
import { deskContexts } from './signal-desk.ts';
import { policiesOfSignals } from './signal-world.ts';

/** What a write server has where strategies run by themselves. */
export const runParts = {
  contexts: [...deskContexts, runWrite],
  policies: [
    ...policiesOfSignals,
    ...[strategyRunPolicy, strategySignalPolicy, strategyRunFollowUpPolicy],
  ],
};
