import { identityViews } from '../src/identity/views.ts';
import { platformViews } from '../src/platform/views.ts';
import { tradingViews } from '../src/trading/views.ts';

/** Every read model there is: the projector keeps them, and a command may wait for them. */
export const views = [
  ...platformViews, //
  ...tradingViews,
  ...identityViews,
];
