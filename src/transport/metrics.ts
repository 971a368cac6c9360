import {
  Counter,
  collectDefaultMetrics,
  Histogram,
  Gauge as PromGauge,
  Registry,
} from 'prom-client';
import { memoised } from '../kernel/memoised.ts';
import type { BusMetrics, Gauge } from '../kernel/telemetry.ts';

/** The metrics of a process in the text form of Prometheus. */
export type MetricsText = { readonly text: () => Promise<string>; readonly contentType: string };

export type Metrics = MetricsText & {
  /**
   * `cqrs_<bus>_total` and `cqrs_<bus>_duration_seconds`. Names of messages that are not among
   * `messages` are counted together as "other": a label must not grow with its callers.
   */
  readonly bus: (bus: 'command' | 'query', messages: Iterable<string>) => BusMetrics;
  readonly addGauge: (gauge: Gauge) => void;
  /** `cqrs_process_total`, of every definition from the start: an alert sees the first one too. */
  readonly processes: (definitions: Iterable<string>) => (definition: string, of: string) => void;
  /** `cqrs_policy_commands_total`, of every policy from the start. */
  readonly policies: (policies: Iterable<string>) => (policy: string, outcome: string) => void;
};

// From a cached query to a command that waits for its views.
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const mostOutcomes = 200;

/** One registry per process, with Node's own metrics, all under the label `process`. */
export function createMetrics(processName: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ process: processName });
  collectDefaultMetrics({ register: registry });
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    bus: (bus, messages) => busMetrics(registry, bus, new Set(messages)),
    addGauge: (gauge) => {
      addGauge(registry, gauge);
    },
    processes: (definitions) => processMetrics(registry, definitions),
    policies: (policies) => policyMetrics(registry, policies),
  };
}

function processMetrics(registry: Registry, definitions: Iterable<string>) {
  const total = new Counter({
    name: 'cqrs_process_total',
    help: 'How often a process has started, and ended as completed, compensated or failed.',
    labelNames: ['definition', 'outcome'],
    registers: [registry],
  });
  for (const definition of definitions) {
    for (const outcome of ['started', 'completed', 'compensated', 'failed']) {
      total.inc({ definition, outcome }, 0);
    }
  }
  return (definition: string, outcome: string) => total.inc({ definition, outcome });
}

function policyMetrics(registry: Registry, policies: Iterable<string>) {
  const total = new Counter({
    name: 'cqrs_policy_commands_total',
    help: 'What became of the commands that events led to: accepted, refused, fault (sent again), defect.',
    labelNames: ['policy', 'outcome'],
    registers: [registry],
  });
  for (const policy of policies) {
    for (const outcome of ['accepted', 'refused', 'fault', 'defect']) {
      total.inc({ policy, outcome }, 0);
    }
  }
  return (policy: string, outcome: string) => total.inc({ policy, outcome });
}

function busMetrics(registry: Registry, bus: string, messages: ReadonlySet<string>): BusMetrics {
  const total = new Counter({
    name: `cqrs_${bus}_total`,
    help: `How often a ${bus} was handled, by outcome: accepted, repeated, or the code of its refusal.`,
    labelNames: [bus, 'outcome'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: `cqrs_${bus}_duration_seconds`,
    help: `How long a ${bus} took, from its arrival at the bus to its answer.`,
    labelNames: [bus],
    buckets,
    registers: [registry],
  });
  const outcomes = new Set<string>();
  const known = (outcome: string): string => {
    if (outcomes.has(outcome)) return outcome;
    if (outcomes.size >= mostOutcomes || !/^\w{1,64}$/.test(outcome)) return 'other';
    outcomes.add(outcome);
    return outcome;
  };
  // To find the series of labels takes longer than to count in it.
  const counterOf = memoised((name) => memoised((outcome) => total.labels(name, outcome)));
  const timerOf = memoised((name) => duration.labels(name));
  return {
    observe: (message, outcome, seconds) => {
      const name = messages.has(message) ? message : 'other';
      counterOf(name)(known(outcome)).inc();
      timerOf(name).observe(seconds);
    },
  };
}

function addGauge(registry: Registry, { name, help, labels, collect }: Gauge): void {
  new PromGauge({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    collect() {
      // What is gone since the last time must not linger.
      this.reset();
      for (const { labels: values, value } of collect()) {
        this.set(Object.fromEntries(labels.map((label, i) => [label, values[i] ?? ''])), value);
      }
    },
  });
}
