import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { runHorizon, startUp, type Up } from '../../support/horizon-cli.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import {
  alerts,
  compose,
  dashboard,
  expressions,
  namesIn,
  readText,
  readYaml,
  root,
  servers,
} from './deployment.ts';

// What alerts and the dashboard ask Prometheus for is what the servers say at /metrics.

jest.setTimeout(90_000);

let up: Up;
const folder = temporaryFolder();
/** The labels that each metric was seen with. */
const served = new Map<string, Set<string>>();

beforeAll(async () => {
  up = await startUp(folder);
  // A command that is accepted, one that is not, and a query: labels show with the first values.
  await runHorizon(['import', 'instruments', join(root, 'examples/instruments.csv')], up.env);
  await runHorizon(['strategies'], up.env);
  for (const { url } of up.welcome.servers) {
    const answer = await fetch(`${url}/metrics`);
    for (const line of (await answer.text()).split('\n')) note(line);
  }
});

afterAll(() => up.stop('SIGTERM'));

function note(line: string): void {
  const [, name, labels = ''] = /^([a-z_]\w*)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
  if (name === undefined) return;
  const seen = served.get(name) ?? new Set();
  for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) seen.add(label);
  served.set(name, seen);
}

/** What Prometheus itself adds. */
const ownMetrics = ['up'];
const ownLabels = ['job', 'instance'];

describe('what is asked for is served', () => {
  test.each(expressions)('$of: $expr', ({ expr }) => {
    const { metrics, labels } = namesIn(expr);
    expect(metrics.length).toBeGreaterThan(0);
    const [metric = ''] = metrics;
    expect([...served.keys(), ...ownMetrics]).toEqual(expect.arrayContaining(metrics));
    const known = [...(served.get(metric) ?? []), ...ownLabels];
    expect(known).toEqual(expect.arrayContaining(labels));
  });

  test('of the table in docs/operations.md too', () => {
    const section = readText('docs/operations.md').split('\n## What to watch\n')[1] ?? '';
    const rows = [...section.matchAll(/^\| `([a-z]\w+)(?:\{([\w,]+)\})?` \|/gm)];
    expect(rows.length).toBeGreaterThan(10);
    for (const [, metric = '', labels] of rows) {
      // A histogram is seen by what it consists of.
      const seen = served.get(metric) ?? served.get(`${metric}_count`);
      expect({ metric, labels: [...(seen ?? [])] }).toEqual({
        metric,
        labels: expect.arrayContaining(labels?.split(',') ?? []),
      });
    }
  });

  test('every label in the words of an alert is left in its result', () => {
    for (const { alert, expr, annotations } of alerts) {
      const grouped = [...expr.matchAll(/\bby *\(([^)]*)\)/g)].flatMap(([, list = '']) =>
        list.split(/, */),
      );
      const used = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
      const left = grouped.length > 0 ? grouped : ownLabels;
      expect({ alert, left }).toEqual({ alert, left: expect.arrayContaining(used) });
    }
  });

  test('the expressions are read right', () => {
    expect(namesIn('sum by (a, b) (rate(m_x{c=~"d|e"}[5m])) > 1.5 or n unless on (f) o')).toEqual({
      metrics: ['m_x', 'n', 'o'],
      labels: ['a', 'b', 'f', 'c'],
    });
  });
});

test('Prometheus looks for every server, where it has its metrics', () => {
  type Scrape = { readonly job_name: string; readonly dns_sd_configs: readonly Found[] };
  type Found = { readonly names: readonly string[]; readonly port: number };
  const { scrape_configs: scrapes, rule_files: rules } = readYaml<{
    readonly scrape_configs: readonly Scrape[];
    readonly rule_files: readonly string[];
  }>('deploy/prometheus/prometheus.yml');
  const targets = scrapes.flatMap(({ dns_sd_configs: found }) =>
    found.flatMap(({ names, port }) => names.map((name) => `${name}:${port}`)),
  );
  const listening = servers.map(
    ([name, { healthcheck }]) => `${name}:${healthcheck?.test.at(-1)?.split(':')[1]}`,
  );
  expect(targets.toSorted()).toEqual(listening.toSorted());
  for (const rule of rules) expect(readText(`deploy/prometheus/${rule}`)).toContain('alert:');
  const jobs = scrapes.map(({ job_name: name }) => name);
  for (const { expr } of expressions) {
    const named = [...expr.matchAll(/job="([^"]+)"/g)].map(([, job]) => job);
    expect(jobs).toEqual(expect.arrayContaining(named));
  }
});

test('Grafana finds its dashboard and where its figures come from', () => {
  const { datasources } = readYaml<{ datasources: { uid: string; url: string }[] }>(
    'deploy/grafana/provisioning/datasources/prometheus.yml',
  );
  const uids = dashboard.panels.flatMap(({ datasource }) => datasource?.uid ?? []);
  expect(new Set(uids)).toEqual(new Set(datasources.map(({ uid }) => uid)));
  expect(datasources[0]?.url).toBe('http://prometheus:9090');
  const { providers } = readYaml<{ providers: { options: { path: string } }[] }>(
    'deploy/grafana/provisioning/dashboards/dashboards.yml',
  );
  const mounts = compose.services.grafana?.volumes ?? [];
  const path = providers[0]?.options.path;
  expect(mounts).toContain(`./deploy/grafana/dashboards:${path}:ro`);
});

test('the health check of a container says how a server is', () => {
  const check = (address: string) => {
    const { status, stdout } = spawnSync(process.execPath, [
      join(root, 'deploy/healthy.mjs'),
      address,
    ]);
    return { status, said: stdout.toString().trim() };
  };
  for (const { url } of up.welcome.servers) {
    expect(check(new URL(url).host)).toEqual({ status: 0, said: '{"ready":true}' });
  }
  expect(check('127.0.0.1:1')).toEqual({
    status: 1,
    said: expect.stringMatching(/refused|bad port/i),
  });
});
