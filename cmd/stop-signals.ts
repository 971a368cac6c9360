/**
 * Aborts when this process shall stop: on SIGTERM, on SIGINT, and when the parent that has started
 * it with an IPC channel is gone, however it went. Signals that follow are taken and do nothing:
 * Ctrl-C reaches a process from the terminal and once more through npm.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (process.connected === undefined) return controller.signal;
  if (!process.connected) stop();
  process.on('disconnect', stop);
  // The channel alone must not keep the process running.
  process.channel?.unref();
  return controller.signal;
}
