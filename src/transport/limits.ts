/** What one server takes on. Beyond it, a call is refused at once. */
export type ServerLimits = {
  /** The largest message of a request, bytes. */
  readonly maxRequestBytes: number;
  /** The largest message of an answer, bytes. */
  readonly maxResponseBytes: number;
  /** Unary calls at work at the same time, over all connections and protocols. */
  readonly maxInFlight: number;
  /** Streaming calls open at the same time, over all connections and protocols. */
  readonly maxStreams: number;
  /** The longest that a unary call may take, whatever its caller allows. */
  readonly deadlineMs: number;
  /** How long a stop waits for the calls in flight. */
  readonly shutdownMs: number;
};

export const defaultLimits: ServerLimits = {
  maxRequestBytes: 4 * 1024 * 1024,
  maxResponseBytes: 16 * 1024 * 1024,
  maxInFlight: 1024,
  maxStreams: 256,
  deadlineMs: 30_000,
  shutdownMs: 10_000,
};
