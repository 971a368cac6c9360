import type { Metadata } from '@grpc/grpc-js';

/** The first value of a header, as the call's `header` wants it. */
export function headerOf(metadata: Metadata): (name: string) => string | undefined {
  return (name) => {
    const value = metadata.get(name)[0];
    return typeof value === 'string' ? value : undefined;
  };
}

/** The caller's deadline, milliseconds since 1970; undefined where it has none. */
export function callerDeadline(deadline: Date | number): number | undefined {
  const atMs = typeof deadline === 'number' ? deadline : deadline.getTime();
  return atMs === Number.POSITIVE_INFINITY ? undefined : atMs;
}
