// Reads the status of a Gateway API route: whether every parent has taken the version that is stored.
import type { KubeObject } from '../kube/contract.ts';
import type { JsonObject } from '../util/json.ts';
import { numberAt, objectsAt, textAt } from './members.ts';

/** Conditions that must be True where they are present; Accepted must be present. */
const GOOD = ['Accepted', 'ResolvedRefs', 'Programmed'] as const;

/**
 * True when for every parentRef at least one controller reports, and all that report say of this generation: Accepted, and
 * ResolvedRefs, Programmed and not PartiallyInvalid where they say it. Without parents nothing is known.
 */
export function isTakenByParents(route: KubeObject): boolean {
  const parentRefs = objectsAt(route, 'spec', 'parentRefs');
  const reports = objectsAt(route, 'status', 'parents');
  const namespace = route.metadata.namespace ?? '';
  return (
    parentRefs.length > 0 &&
    parentRefs.every((parentRef) => {
      const own = reports.filter(
        (report) => parentKey(report['parentRef'], namespace) === parentKey(parentRef, namespace),
      );
      return own.length > 0 && own.every((report) => isGood(report, route.metadata.generation ?? 0));
    })
  );
}

function isGood(report: JsonObject, generation: number): boolean {
  const conditions = objectsAt(report, 'conditions');
  const isCurrent = (condition: JsonObject): boolean => (numberAt(condition, 'observedGeneration') ?? -1) >= generation;
  const holds = (type: string, status: string): boolean =>
    conditions.every(
      (condition) => condition['type'] !== type || (condition['status'] === status && isCurrent(condition)),
    );
  const isReported = conditions.some((condition) => condition['type'] === 'Accepted');
  return isReported && GOOD.every((type) => holds(type, 'True')) && !conditions.some(isPartial);
}

function isPartial(condition: JsonObject): boolean {
  return condition['type'] === 'PartiallyInvalid' && condition['status'] === 'True';
}

/** Names a parent, with the defaults that the API server fills in. */
function parentKey(parentRef: unknown, namespace: string): string {
  const text = (key: string, absent: string): string => textAt(parentRef, key) ?? absent;
  const group = text('group', 'gateway.networking.k8s.io');
  const port = numberAt(parentRef, 'port') ?? '';
  return [
    group,
    text('kind', 'Gateway'),
    text('namespace', namespace),
    text('name', ''),
    text('sectionName', ''),
    port,
  ].join('|');
}
