// What the watch cache keeps of each kind that workloads read: enough to judge by, small enough for 10,000 Canaries.
import type { KubeObject, ObjectMeta } from '../kube/contract.ts';
import { TRACKING_ANNOTATIONS } from './configs.ts';
import { projectEndpointSlice } from './endpoints.ts';
import { listOf, objectOf } from './fields.ts';
import { CANARY_UID_LABEL, DIGEST_ANNOTATION, FENCE_PREFIX } from './names.ts';
import { DIGEST_MEMBER, digestOf } from './revision.ts';

/** A projection: a smaller object under the same name, uid and resourceVersion. */
export type Projection = (object: KubeObject) => KubeObject;

/** Keeps what readiness and scraping need of a Pod. */
export function projectPod(pod: KubeObject): KubeObject {
  const status = objectOf(pod, 'status');
  const conditions = listOf(status, 'conditions').filter((condition) => condition['type'] === 'Ready');
  return {
    ...headOf(
      pod,
      metadataOf(
        pod,
        () => true,
        (key) => key.startsWith('prometheus.io/'),
      ),
    ),
    status: {
      phase: status['phase'],
      podIP: status['podIP'],
      conditions: conditions.map(({ type, status: value }) => ({ type, status: value })),
      containerStatuses: listOf(status, 'containerStatuses').map(projectContainer),
      initContainerStatuses: listOf(status, 'initContainerStatuses').map(projectContainer),
    },
  };
}

function projectContainer(container: Record<string, unknown>): Record<string, unknown> {
  const { waiting, terminated } = objectOf(container, 'state');
  return {
    name: container['name'],
    ready: container['ready'],
    restartCount: container['restartCount'],
    state: { waiting, terminated },
  };
}

/** Keeps only the metadata of a ReplicaSet: its owner, its hash and its number. */
function projectReplicaSet(set: KubeObject): KubeObject {
  return headOf(
    set,
    metadataOf(
      set,
      (key) => key === 'pod-template-hash',
      (key) => key === 'deployment.kubernetes.io/revision',
    ),
  );
}

/** Keeps a digest of a ConfigMap (or Secret) instead of its data, which is read live when it is copied. */
export function projectConfigMap(config: KubeObject): KubeObject {
  const isNeeded = (key: string): boolean =>
    (TRACKING_ANNOTATIONS as readonly string[]).includes(key) ||
    key === DIGEST_ANNOTATION ||
    key.startsWith(FENCE_PREFIX);
  return {
    ...headOf(
      config,
      metadataOf(config, () => true, isNeeded),
    ),
    [DIGEST_MEMBER]: digestOf(config),
  };
}

/** Keeps what names the copies of a pin, not its template. */
function projectControllerRevision(pin: KubeObject): KubeObject {
  const { configs } = objectOf(pin, 'data');
  const isOurs = pin.metadata.labels?.[CANARY_UID_LABEL] !== undefined;
  const isNeeded = (key: string): boolean => key.startsWith('serin.dev/');
  return {
    ...headOf(pin, metadataOf(pin, isNeeded, isNeeded)),
    ...(isOurs ? { data: { configs }, revision: pin['revision'] } : {}),
  };
}

/** Keeps a Deployment whole but for who wrote which field and for kubectl's copy of it. */
function projectDeployment(deployment: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = deployment.metadata;
  const { annotations } = metadata;
  if (annotations === undefined) return { ...deployment, metadata };
  const { 'kubectl.kubernetes.io/last-applied-configuration': __, ...kept } = annotations;
  return { ...deployment, metadata: { ...metadata, annotations: kept } };
}

/** By kind: what to hand to the cache with the first `want`. Kinds that are not named are kept whole. */
export const projections: Readonly<Record<string, Projection>> = {
  Pod: projectPod,
  EndpointSlice: projectEndpointSlice,
  ReplicaSet: projectReplicaSet,
  ConfigMap: projectConfigMap,
  ControllerRevision: projectControllerRevision,
  Deployment: projectDeployment,
};

function headOf(object: KubeObject, metadata: ObjectMeta): KubeObject {
  return { apiVersion: object.apiVersion, kind: object.kind, metadata };
}

/** Labels and annotations stay present, if emptier: a patch must know whether the server's object has them. */
function metadataOf(
  object: KubeObject,
  isLabelKept: (key: string) => boolean,
  isAnnotationKept: (key: string) => boolean,
): ObjectMeta {
  const { name, namespace, uid, resourceVersion, generation, deletionTimestamp, ownerReferences, labels, annotations } =
    object.metadata;
  const entries = { namespace, uid, resourceVersion, generation, deletionTimestamp, ownerReferences };
  const metadata: ObjectMeta = { name };
  for (const [member, value] of Object.entries(entries)) if (value !== undefined) metadata[member] = value;
  if (labels !== undefined) metadata.labels = pick(labels, isLabelKept);
  if (annotations !== undefined) metadata.annotations = pick(annotations, isAnnotationKept);
  return metadata;
}

function pick(from: Record<string, string>, isKept: (key: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(from).filter(([key]) => isKept(key)));
}
