// Writes the Services: creation by POST, repairs and the apex's selector by fenced JSON Patch.
import type { Canary } from '../api/types.ts';
import type { CallOptions, Kube, KubeObject, PatchOperation } from '../kube/contract.ts';
import { SERVICE } from '../kube/kinds.ts';
import { fieldOf, listOf, objectOf } from './fields.ts';
import type { WorkloadFound } from './contract.ts';
import { ORIGINAL_SERVICE_ANNOTATION, TOOLKIT_ANNOTATIONS, isOwnedBy, serviceNamesOf } from './names.ts';
import type { ServiceRole, ServicesPlan } from './services.ts';
import {
  apexSelector,
  buildService,
  keptMetadata,
  mergedPorts,
  portEntries,
  roleTo,
  samePorts,
  selectorFor,
} from './services.ts';
import { annotationOperations, createFound, objectIn, patchFound, setOperation } from './writes.ts';

/** Creates what is absent (the apex selects the target's pods) and repairs what differs; the apex's selector is left alone. */
export async function ensureServices(
  kube: Kube,
  canary: Canary,
  found: WorkloadFound,
  plan: ServicesPlan,
  options?: CallOptions,
): Promise<void> {
  const names = serviceNamesOf(canary);
  for (const role of ['primary', 'canary', 'apex'] as const) {
    const existing = objectIn(found, SERVICE, names[role]);
    if (existing === null) {
      const to = role === 'apex' ? 'target' : roleTo(role);
      await createFound(kube, found, SERVICE, buildService(canary, role, to, plan), options);
      continue;
    }
    const selector = role === 'apex' ? null : selectorFor(plan.label, roleTo(role));
    await patchFound(kube, found, SERVICE, names[role], repairs(canary, role, existing, selector, plan), options);
  }
}

/** Points the apex at the target's or the primary's pods; creates it when it is absent. */
export async function pointApex(
  kube: Kube,
  canary: Canary,
  found: WorkloadFound,
  to: 'target' | 'primary',
  plan: ServicesPlan,
  options?: CallOptions,
): Promise<void> {
  const { apex: name } = serviceNamesOf(canary);
  const existing = objectIn(found, SERVICE, name);
  if (existing === null) {
    await createFound(kube, found, SERVICE, buildService(canary, 'apex', to, plan), options);
    return;
  }
  const selector = apexSelector(existing, isOwnedBy(existing, canary), to, plan);
  await patchFound(kube, found, SERVICE, name, repairs(canary, 'apex', existing, selector, plan), options);
}

/** The operations that make a Service what it should be; `selector` null leaves its selector alone. */
function repairs(
  canary: Canary,
  role: ServiceRole,
  service: KubeObject,
  selector: Record<string, string> | null,
  plan: ServicesPlan,
): PatchOperation[] {
  const isOurs = isOwnedBy(service, canary);
  const ports = isOurs ? portEntries(plan.ports, service) : mergedPorts(plan.ports, service);
  const operations: PatchOperation[] = [];
  if (!samePorts(listOf(service, 'spec', 'ports'), ports))
    operations.push({ op: 'add', path: '/spec/ports', value: ports });
  if (selector !== null)
    operations.push(...setOperation('/spec/selector', fieldOf(service, 'spec', 'selector'), selector));
  if (!isOurs) {
    if (operations.length > 0 && canary.policy.revertOnDeletion)
      operations.push(...annotationOperations(service, originalNote(service)));
    // Flagger's users count on Flux leaving an adopted Service alone; elsewhere a user's metadata is the user's.
    if (canary.identity.group === 'flagger.app' && operations.length > 0)
      operations.push(...annotationOperations(service, TOOLKIT_ANNOTATIONS));
    return operations;
  }
  const { labels, annotations } = keptMetadata(canary, role, service, plan.label);
  operations.push(...setOperation('/metadata/labels', service.metadata.labels ?? {}, labels));
  operations.push(...setOperation('/metadata/annotations', service.metadata.annotations ?? {}, annotations));
  const { trafficDistribution } = canary.service;
  if (trafficDistribution !== null) {
    operations.push(
      ...setOperation(
        '/spec/trafficDistribution',
        fieldOf(service, 'spec', 'trafficDistribution'),
        trafficDistribution,
      ),
    );
  }
  return operations;
}

/** What a user's Service was before our first change of it. */
function originalNote(service: KubeObject): Record<string, string> {
  if (service.metadata.annotations?.[ORIGINAL_SERVICE_ANNOTATION] !== undefined) return {};
  const { selector = {}, ports = [] } = objectOf(service, 'spec');
  return { [ORIGINAL_SERVICE_ANNOTATION]: JSON.stringify({ selector, ports }) };
}
