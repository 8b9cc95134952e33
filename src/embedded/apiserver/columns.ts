// The columns that `kubectl get` shows of built-in kinds.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import { ageOf } from './age.ts';
import { listAt, type Members, objectAt, textAt } from './json.ts';
import { podColumns } from './columns-pod.ts';
import { NAME, type TableColumn, text } from './table-column.ts';
import type { ServedKind } from './types.ts';

const count = (name: string, path: string, member: string): TableColumn => ({
  ...text(name, (object) => Number(objectAt(object, path)[member] ?? 0)),
  type: 'integer',
});
/** Numbers that the real server declares as text. */
const counted = (name: string, path: string, member: string): TableColumn => ({
  ...count(name, path, member),
  type: 'string',
});
/** The column that ends most tables. */
const AGE = text('Age', (object, nowMs) => ageOf(textAt(object.metadata, 'creationTimestamp'), nowMs));

const specOf = (object: KubeObject): Members => objectAt(object, 'spec');
const statusOf = (object: KubeObject): Members => objectAt(object, 'status');
const containersOf = (object: KubeObject): readonly unknown[] =>
  listAt(objectAt(objectAt(specOf(object), 'template'), 'spec'), 'containers');

const CONTAINERS = text(
  'Containers',
  (object) =>
    containersOf(object)
      .map((item) => textAt(item, 'name'))
      .join(','),
  1,
);
const IMAGES = text(
  'Images',
  (object) =>
    containersOf(object)
      .map((item) => textAt(item, 'image'))
      .join(','),
  1,
);
const SELECTOR = text('Selector', (object) => selectorText(specOf(object)['selector']), 1);

/** A selector in one line; `<none>` when it selects nothing. */
function selectorText(selector: unknown): string {
  if (!isObject(selector)) return '<none>';
  const labels = isObject(selector['matchLabels']) ? selector['matchLabels'] : selector;
  const pairs = Object.entries(labels).filter(([, value]) => typeof value === 'string');
  const parts = pairs.map(([key, value]) => `${key}=${String(value)}`).sort();
  return parts.length === 0 ? '<none>' : parts.join(',');
}

const READY = text(
  'Ready',
  (object) => `${Number(statusOf(object)['readyReplicas'] ?? 0)}/${Number(specOf(object)['replicas'] ?? 0)}`,
);

function portsText(object: KubeObject): string {
  const ports = listAt(specOf(object), 'ports').map((port) => {
    const members = isObject(port) ? port : {};
    const node = members['nodePort'] === undefined ? '' : `:${Number(members['nodePort'])}`;
    return `${Number(members['port'])}${node}/${textAt(members, 'protocol')}`;
  });
  return ports.length === 0 ? '<none>' : ports.join(',');
}

function externalText(object: KubeObject): string {
  const spec = specOf(object);
  if (textAt(spec, 'type') === 'ExternalName') return textAt(spec, 'externalName');
  const given = listAt(spec, 'externalIPs');
  if (given.length > 0) return given.join(',');
  return textAt(spec, 'type') === 'LoadBalancer' ? '<pending>' : '<none>';
}

function targetsText(object: KubeObject): string {
  const current = listAt(statusOf(object), 'currentMetrics');
  const texts = listAt(specOf(object), 'metrics').map((metric, index) => {
    const resource = objectAt(metric, 'resource');
    const name = textAt(resource, 'name') || textAt(metric, 'type');
    const wanted = objectAt(resource, 'target')['averageUtilization'];
    const seen = objectAt(objectAt(current[index], 'resource'), 'current')['averageUtilization'];
    return `${name}: ${seen === undefined ? '<unknown>' : `${Number(seen)}%`}/${wanted === undefined ? '<auto>' : `${Number(wanted)}%`}`;
  });
  return texts.length === 0 ? '<none>' : texts.join(', ');
}

const eventSubject = (object: KubeObject): unknown =>
  isObject(object['involvedObject']) ? object['involvedObject'] : objectAt(object, 'regarding');

function eventObject(object: KubeObject): string {
  const about = eventSubject(object);
  return `${textAt(about, 'kind').toLowerCase()}/${textAt(about, 'name')}`;
}

function eventAge(object: KubeObject, nowMs: number): string {
  const last =
    textAt(objectAt(object, 'series'), 'lastObservedTime') ||
    textAt(object, 'lastTimestamp') ||
    textAt(object, 'deprecatedLastTimestamp');
  return ageOf(last || textAt(object, 'eventTime') || textAt(object.metadata, 'creationTimestamp'), nowMs);
}

function firstSeen(object: KubeObject, nowMs: number): string {
  const first = textAt(object, 'firstTimestamp') || textAt(object, 'deprecatedFirstTimestamp');
  return ageOf(first || textAt(object, 'eventTime') || textAt(object.metadata, 'creationTimestamp'), nowMs);
}

function eventCount(object: KubeObject): number {
  const count = objectAt(object, 'series')['count'] ?? object['count'] ?? object['deprecatedCount'];
  return typeof count === 'number' && count > 0 ? count : 1;
}

const EVENT: readonly TableColumn[] = [
  text('Last Seen', eventAge),
  text('Type', (object) => textAt(object, 'type')),
  text('Reason', (object) => textAt(object, 'reason')),
  text('Object', eventObject),
  text('Subobject', (object) => textAt(eventSubject(object), 'fieldPath'), 1),
  text(
    'Source',
    (object) =>
      textAt(objectAt(object, 'source'), 'component') ||
      textAt(object, 'reportingComponent') ||
      textAt(object, 'reportingController'),
    1,
  ),
  text('Message', (object) => (textAt(object, 'message') || textAt(object, 'note')).trim()),
  text('First Seen', firstSeen, 1),
  text('Count', (object) => JSON.stringify(eventCount(object)), 1),
  { ...NAME, priority: 1 },
];

const keysIn = (object: KubeObject, ...members: string[]): number =>
  members.reduce((sum, member) => sum + Object.keys(objectAt(object, member)).length, 0);

const TABLES: Readonly<Record<string, readonly TableColumn[]>> = {
  '/Pod': podColumns(),
  '/Namespace': [text('Status', (object) => textAt(statusOf(object), 'phase')), AGE],
  '/Service': [
    text('Type', (object) => textAt(specOf(object), 'type')),
    text('Cluster-IP', (object) => textAt(specOf(object), 'clusterIP') || '<none>'),
    text('External-IP', externalText),
    text('Port(s)', portsText),
    AGE,
    SELECTOR,
  ],
  '/ConfigMap': [text('Data', (object) => keysIn(object, 'data', 'binaryData')), AGE],
  '/Secret': [text('Type', (object) => textAt(object, 'type')), text('Data', (object) => keysIn(object, 'data')), AGE],
  '/Event': EVENT,
  '/ServiceAccount': [text('Secrets', (object) => listAt(object, 'secrets').length), AGE],
  '/Endpoints': [text('Endpoints', endpointsText), AGE],
  'apps/Deployment': [
    READY,
    counted('Up-to-date', 'status', 'updatedReplicas'),
    counted('Available', 'status', 'availableReplicas'),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
  ],
  'apps/ReplicaSet': [
    count('Desired', 'spec', 'replicas'),
    count('Current', 'status', 'replicas'),
    count('Ready', 'status', 'readyReplicas'),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
  ],
  'apps/StatefulSet': [READY, AGE, CONTAINERS, IMAGES],
  'apps/DaemonSet': [
    count('Desired', 'status', 'desiredNumberScheduled'),
    count('Current', 'status', 'currentNumberScheduled'),
    count('Ready', 'status', 'numberReady'),
    count('Up-to-date', 'status', 'updatedNumberScheduled'),
    count('Available', 'status', 'numberAvailable'),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
  ],
  'apps/ControllerRevision': [
    text('Controller', (object) => {
      const owner = (object.metadata.ownerReferences ?? []).find((reference) => reference.controller === true);
      return owner === undefined
        ? '<none>'
        : `${owner.kind.toLowerCase()}.${owner.apiVersion.split('/')[0]}/${owner.name}`;
    }),
    { ...text('Revision', (object) => Number(object['revision'] ?? 0)), type: 'integer' },
    AGE,
  ],
  'autoscaling/HorizontalPodAutoscaler': [
    text(
      'Reference',
      (object) =>
        `${textAt(objectAt(specOf(object), 'scaleTargetRef'), 'kind')}/${textAt(objectAt(specOf(object), 'scaleTargetRef'), 'name')}`,
    ),
    text('Targets', targetsText),
    text('MinPods', (object) => JSON.stringify(specOf(object)['minReplicas'] ?? 1)),
    { ...text('MaxPods', (object) => Number(specOf(object)['maxReplicas'] ?? 0)), type: 'integer' },
    count('Replicas', 'status', 'currentReplicas'),
    AGE,
  ],
  'networking.k8s.io/Ingress': [
    text('Class', (object) => textAt(specOf(object), 'ingressClassName') || '<none>'),
    text(
      'Hosts',
      (object) =>
        listAt(specOf(object), 'rules')
          .map((rule) => textAt(rule, 'host'))
          .filter(Boolean)
          .join(',') || '*',
    ),
    text('Address', () => ''),
    text('Ports', (object) => (listAt(specOf(object), 'tls').length > 0 ? '80, 443' : '80')),
    AGE,
  ],
  'coordination.k8s.io/Lease': [text('Holder', (object) => textAt(specOf(object), 'holderIdentity')), AGE],
  'apiextensions.k8s.io/CustomResourceDefinition': [
    text('Created At', (object) => textAt(object.metadata, 'creationTimestamp')),
  ],
};

function endpointsText(object: KubeObject): string {
  const all = listAt(object, 'subsets').flatMap((subset) =>
    listAt(subset, 'addresses').flatMap((address) =>
      listAt(subset, 'ports').map((port) => `${textAt(address, 'ip')}:${String(objectAt({ port }, 'port')['port'])}`),
    ),
  );
  if (all.length === 0) return '<none>';
  return all.length <= 3 ? all.join(',') : `${all.slice(0, 3).join(',')} + ${all.length - 3} more...`;
}

/** The columns of a built-in kind. Its name comes first, but for Events, whose names say nothing. */
export function builtInColumns(kind: ServedKind): readonly TableColumn[] {
  const columns = TABLES[kind.storageId] ?? [AGE];
  return columns === EVENT ? columns : [NAME, ...columns];
}
