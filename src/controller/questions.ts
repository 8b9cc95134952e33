// From a check to a question for a metric source: built-in metrics, inline queries and MetricTemplates.
import type { Canary, MetricTemplate } from '../api/types.ts';
import type { Check } from '../core/policy.ts';
import { InvalidSpecError, UnsupportedError, type SerinError } from '../errors.ts';
import { metricTemplateKind, refOf, SECRET } from '../kube/kinds.ts';
import type { MetricEndpoint, MetricQuestion, MetricSource, MetricSubject } from '../metrics/contract.ts';
import type { Drivers, Mesh } from './drivers.ts';
import { protocolOf } from './protocol.ts';
import { secretValues } from './secrets.ts';

/** Whom to ask, and what. */
export interface Asked {
  readonly source: MetricSource;
  readonly question: MetricQuestion;
}

/** Prepares one check. Throws InvalidSpecError when a template does not exist or may not be used. */
export async function questionOf(
  key: string,
  canary: Canary,
  mesh: Mesh,
  check: Check,
  use: Drivers,
  signal: AbortSignal,
): Promise<Asked> {
  const subject = subjectOf(key, canary);
  const base = { windowMs: check.windowMs, windowText: check.windowText, subject };
  const server = metricsServerOf(canary, use);
  const why = sourceless(canary, mesh, check, use);
  if (why !== null) throw why;
  if (check.source.kind === 'builtin') {
    const traffic = mesh.provider.metrics(protocolOf(canary, mesh.provider.name))!;
    const source = server === 'scrape' ? use.scraper : use.prometheus(plainEndpoint(server));
    return { source, question: { ...base, what: { kind: 'builtin', metric: check.source.metric, traffic } } };
  }
  if (check.source.kind === 'query') {
    const query = use.renderQuery(check.source.query, subject, check.windowText, {});
    return { source: use.prometheus(plainEndpoint(server)), question: { ...base, what: { kind: 'query', query } } };
  }
  const template = await templateOf(canary, check.source, use, signal);
  const query = use.renderQuery(template.query, subject, check.windowText, check.source.variables);
  const endpoint = await endpointOf(template, use, signal);
  return { source: use.prometheus(endpoint), question: { ...base, what: { kind: 'query', query } } };
}

/** Why no source answers a check, by the spec and the settings alone; null when one may. */
export function sourceless(canary: Canary, mesh: Mesh, check: Check, use: Drivers): SerinError | null {
  const path = 'spec.analysis.metrics';
  if (check.source.kind === 'query' && metricsServerOf(canary, use) === 'scrape') {
    const message = `Cannot use ${path}: the query of "${check.name}" needs a Prometheus, must have its URL in spec.metricsServer or --metrics-server`;
    return new InvalidSpecError('SPEC_METRIC', path, message);
  }
  const protocol = protocolOf(canary, mesh.provider.name);
  if (check.source.kind !== 'builtin' || mesh.provider.metrics(protocol) !== null) return null;
  const message = `Cannot use ${path}: provider "${mesh.provider.name}" has no "${check.name}" for ${protocol}, must have templateRef under another name`;
  return new UnsupportedError('CAPABILITY_METRIC', message);
}

/** `scrape` or the URL of a Prometheus. */
export function metricsServerOf(canary: Canary, use: Drivers): string {
  return canary.metricsServer ?? use.settings.metricsServer;
}

/** The names that templates and built-in queries may use. */
export function subjectOf(key: string, canary: Canary): MetricSubject {
  const target = canary.targetRef.name;
  return {
    key,
    namespace: canary.identity.namespace,
    name: canary.identity.name,
    target,
    primary: `${target}-primary`,
    service: canary.service.apexName,
    ingress: target,
    route: target,
  };
}

const plainEndpoint = (address: string): MetricEndpoint => ({
  address,
  headers: {},
  credentials: null,
  insecureSkipVerify: false,
});

async function templateOf(
  canary: Canary,
  from: Extract<Check['source'], { kind: 'template' }>,
  use: Drivers,
  signal: AbortSignal,
): Promise<MetricTemplate> {
  const namespace = from.namespace ?? canary.identity.namespace;
  const ref = refOf(metricTemplateKind(canary.identity.group), namespace, from.name);
  const object = await use.kube.cache.read(ref, { signal });
  if (object === null) {
    throw new InvalidSpecError(
      'SPEC_TEMPLATE_MISSING',
      'spec.analysis.metrics[].templateRef',
      `MetricTemplate ${namespace}/${from.name} does not exist`,
    );
  }
  if (namespace !== canary.identity.namespace && !use.isGranted(object, canary.identity.namespace)) {
    throw new InvalidSpecError(
      'SPEC_NOT_GRANTED',
      'spec.analysis.metrics[].templateRef',
      `MetricTemplate ${namespace}/${from.name} is in another namespace and does not allow ${canary.identity.namespace}: annotate it with serin.dev/allow-from`,
    );
  }
  return use.parseTemplate(object);
}

async function endpointOf(template: MetricTemplate, use: Drivers, signal: AbortSignal): Promise<MetricEndpoint> {
  const { provider } = template;
  const base = {
    address: provider.address,
    headers: provider.headers,
    insecureSkipVerify: provider.insecureSkipVerify,
  };
  if (provider.secretName === null) return { ...base, credentials: null };
  const secret = await secretValues(refOf(SECRET, template.namespace, provider.secretName), use, signal);
  const caPem = secret['ca.crt'];
  return {
    ...base,
    ...(caPem === undefined ? {} : { caPem }),
    credentials: use.metricCredentials(provider.type, secret),
  };
}
