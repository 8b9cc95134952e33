// The kinds of Kubernetes itself that serin reads or writes, and helpers to name objects.
import type { KubeObject, ObjectRef, ResourceKind } from './contract.ts';

const kind = (group: string, version: string, name: string, plural: string): ResourceKind => ({
  group,
  version,
  kind: name,
  plural,
  namespaced: true,
});

export const DEPLOYMENT = kind('apps', 'v1', 'Deployment', 'deployments');
export const REPLICA_SET = kind('apps', 'v1', 'ReplicaSet', 'replicasets');
export const CONTROLLER_REVISION = kind('apps', 'v1', 'ControllerRevision', 'controllerrevisions');
export const POD = kind('', 'v1', 'Pod', 'pods');
export const SERVICE = kind('', 'v1', 'Service', 'services');
export const ENDPOINT_SLICE = kind('discovery.k8s.io', 'v1', 'EndpointSlice', 'endpointslices');
/** The label by which the EndpointSlice controller names the Service of a slice. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
export const CONFIG_MAP = kind('', 'v1', 'ConfigMap', 'configmaps');
export const SECRET = kind('', 'v1', 'Secret', 'secrets');
export const EVENT = kind('events.k8s.io', 'v1', 'Event', 'events');
export const HPA = kind('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers');
export const NAMESPACE: ResourceKind = { ...kind('', 'v1', 'Namespace', 'namespaces'), namespaced: false };
export const CRD: ResourceKind = {
  ...kind('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition', 'customresourcedefinitions'),
  namespaced: false,
};

/** The API groups that serin can serve; which ones it does serve is a setting. */
export const CANARY_GROUPS = ['serin.dev', 'flagger.app'] as const;
export type CanaryGroup = (typeof CANARY_GROUPS)[number];

/** The kind Canary of one of the two groups. */
export const canaryKind = (group: string): ResourceKind => kind(group, 'v1beta1', 'Canary', 'canaries');
/** The kind MetricTemplate of one of the two groups. */
export const metricTemplateKind = (group: string): ResourceKind =>
  kind(group, 'v1beta1', 'MetricTemplate', 'metrictemplates');
/** The kind AlertProvider of one of the two groups. */
export const alertProviderKind = (group: string): ResourceKind =>
  kind(group, 'v1beta1', 'AlertProvider', 'alertproviders');

/** `group/version`, or `version` for the core group. */
export function apiVersionOf(resource: ResourceKind): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** Names an object. */
export function refOf(resource: ResourceKind, namespace: string | null, name: string): ObjectRef {
  return { kind: resource, namespace: resource.namespaced ? namespace : null, name };
}

/** The name of an object that is at hand. */
export function refTo(resource: ResourceKind, object: KubeObject): ObjectRef {
  return refOf(resource, object.metadata.namespace ?? null, object.metadata.name);
}

/** `Kind namespace/name`, for messages. */
export function describeRef(ref: ObjectRef): string {
  return `${ref.kind.kind} ${ref.namespace === null ? '' : `${ref.namespace}/`}${ref.name}`;
}
