// From a Canary object to a Canary that the loop can work with, or to every problem that stands against it.
import { apiVersionOf, canaryKind, CANARY_GROUPS } from '../kube/kinds.ts';
import type { KubeObject } from '../kube/contract.ts';
import { canarySpecSchema, type CanarySpecInput } from './canary-schema.ts';
import { refuseLaterFields, type ReadingContext } from './later-fields.ts';
import { parsePolicy } from './parse-analysis.ts';
import { parseService } from './parse-service.ts';
import { isHttpUrl, Report, type Note, type Problem } from './problems.ts';
import { resolveProvider, SERVED_PROVIDER_NAMES } from './provider-names.ts';
import type { Canary, CanaryIdentity, LocalRef } from './types.ts';

/** Settings of the controller that fill what a Canary leaves open. */
export interface ParseSettings {
  /** `--mesh-provider`; null when unset, and then each Canary must name its own. */
  readonly defaultProvider: string | null;
}

/** The outcome of parsing. `notes` says what was changed or dropped to follow Flagger: worth an Event, never a reason to stop. */
export type ParsedCanary =
  | { readonly kind: 'valid'; readonly canary: Canary; readonly notes: readonly Note[] }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

/**
 * Parses, defaults and judges a Canary of either group. Promises: never throws for what it finds; lists every problem of
 * a level (shape first, then meaning), the first of which leads; a `valid` Canary has no field that would be ignored.
 */
export function parseCanary(resource: KubeObject, settings: ParseSettings): ParsedCanary {
  const report = new Report();
  const identity = identityOf(resource);
  if (identity === null) {
    report.add(
      'apiVersion',
      'SPEC_VALUE',
      `is "${resource.apiVersion}", must be one of ${CANARY_GROUPS.map((group) => apiVersionOf(canaryKind(group))).join(', ')}`,
    );
    return { kind: 'invalid', problems: report.problems };
  }
  const spec = report.read(canarySpecSchema, resource['spec'], 'spec');
  if (spec === null) return { kind: 'invalid', problems: report.problems };
  const context: ReadingContext = {
    group: identity.group,
    namespace: identity.namespace,
    provider: providerOf(spec, settings, report),
    notes: [],
  };
  refuseLaterFields(spec, context, report);
  checkMetricsServer(spec, report);
  const service = parseService(spec, report);
  const policy = parsePolicy(spec, context, report);
  checkReadiness(spec, context, report);
  if (report.problems.length > 0 || service === null) return { kind: 'invalid', problems: report.problems };
  const canary: Canary = {
    identity,
    provider: spec.provider || null,
    metricsServer: spec.metricsServer || null,
    targetRef: refOf(spec.targetRef),
    autoscalerRef: autoscalerOf(spec),
    service,
    policy,
    secretTracking: spec.configTracking?.secrets ?? 'poll',
    annotations: { ...resource.metadata.annotations },
  };
  return { kind: 'valid', canary, notes: context.notes };
}

/** Who a Canary is; null when its group is not one of ours. */
function identityOf(resource: KubeObject): CanaryIdentity | null {
  const group = CANARY_GROUPS.find((one) => resource.apiVersion.startsWith(`${one}/`));
  if (group === undefined) return null;
  const { namespace = '', name, uid = '', generation = 0 } = resource.metadata;
  return { group, apiVersion: resource.apiVersion, namespace, name, uid, generation };
}

/** Our name of the provider that counts; a missing, later or unknown one is a problem and there is no fallback. */
function providerOf(spec: CanarySpecInput, settings: ParseSettings, report: Report): string | null {
  const path = 'spec.provider';
  const name = spec.provider || settings.defaultProvider;
  const known = SERVED_PROVIDER_NAMES.join(', ');
  if (name === null || name === '') {
    report.add(path, 'SPEC_PROVIDER', `is missing and the controller has no --mesh-provider, must be one of ${known}`);
    return null;
  }
  const resolved = resolveProvider(name);
  if (resolved.kind === 'served') return resolved.name;
  if (resolved.kind === 'later')
    report.add(path, 'CAPABILITY_PROVIDER', `"${name}" comes in a later release, must be one of ${known}`);
  else report.add(path, 'SPEC_PROVIDER', `"${name}" is unknown, must be one of ${known}`);
  return null;
}

function checkMetricsServer(spec: CanarySpecInput, report: Report): void {
  const { metricsServer } = spec;
  if (!metricsServer || metricsServer === 'scrape' || isHttpUrl(metricsServer)) return;
  report.add('spec.metricsServer', 'SPEC_URL', 'is not a URL, must begin with http:// or https://, or be scrape');
}

/** With 0 percent nobody need be ready, and traffic would go to nobody. Flagger takes it; its users keep it. */
function checkReadiness({ analysis }: CanarySpecInput, context: ReadingContext, report: Report): void {
  if (context.group === 'flagger.app') return;
  for (const field of ['primaryReadyThreshold', 'canaryReadyThreshold'] as const) {
    if (analysis[field] === 0) report.add(`spec.analysis.${field}`, 'SPEC_RANGE', 'is 0, must be from 1 to 100');
  }
}

function refOf({ apiVersion, kind, name }: LocalRef): LocalRef {
  return { apiVersion, kind, name };
}

function autoscalerOf({ autoscalerRef }: CanarySpecInput): Canary['autoscalerRef'] {
  if (autoscalerRef === undefined) return null;
  const { minReplicas = null, maxReplicas = null } = autoscalerRef.primaryScalerReplicas ?? {};
  return { ...refOf(autoscalerRef), minReplicas, maxReplicas };
}
