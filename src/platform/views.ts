import type { View } from '../projection/kit.ts';
import { commandLog } from './views/command-log.ts';
import { processes } from './views/processes.ts';

/** The views of the platform itself. */
export const platformViews: readonly View[] = [commandLog, processes];
