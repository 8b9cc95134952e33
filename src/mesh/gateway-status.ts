// Reads the status of a Gateway API route: whether every parent has taken the version that is stored.
import type { KubeObject } from '../kube/contract.ts';
import type { JsonObject } from '../util/json.ts';
import { numberAt, objectsAt, textAt } from './members.ts';
import type { Reported } from './route-driver.ts';

const GROUP = 'gateway.networking.k8s.io';

/** Conditions that must be True where they are present; Accepted must be present. */
const GOOD = ['Accepted', 'ResolvedRefs', 'Programmed'] as const;

/**
 * What the parents report of the stored version of a route. taken: every parentRef has a report, and all reports of this
 * generation say Accepted, and ResolvedRefs, Programmed and not PartiallyInvalid where they say it. notYet: all that is
 * reported of some parent is of an older generation, so its controller still has to follow. unknown: a parent that nobody
 * reports for, or a report that refuses this version, after which each implementation does as it likes
 * (gateway-api.sigs.k8s.io, RouteParentStatus). An old report beside one of this generation was left by a controller that is
 * gone: a Gateway has one controller at a time.
 */
export function reportedByParents(route: KubeObject): Reported {
  const namespace = route.metadata.namespace ?? '';
  const generation = route.metadata.generation ?? 0;
  const parentRefs = objectsAt(route, 'spec', 'parentRefs');
  const reports = objectsAt(route, 'status', 'parents');
  const byParent = parentRefs.map((parentRef) => {
    const own = reports.filter(
      (report) => parentKey(report['parentRef'], namespace) === parentKey(parentRef, namespace),
    );
    const current = own.filter((report) => !isOld(report, generation));
    if (own.length > 0 && current.length === 0) return 'notYet';
    return current.length > 0 && current.every((report) => isGood(report, generation)) ? 'taken' : 'unknown';
  });
  if (byParent.includes('notYet')) return 'notYet';
  return byParent.length > 0 && byParent.every((one) => one === 'taken') ? 'taken' : 'unknown';
}

/** A condition that counts was written for a version that is not the stored one any more. One that names no version tells nothing. */
function isOld(report: JsonObject, generation: number): boolean {
  return conditionsOf(report).some(
    (condition) => (numberAt(condition, 'observedGeneration') ?? generation) < generation,
  );
}

/** The conditions that count. */
function conditionsOf(report: JsonObject): readonly JsonObject[] {
  return objectsAt(report, 'conditions').filter(({ type }) => GOOD.some((good) => good === type));
}

function isGood(report: JsonObject, generation: number): boolean {
  const conditions = objectsAt(report, 'conditions');
  const isCurrent = (condition: JsonObject): boolean => (numberAt(condition, 'observedGeneration') ?? -1) >= generation;
  const holds = (type: string): boolean =>
    conditions.every(
      (condition) => condition['type'] !== type || (condition['status'] === 'True' && isCurrent(condition)),
    );
  const isReported = conditions.some((condition) => condition['type'] === 'Accepted');
  return isReported && GOOD.every(holds) && !conditions.some(isPartial);
}

function isPartial(condition: JsonObject): boolean {
  return condition['type'] === 'PartiallyInvalid' && condition['status'] === 'True';
}

/** A parent that a route names. */
interface Parent {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The parents of a route, with the defaults that the API server fills in. */
export function parentsOf(route: KubeObject): readonly Parent[] {
  return objectsAt(route, 'spec', 'parentRefs').map((ref) => ({
    group: textAt(ref, 'group') ?? GROUP,
    kind: textAt(ref, 'kind') ?? 'Gateway',
    namespace: textAt(ref, 'namespace') ?? route.metadata.namespace ?? '',
    name: textAt(ref, 'name') ?? '',
  }));
}

/** True for a Gateway, false for a Service of a mesh. */
export function isGateway({ group, kind }: Parent): boolean {
  return group === GROUP && kind === 'Gateway';
}

/** Names a parent, with the defaults that the API server fills in. */
function parentKey(parentRef: unknown, namespace: string): string {
  const text = (key: string, absent: string): string => textAt(parentRef, key) ?? absent;
  const group = text('group', GROUP);
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
