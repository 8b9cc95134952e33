// Opens metric sources by the type that a MetricTemplate names: the only door to the providers.
import type { HttpClient } from '../http/contract.ts';
import type { Clock } from '../util/clock.ts';
import type { MetricEndpoint, MetricSource, MetricSubject } from './contract.ts';
import { openPrometheus, prometheusCredentials } from './prometheus.ts';
import { requireMetricProvider } from './registry.ts';
import { renderQuery } from './template.ts';

export { openPrometheus } from './prometheus.ts';
export { createScraper } from './scrape.ts';

/** Opens a source. Throws UnsupportedError or InvalidSpecError, with the list of types, when there is none of that type. */
export function openMetricSource(
  ports: { readonly http: HttpClient; readonly clock: Clock },
  type: string,
  endpoint: MetricEndpoint,
): MetricSource {
  requireMetricProvider(type);
  return openPrometheus(ports, endpoint);
}

/** Reads a provider's credentials from its Secret's decoded data. Throws as `openMetricSource`, and InvalidSpecError when keys are missing. */
export function readMetricCredentials(
  type: string,
  secret: Readonly<Record<string, string>>,
): NonNullable<MetricEndpoint['credentials']> {
  requireMetricProvider(type);
  return prometheusCredentials(secret);
}

/**
 * Renders a query for a Canary. Manifests of `flagger.app` may hold pieces of queries in variables, as Flagger allows;
 * in `serin.dev` a variable outside quotes must be a name, a number or a duration. Throws InvalidSpecError SPEC_TEMPLATE.
 */
export function renderMetricQuery(
  template: string,
  subject: MetricSubject,
  windowText: string,
  variables: Readonly<Record<string, string>>,
): string {
  const outsideQuotes = subject.key.startsWith('flagger.app/') ? 'any' : 'token';
  return renderQuery(template, { subject, interval: windowText, variables }, { outsideQuotes });
}
