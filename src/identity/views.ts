import type { View } from '../projection/kit.ts';
import { users } from './views/users.ts';

/** The views of identity. */
export const identityViews: readonly View[] = [users];
