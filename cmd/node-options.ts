import type { ServerName } from './services.ts';

/**
 * What Node is told when it starts a server. A projector that rebuilds makes much that is soon
 * garbage: with the young generation that V8 chooses by itself it takes some 100 MB more, for the
 * same rate. A server that is started by hand is told by the variable NODE_OPTIONS.
 */
export const nodeOptions: { readonly [server in ServerName]: readonly string[] } = {
  write: [],
  projector: ['--max-semi-space-size=8'],
  read: [],
};
