// The kind MetricTemplate: its schema, and its parser.
import type { KubeObject } from '../kube/contract.ts';
import { isHttpUrl, Report, type Problem } from './problems.ts';
import { flag, list, map, object, text, TEXT_MAX, URL_MAX } from './schema-kit.ts';
import type { MetricTemplate } from './types.ts';

/** Metric providers that a template may name. */
export const SERVED_METRIC_TYPES = ['prometheus'] as const;

const FLAGGER_METRIC_TYPES = [
  'prometheus',
  'influxdb',
  'datadog',
  'externalmetrics',
  'stackdriver',
  'cloudwatch',
  'newrelic',
  'graphite',
  'dynatrace',
  'keptn',
  'splunk',
] as const;

/** spec of a MetricTemplate. */
export const metricTemplateSpecSchema = object('A query that Canaries share, and where it is asked.', {
  provider: object('Where the query is asked.', {
    type: text('Kind of the metric store.', 63, {
      byGroup: { 'serin.dev': { enum: SERVED_METRIC_TYPES }, 'flagger.app': { enum: FLAGGER_METRIC_TYPES } },
    }),
    address: text('URL of the store.', URL_MAX).optional(),
    headers: map('HTTP headers sent along.', list('Values of the header.', text('A value.', 4096), 16)).optional(),
    secretRef: object(
      'Secret with the credentials, in the namespace of the template: token, or username and password.',
      {
        name: text('Name of the Secret.'),
      },
    ).optional(),
    region: text('CloudWatch: the region. Comes in a later release.', 63).optional(),
    insecureSkipVerify: flag('Does not verify the certificate of the store.').optional(),
  }),
  query: text(
    'The query, as a Go template. Known: name, namespace, target, service, ingress, route, interval, and variables.<name> from templateVariables.',
    TEXT_MAX,
  ),
});

/** The outcome of parsing a MetricTemplate. */
export type ParsedMetricTemplate =
  | { readonly kind: 'valid'; readonly template: MetricTemplate }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

/** Reads a MetricTemplate of either group. Lists every problem; never throws for what it finds. */
export function parseMetricTemplate(resource: KubeObject): ParsedMetricTemplate {
  const report = new Report();
  const spec = report.read(metricTemplateSpecSchema, resource['spec'], 'spec');
  if (spec === null) return { kind: 'invalid', problems: report.problems };
  const { type, address = '' } = spec.provider;
  if (!SERVED_METRIC_TYPES.some((served) => served === type)) {
    const isLater = FLAGGER_METRIC_TYPES.some((known) => known === type);
    report.add(
      'spec.provider.type',
      isLater ? 'CAPABILITY_METRIC_PROVIDER' : 'SPEC_VALUE',
      `"${type}" ${isLater ? 'comes in a later release' : 'is unknown'}, must be one of ${SERVED_METRIC_TYPES.join(', ')}`,
    );
  }
  if (!isHttpUrl(address))
    report.add(
      'spec.provider.address',
      'SPEC_URL',
      `"${withoutCredentials(address)}" is not a URL, must begin with http:// or https://`,
    );
  if (spec.query.trim() === '') report.add('spec.query', 'SPEC_MISSING', 'is empty, must be a query');
  if (report.problems.length > 0) return { kind: 'invalid', problems: report.problems };
  const headers = Object.fromEntries(Object.entries(spec.provider.headers ?? {}));
  return {
    kind: 'valid',
    template: {
      namespace: resource.metadata.namespace ?? '',
      name: resource.metadata.name,
      provider: {
        type,
        address,
        headers,
        secretName: spec.provider.secretRef?.name ?? null,
        insecureSkipVerify: spec.provider.insecureSkipVerify ?? false,
      },
      query: spec.query,
    },
  };
}

/** Keeps what could be a password out of a message. */
function withoutCredentials(address: string): string {
  return address.includes('@') ? '(hidden)' : address.slice(0, 100);
}
