// MetricTemplate, AlertProvider, grants, provider names and durations.
import { describe, expect, it } from 'vitest';
import { parseAlertProvider, SERVED_ALERT_TYPES } from '../../../src/api/alert-provider-schema.ts';
import { formatDurationMs, parseDurationMs } from '../../../src/api/duration.ts';
import { isGranted } from '../../../src/api/grants.ts';
import { parseMetricTemplate, SERVED_METRIC_TYPES } from '../../../src/api/metric-template-schema.ts';
import { FLAGGER_PROVIDER_NAMES, OWN_PROVIDER_NAMES, resolveProvider } from '../../../src/api/provider-names.ts';
import { MESH_PROVIDERS } from '../../../src/mesh/registry.gen.ts';
import { KNOWN_METRIC_PROVIDERS } from '../../../src/metrics/registry.ts';
import { ALERT_TYPES } from '../../../src/notify/open.ts';
import { aMetricTemplateObject, anAlertProviderObject } from '../../support/canary-fixtures.ts';

describe('parseMetricTemplate()', () => {
  it('reads a template', () => {
    const spec = {
      provider: { headers: { 'X-Scope-OrgID': ['shop'] }, secretRef: { name: 'prom' }, insecureSkipVerify: true },
    };
    expect(parseMetricTemplate(aMetricTemplateObject({ spec }))).toEqual({
      kind: 'valid',
      template: {
        namespace: 'shop',
        name: 'latency',
        provider: {
          type: 'prometheus',
          address: 'http://prometheus.monitoring:9090',
          headers: { 'X-Scope-OrgID': ['shop'] },
          secretName: 'prom',
          insecureSkipVerify: true,
        },
        query: 'avg(latency{workload="{{ target }}"}[{{ interval }}])',
      },
    });
  });

  it.each([
    { spec: { provider: { type: 'datadog' } }, path: 'spec.provider.type', code: 'CAPABILITY_METRIC_PROVIDER' },
    { spec: { provider: { type: 'promtheus' } }, path: 'spec.provider.type', code: 'SPEC_VALUE' },
    { spec: { provider: { address: undefined } }, path: 'spec.provider.address', code: 'SPEC_URL' },
    { spec: { query: ' \n' }, path: 'spec.query', code: 'SPEC_MISSING' },
    { spec: { query: undefined }, path: 'spec.query', code: 'SPEC_MISSING' },
  ])('refuses $path ($code)', ({ spec, path, code }) => {
    expect(parseMetricTemplate(aMetricTemplateObject({ spec }))).toMatchObject({
      kind: 'invalid',
      problems: [{ path, code }],
    });
  });

  it('never repeats credentials of an address', () => {
    const parsed = parseMetricTemplate(
      aMetricTemplateObject({ spec: { provider: { address: 'ftp://user:hunter2@prom' } } }),
    );
    expect(JSON.stringify(parsed)).not.toContain('hunter2');
  });
});

describe('parseAlertProvider()', () => {
  it('reads a provider with its defaults', () => {
    const spec = { channel: undefined, address: undefined, secretRef: { name: 'slack' } };
    expect(parseAlertProvider(anAlertProviderObject({ group: 'flagger.app', spec }))).toEqual({
      kind: 'valid',
      provider: {
        namespace: 'shop',
        name: 'on-call',
        type: 'slack',
        channel: 'general',
        username: 'flagger',
        address: null,
        proxy: null,
        secretName: 'slack',
        options: {},
      },
    });
  });

  it.each([
    { spec: { type: 'msteams' }, path: 'spec.type', code: 'CAPABILITY_ALERT_PROVIDER' },
    { spec: { type: 'slak' }, path: 'spec.type', code: 'SPEC_VALUE' },
    { spec: { address: undefined }, path: 'spec', code: 'SPEC_MISSING' },
    { spec: { secretRef: { name: 'x' } }, path: 'spec', code: 'SPEC_MISSING' },
    { spec: { address: 'hooks.slack.com/x' }, path: 'spec.address', code: 'SPEC_URL' },
    { spec: { proxy: 'squid:3128' }, path: 'spec.proxy', code: 'SPEC_URL' },
  ])('refuses $path ($code)', ({ spec, path, code }) => {
    expect(parseAlertProvider(anAlertProviderObject({ spec }))).toMatchObject({
      kind: 'invalid',
      problems: [{ path, code }],
    });
  });
});

describe('isGranted()', () => {
  const template = (grant?: string) =>
    aMetricTemplateObject({
      namespace: 'ops',
      ...(grant === undefined ? {} : { metadata: { annotations: { 'serin.dev/allow-from': grant } } }),
    });

  it.each([
    { grant: undefined, from: 'ops', granted: true },
    { grant: undefined, from: 'shop', granted: false },
    { grant: 'shop', from: 'shop', granted: true },
    { grant: 'web, shop', from: 'shop', granted: true },
    { grant: 'web,shop2', from: 'shop', granted: false },
    { grant: '', from: 'shop', granted: false },
    { grant: '*', from: 'shop', granted: true },
    { grant: 'sh*', from: 'shop', granted: false },
  ])('grant $grant for $from: $granted', ({ grant, from, granted }) => {
    expect(isGranted(template(grant), from)).toBe(granted);
  });
});

describe('resolveProvider()', () => {
  it.each([
    ['istio', { kind: 'served', name: 'istio' }],
    ['appmesh', { kind: 'served', name: 'appmesh-v1beta1' }],
    ['appmesh:v1beta2', { kind: 'served', name: 'appmesh-v1beta2' }],
    ['gatewayapi:v1', { kind: 'served', name: 'gateway-api' }],
    ['smi:v1alpha2', { kind: 'served', name: 'smi' }],
    ['contour', { kind: 'later' }],
    ['gatewayapi', { kind: 'unknown' }],
    ['Istio', { kind: 'unknown' }],
  ])('%s', (name, expected) => {
    expect(resolveProvider(name)).toEqual(expected);
  });

  it('an alias that ends in * takes any suffix', () => {
    expect(resolveProvider('smi:v1alpha2:istio')).toEqual({ kind: 'served', name: 'smi' });
  });

  it('every name in the enum of serin.dev is served, and flagger.app has all of them', () => {
    for (const name of OWN_PROVIDER_NAMES) expect(resolveProvider(name).kind, name).toBe('served');
    expect(FLAGGER_PROVIDER_NAMES).toEqual(expect.arrayContaining([...OWN_PROVIDER_NAMES]));
  });
});

describe('durations', () => {
  it.each([
    ['0', 0],
    ['1.5h', 5_400_000],
    ['1m1h', 3_660_000],
    ['250ms', 250],
    ['', null],
    ['5', null],
    ['1d', null],
    ['1m ', null],
    [`${'9'.repeat(20)}s`, null],
  ])('parseDurationMs("%s") is %s', (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });

  it('formatDurationMs() writes what parseDurationMs() reads', () => {
    for (const durationMs of [0, 1, 1000, 90_000, 3_600_000, 604_800_000, 61_001])
      expect(parseDurationMs(formatDurationMs(durationMs))).toBe(durationMs);
    expect(formatDurationMs(90_000)).toBe('1m30s');
  });
});

describe('what the API says is served', () => {
  it('is what the drivers serve', () => {
    expect(SERVED_METRIC_TYPES).toEqual(
      KNOWN_METRIC_PROVIDERS.filter((known) => known.isSupported).map((known) => known.type),
    );
    expect(SERVED_ALERT_TYPES).toEqual(ALERT_TYPES);
    for (const { name, aliases } of MESH_PROVIDERS) {
      for (const known of [name, ...aliases])
        expect(resolveProvider(known.replace('*', '')), known).toEqual({ kind: 'served', name });
    }
  });
});
