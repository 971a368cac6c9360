/** A structured log: pino's shape. */
export type Log = {
  readonly debug: (fields: object, message: string) => void;
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
};

/** Counts and times what a bus does. `outcome` is 'accepted', 'repeated', or a rejection's code. */
export type BusMetrics = {
  readonly observe: (message: string, outcome: string, seconds: number) => void;
};

/** A number that is read when metrics are collected. */
export type Gauge = {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly collect: () => readonly { readonly labels: readonly string[]; readonly value: number }[];
};
