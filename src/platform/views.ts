import type { View } from '../projection/kit.ts';
import { commandLog } from './views/command-log.ts';

/** The views of the platform itself. */
export const platformViews: readonly View[] = [commandLog];
