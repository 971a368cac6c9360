import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

// What docker-compose.yml and deploy/ say, read for the tests.

export const root = resolve(import.meta.dirname, '../../..');

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function readYaml<T>(path: string): T {
  return parse(readText(path), { merge: true, maxAliasCount: -1 }) as T;
}

/** What the tests look at of a service, with `<<` resolved. */
export type Service = {
  readonly image: string;
  readonly profiles?: readonly string[];
  readonly restart: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly mem_limit?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: object;
  readonly networks?: { readonly default: { readonly aliases: readonly string[] } };
};

export type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: object;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
};

export const compose = readYaml<Compose>('docker-compose.yml');

/** The services of the three binaries. */
export const servers = Object.entries(compose.services).filter(([, { command }]) =>
  /^cmd\/(write-server|projector|read-server)\.ts$/.test(command?.[0] ?? ''),
);

/** Throws where the script fails. */
export function makeSecrets(folder: string): void {
  execFileSync('bash', [join(root, 'deploy/make-secrets.sh'), folder]);
}

export type Alert = {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string };
};

export const alerts = readYaml<{
  readonly groups: readonly { readonly rules: readonly Alert[] }[];
}>('deploy/prometheus/alerts.yml').groups.flatMap(({ rules }) => rules);

type Dashboard = {
  readonly panels: readonly {
    readonly title: string;
    readonly datasource?: { readonly uid: string };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
};

export const dashboard = JSON.parse(
  readText('deploy/grafana/dashboards/cipherhorizon.json'),
) as Dashboard;

export const expressions = [
  ...alerts.map(({ alert, expr }) => ({ of: alert, expr })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ of: title, expr })),
  ),
];

/** The metrics and the labels that an expression of PromQL names. */
export function namesIn(expr: string): { metrics: string[]; labels: string[] } {
  const labels: string[] = [];
  const noted = (form: RegExp, text: string): string =>
    text.replace(form, (_, list: string) => {
      labels.push(...[...list.matchAll(/\w+/g)].map(([name]) => name));
      return ' ';
    });
  let rest = expr.replace(/"[^"]*"/g, '').replace(/\[[^\]]*\]/g, ' ');
  rest = noted(/\b(?:by|without|on|ignoring) *\(([^)]*)\)/g, rest);
  rest = noted(/\{([^}]*)\}/g, rest);
  const words = [...rest.matchAll(/\b[a-zA-Z_:][\w:]*\b(?! *\()/g)].map(([word]) => word);
  return { metrics: words.filter((word) => !/^(and|or|unless|bool|offset)$/.test(word)), labels };
}
