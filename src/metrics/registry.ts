// The metric providers that Flagger knows, which of them serin has, and clear refusals for the rest.
import { InvalidSpecError, UnsupportedError } from '../errors.ts';
import type { MetricProvider } from './contract.ts';

/** A provider type as users may write it. */
export interface KnownMetricProvider extends MetricProvider {
  readonly isSupported: boolean;
}

/** Every provider type of Flagger's MetricTemplate. The order is the one of its documentation. */
export const KNOWN_METRIC_PROVIDERS: readonly KnownMetricProvider[] = [
  { type: 'prometheus', isSupported: true, secretKeys: ['token', 'username', 'password'] },
  { type: 'datadog', isSupported: false, secretKeys: ['datadog_api_key', 'datadog_application_key'] },
  { type: 'cloudwatch', isSupported: false, secretKeys: [] },
  { type: 'newrelic', isSupported: false, secretKeys: ['newrelic_account_id', 'newrelic_query_key'] },
  { type: 'graphite', isSupported: false, secretKeys: ['username', 'password'] },
  { type: 'stackdriver', isSupported: false, secretKeys: ['project', 'serviceAccountKey'] },
  { type: 'influxdb', isSupported: false, secretKeys: ['token', 'org'] },
  { type: 'dynatrace', isSupported: false, secretKeys: ['dynatrace_token'] },
  { type: 'keptn', isSupported: false, secretKeys: [] },
  { type: 'splunk', isSupported: false, secretKeys: ['sf_token_key'] },
  { type: 'externalmetrics', isSupported: false, secretKeys: ['token'] },
];

/** The provider of that type. Throws UnsupportedError for one that serin does not have yet and InvalidSpecError for an unknown one, both with the list. */
export function requireMetricProvider(type: string): KnownMetricProvider {
  const provider = KNOWN_METRIC_PROVIDERS.find((known) => known.type === type);
  const supported = KNOWN_METRIC_PROVIDERS.filter((known) => known.isSupported).map((known) => known.type);
  if (provider === undefined) {
    throw new InvalidSpecError(
      'SPEC_METRIC_PROVIDER',
      'spec.provider.type',
      `Cannot use metric provider "${type}": unknown, must be one of ${supported.join(', ')}`,
    );
  }
  if (!provider.isSupported) {
    throw new UnsupportedError(
      'CAPABILITY_METRIC_PROVIDER',
      `Cannot use metric provider "${type}": not supported yet, must be one of ${supported.join(', ')}`,
    );
  }
  return provider;
}
