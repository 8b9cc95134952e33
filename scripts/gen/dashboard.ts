// The Grafana dashboard of the chart, from the list of its panels.
import { ROWS, type Panel } from './dashboard-panels.ts';
import type { Output } from './output.ts';

const PATH = 'charts/serin/files/dashboards/serin.json';
/** Of the layout of Grafana's files; newer versions read it too. */
const SCHEMA_VERSION = 39;
const COLUMNS = 24;
const HEIGHT = { stat: 8, timeseries: 8, table: 8 } as const;
const SOURCE = { type: 'prometheus', uid: '${datasource}' };

/** The dashboard as a file. */
export function dashboardFile(): Output {
  const dashboard = {
    uid: 'serin',
    title: 'serin',
    description: 'Progressive delivery: where each Canary is, and whether the controller can do its work.',
    tags: ['serin', 'canary'],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    templating: { list: variables() },
    annotations: { list: [] },
    panels: placed(),
  };
  return { path: PATH, content: `${JSON.stringify(dashboard, null, 2)}\n` };
}

function variables(): readonly unknown[] {
  const query = (name: string, label: string, expression: string): unknown => ({
    name,
    label,
    type: 'query',
    datasource: SOURCE,
    query: { query: expression, refId: name },
    definition: expression,
    includeAll: true,
    allValue: '.*',
    multi: true,
    current: { text: 'All', value: '$__all' },
    refresh: 2,
    sort: 1,
  });
  return [
    { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', current: {} },
    query('job', 'Installation', 'label_values(serin_queue_up, job)'),
    query('namespace', 'Namespace', 'label_values(serin_canary_phase, namespace)'),
    query('name', 'Canary', 'label_values(serin_canary_phase{namespace=~"$namespace"}, name)'),
  ];
}

/** Panels one beside the other, each row below its title. */
function placed(): readonly unknown[] {
  const panels: unknown[] = [];
  let [x, y] = [0, 0];
  for (const [title, members] of Object.entries(ROWS)) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: place(0, y, 24, 1),
    });
    [x, y] = [0, y + 1];
    for (const panel of members) {
      const height = HEIGHT[panel.kind];
      if (x + panel.width > COLUMNS) [x, y] = [0, y + height];
      panels.push(drawn(panel, panels.length + 1, place(x, y, panel.width, height)));
      x += panel.width;
    }
    [x, y] = [0, y + HEIGHT.timeseries];
  }
  return panels;
}

const place = (x: number, y: number, w: number, h: number): unknown => ({ x, y, w, h });

function drawn(panel: Panel, id: number, gridPos: unknown): unknown {
  const isTable = panel.kind === 'table';
  return {
    id,
    type: panel.kind,
    title: panel.title,
    description: panel.about,
    datasource: SOURCE,
    gridPos,
    fieldConfig: { defaults: fieldDefaults(panel), overrides: [] },
    options: OPTIONS[panel.kind],
    // The value of each line is 1: only its labels tell something.
    ...(isTable
      ? { transformations: [{ id: 'organize', options: { excludeByName: { Time: true, Value: true } } }] }
      : {}),
    targets: Object.entries(panel.queries).map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: SOURCE,
      expr,
      ...(isTable ? { format: 'table', instant: true } : { legendFormat, range: true }),
    })),
  };
}

function fieldDefaults({ kind, unit, redFrom, redBelow, isStacked = false }: Panel): unknown {
  const steps =
    redBelow === undefined
      ? [{ color: 'green', value: null }, ...(redFrom === undefined ? [] : [{ color: 'red', value: redFrom }])]
      : [
          { color: 'red', value: null },
          { color: 'green', value: redBelow },
        ];
  const custom =
    kind === 'timeseries'
      ? { custom: { fillOpacity: isStacked ? 30 : 5, stacking: { mode: isStacked ? 'normal' : 'none', group: 'A' } } }
      : {};
  return {
    unit,
    min: 0,
    color: { mode: kind === 'stat' ? 'thresholds' : 'palette-classic' },
    thresholds: { mode: 'absolute', steps },
    ...custom,
  };
}

const OPTIONS: Readonly<Record<Panel['kind'], unknown>> = {
  timeseries: {
    legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
  stat: {
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    colorMode: 'value',
    graphMode: 'none',
    textMode: 'auto',
    orientation: 'auto',
  },
  table: { showHeader: true, sortBy: [{ displayName: 'namespace', desc: false }] },
};
