// Grants: a MetricTemplate or AlertProvider may be used from other namespaces only when it says so itself.
import type { KubeObject } from '../kube/contract.ts';

/**
 * The annotation by which a MetricTemplate or AlertProvider lets Canaries of other namespaces refer to it: names of
 * namespaces separated by commas, or `*` for all. It stands on the object itself, so that only who may edit objects in
 * that namespace can grant.
 */
const GRANT_ANNOTATION = 'serin.dev/allow-from';

/** True when a Canary in `fromNamespace` may refer to `resource`. */
export function isGranted(resource: KubeObject, fromNamespace: string): boolean {
  if (resource.metadata.namespace === fromNamespace) return true;
  const annotations = resource.metadata.annotations ?? {};
  const value = Object.hasOwn(annotations, GRANT_ANNOTATION) ? annotations[GRANT_ANNOTATION] : undefined;
  if (typeof value !== 'string') return false;
  return value.split(',').some((part) => part.trim() === '*' || part.trim() === fromNamespace);
}
