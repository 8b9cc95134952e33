// One file, one exam, one row: sources, registries, conformance tests and documentation name the same providers.
import { describe, expect, it } from 'vitest';
import { ALERT_TYPES } from '../../src/notify/open.ts';
import { KNOWN_METRIC_PROVIDERS } from '../../src/metrics/registry.ts';
import { MESH_PROVIDERS } from '../../src/mesh/registry.gen.ts';
import { SERVED_PROVIDERS } from '../../src/api/provider-names.gen.ts';
import { workloadProviders } from '../../src/workload/registry.ts';
import { filesUnder, textOf } from './tree.ts';

/** Folder by folder: what makes a file a provider, as in .dependency-cruiser.mjs. */
const MARKS = {
  mesh: /^export const meshProvider\b/m,
  metrics: /^export function \w+\([^)]*\): (MetricSource|Scraper)\b/m,
  notify: /^export function open\w+Notifier\(/m,
  workload: /^export const \w+: WorkloadProvider\b/m,
} as const;

/** Providers that no conformance suite fits: the test that examines each instead, and what in it does. */
const EXAMINED_ELSEWHERE: Readonly<Record<string, readonly [file: string, holds: string]>> = {
  // It has no weights to examine: what it refuses is.
  'src/mesh/kubernetes.ts': ['test/unit/mesh/kubernetes.test.ts', 'src/mesh/kubernetes.ts'],
  // It speaks to the API server, not to a sink over HTTP.
  'src/notify/event.ts': ['test/unit/notify/event.test.ts', 'src/notify/event.ts'],
  // It is a door to the hook caller, which has a suite of its own.
  'src/notify/hooks.ts': ['test/unit/notify/open.test.ts', 'post-rollout'],
};

type Room = keyof typeof MARKS;

function providersOf(room: Room): readonly string[] {
  return filesUnder(`src/${room}`, '.ts').filter(
    (path) => !path.endsWith('/open.ts') && MARKS[room].test(textOf(path)),
  );
}

/** Files of the room's conformance suite that import the provider. */
function examsOf(path: string, room: Room): readonly string[] {
  const elsewhere = EXAMINED_ELSEWHERE[path];
  if (elsewhere !== undefined) return textOf(elsewhere[0]).includes(elsewhere[1]) ? [elsewhere[0]] : [];
  return filesUnder(`test/conformance/${room}`, '.ts').filter((file) => textOf(file).includes(`/${path}'`));
}

describe.each(Object.keys(MARKS) as Room[])('each provider of %s', (room) => {
  const providers = providersOf(room);

  it('is found', () => {
    expect(providers).not.toEqual([]);
  });

  it.each(providers)('%s sits an exam', (path) => {
    expect(examsOf(path, room)).not.toEqual([]);
  });
});

describe('mesh', () => {
  const page = textOf('docs/providers/mesh.md');

  it('has as many registered providers as files', () => {
    expect(MESH_PROVIDERS).toHaveLength(providersOf('mesh').length);
  });

  it('has the same names in the API as in the registry', () => {
    const names = MESH_PROVIDERS.map(({ name }) => name).toSorted();
    expect(SERVED_PROVIDERS.map(({ name }) => name)).toEqual(names);
  });

  it.each(MESH_PROVIDERS.map(({ name }) => name))('%s has its row', (name) => {
    expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'));
  });

  it('has no row of a provider that is not there', () => {
    const table = page.slice(page.indexOf('| provider |'), page.indexOf('\n\n', page.indexOf('| provider |')));
    const rows = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '');
    expect(rows.toSorted()).toEqual(MESH_PROVIDERS.map(({ name }) => name).toSorted());
  });
});

describe('metrics', () => {
  const page = textOf('docs/providers/metrics.md');
  const rowWith = (type: string): string =>
    page.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${type}\``)) ?? '';

  it.each(KNOWN_METRIC_PROVIDERS.map(({ type, isSupported }) => [type, isSupported] as const))(
    '%s has its row, which says whether it is there',
    (type, isSupported) => {
      expect(rowWith(type)).toContain(isSupported ? '| supported' : 'not supported yet');
    },
  );

  it('scrape has its row', () => {
    expect(rowWith('scrape')).toContain('supported');
  });
});

describe('notify', () => {
  const page = textOf('docs/providers/notify.md');

  it.each([...ALERT_TYPES])('type %s is documented', (type) => {
    expect(page).toContain(`\`${type}\``);
  });

  it('has a row for each sink', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| sink'));
    for (const sink of [
      'Kubernetes Events',
      'Slack Web API',
      'Slack incoming webhook',
      'generic webhook',
      'hooks of type',
    ])
      expect(rows.some((row) => row.startsWith(`| ${sink}`))).toBe(true);
  });
});

describe('workload', () => {
  it('has as many registered providers as files', () => {
    expect(workloadProviders).toHaveLength(providersOf('workload').length);
  });
});
