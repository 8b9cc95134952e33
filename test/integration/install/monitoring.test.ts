// Alerts and dashboard of the chart on a real Prometheus: every query has an answer from what the controller shows, and every alert fires when it should.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMeters, type Meters } from '../../../src/telemetry/metrics.ts';
import { CHART } from '../../support/helm.ts';
import { anchorsOf } from '../../house/rules.ts';
import { freePorts, waitFor } from '../../real/waiting.ts';

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly type: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[];
  }[];
}
interface Rules {
  readonly groups: readonly { readonly rules: readonly Alert[] }[];
}
interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly runbook_url: string };
}

const dashboard = JSON.parse(readFileSync(join(CHART, 'files/dashboards/serin.json'), 'utf8')) as Dashboard;
const RULES = join(CHART, 'files/alerts/serin.yaml');
const alerts = (parse(readFileSync(RULES, 'utf8')) as Rules).groups.flatMap(({ rules }) => rules);
const STORIES = fileURLToPath(new URL('alert-stories.yaml', import.meta.url));

const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;
const mustRun = process.env['CI'] === 'true';

describe('the dashboard', () => {
  it('has panels that do not overlap, each with an id of its own', () => {
    expect(dashboard.panels.length).toBeGreaterThan(20);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect([title, gridPos.x + gridPos.w <= 24]).toEqual([title, true]);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect([title, taken.has(`${x}/${y}`)]).toEqual([title, false]);
          taken.add(`${x}/${y}`);
        }
    }
  });
});

describe('alerts', () => {
  it('each have a story in which they fire, and one in which they do not', () => {
    interface Story {
      readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts?: readonly unknown[] }[];
    }
    const { tests } = parse(readFileSync(STORIES, 'utf8')) as { tests: readonly Story[] };
    const told = tests.flatMap(({ alert_rule_test }) => alert_rule_test);
    const names = (doesFire: boolean): readonly string[] =>
      told.filter((one) => (one.exp_alerts !== undefined) === doesFire).map(({ alertname }) => alertname);
    const wanted = alerts.map(({ alert }) => alert).toSorted();
    expect(names(true).toSorted()).toEqual(wanted);
    expect(names(false).toSorted()).toEqual(wanted);
  });

  it('lead to places of the runbook that are there, and have a row in its table', () => {
    const runbook = readFileSync(fileURLToPath(new URL('../../../docs/runbook.md', import.meta.url)), 'utf8');
    for (const { alert, annotations } of alerts) {
      const [page, anchor = ''] = annotations.runbook_url.split('#');
      expect([alert, page, anchorsOf(runbook).includes(anchor)]).toEqual([alert, 'docs/runbook.md', true]);
      expect([alert, runbook.includes(`\`${alert}\``)]).toEqual([alert, true]);
    }
  });

  it.skipIf(!hasPrometheus && !mustRun)('fire in those stories only (needs the package prometheus)', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', STORIES], { encoding: 'utf8' });
    expect([status, stdout + stderr]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });
});

describe.skipIf(!hasPrometheus && !mustRun)('on a real Prometheus (needs the program prometheus)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'serin-monitoring-'));
  const meters = createMeters({ version: '0.1.0', meshProvider: 'istio', hasProcessMetrics: true });
  const server = createServer((_, response) => {
    happen(meters);
    void meters.render().then(({ contentType, body }) => {
      response.writeHead(200, { 'content-type': contentType }).end(body);
    });
  });
  let prometheus: ChildProcess | null = null;
  let url = '';

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const [port = 0] = await freePorts(1);
    url = `http://127.0.0.1:${port}`;
    const config = join(folder, 'prometheus.yaml');
    writeFileSync(config, configFor((server.address() as AddressInfo).port));
    const storage = `--storage.tsdb.path=${join(folder, 'data')}`;
    prometheus = spawn('prometheus', [`--config.file=${config}`, storage, `--web.listen-address=127.0.0.1:${port}`], {
      stdio: 'ignore',
    });
    const isAnswered = async (): Promise<boolean> => (await ask('rate(process_cpu_seconds_total[10s])')).length > 0;
    await waitFor('two scrapes', isAnswered, 60_000);
  });

  afterAll(() => {
    prometheus?.kill('SIGKILL');
    server.closeAllConnections();
    server.close();
    meters.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(query: string): Promise<readonly { readonly metric: Readonly<Record<string, string>> }[]> {
    const answer = await fetch(`${url}/api/v1/query?${String(new URLSearchParams({ query }))}`);
    const { data, error } = (await answer.json()) as {
      data?: { result: { metric: Record<string, string> }[] };
      error?: string;
    };
    if (data === undefined) throw new Error(`Prometheus refuses ${query}: ${error ?? ''}`);
    return data.result;
  }

  const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat = '' }) => [title, expr, legendFormat] as const),
  );

  it.each(queries)('panel "%s" has an answer: %s', async (_, expression, legend) => {
    const result = await ask(filledIn(expression));
    expect(result).not.toEqual([]);
    const labels = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? '');
    for (const label of labels) expect([label, result.filter(({ metric }) => !metric[label])]).toEqual([label, []]);
  });

  it('alerts speak of metrics that are there', async () => {
    const selectors = new Set(alerts.flatMap(({ expr }) => [...expr.matchAll(/\b(?:serin|flagger)_\w+/g)].map(String)));
    expect(selectors.size).toBeGreaterThan(8);
    for (const selector of selectors) expect([selector, (await ask(selector)).length > 0]).toEqual([selector, true]);
  });

  it('alerts are evaluated without an error', async () => {
    interface Loaded {
      readonly data: { readonly groups: readonly { readonly rules: readonly { name: string; health: string }[] }[] };
    }
    const load = async (): Promise<readonly { name: string; health: string }[]> =>
      ((await (await fetch(`${url}/api/v1/rules`)).json()) as Loaded).data.groups.flatMap(({ rules }) => rules);
    await waitFor('an evaluation', async () => (await load()).every(({ health }) => health !== 'unknown'), 30_000);
    expect((await load()).map(({ name, health }) => [name, health])).toEqual(alerts.map(({ alert }) => [alert, 'ok']));
  });
});

/** One of everything that is counted. */
function happen(meters: Meters): void {
  const canary = { namespace: 'shop', name: 'web', target: 'web' };
  const more = { kind: 'Deployment', provider: 'istio', canaryWeight: 10 };
  meters.showCanary({ ...canary, ...more, phase: 'Progressing' });
  meters.showCanary({ ...canary, name: 'cart', target: 'cart', ...more, phase: 'Failed' });
  meters.countCheck(canary, 'latency', 'Pass', 12);
  const end = { ...canary, strategy: 'canary', analysis: 'completed', durationSeconds: 60 } as const;
  meters.countRunEnd({ ...end, hasSucceeded: true });
  meters.countRunEnd({ ...end, hasSucceeded: false });
  meters.countLook('done', 0.01);
  meters.countDecision('tick');
  meters.setOverdueChecks(0);
  meters.setStaleWatches(0);
  meters.countKubeRequest({ verb: 'patch', resource: 'Canary', lane: 'progress', code: 200, durationSeconds: 0.01 });
  meters.setQueue({ isUp: true, rebuilds: 1 });
  meters.countDelivery('slack', 'delivered');
  meters.countMetricQuery('prometheus', 0.02);
  meters.countHook('rollout', 'pass');
}

/** Scrapes each second, as the ServiceMonitor has it: labels of metrics go before those of the target. */
const configFor = (port: number): string => `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [${RULES}]
scrape_configs:
  - job_name: serin
    honor_labels: true
    static_configs: [{targets: ['127.0.0.1:${port}'], labels: {namespace: serin, pod: serin-0}}]
`;

/** The variables of the dashboard as Grafana fills them in. */
function filledIn(expression: string): string {
  const filled = expression
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', '1h')
    .replaceAll(/\$(job|namespace|name)\b/g, '.*');
  if (filled.includes('$')) throw new Error(`Cannot fill in ${filled}: unknown variable`);
  return filled;
}
