// The kinds of Kubernetes itself that the server serves, and what is particular to each.
import type { ResourceKind } from '../../kube/contract.ts';
import { builtInSchema } from './schema-builtin.ts';
import { serveKind } from './served-kind.ts';
import type { ServedKind } from './types.ts';

type More = Partial<ServedKind>;

const STATUS: More = { hasStatus: true };
const GENERATION: More = { hasStatus: true, hasGeneration: true };
const ALL = ['all'];
const CREATE_ONLY: More = { verbs: ['create'] };
const SCALE = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
  labelSelectorPath: '.spec.selector',
};
const WORKLOAD: More = { ...GENERATION, scale: SCALE, categories: ALL };

const inNamespace = (group: string, version: string, kind: string, plural: string, more: More = {}): ServedKind =>
  build({ group, version, kind, plural, namespaced: true }, more);
const inCluster = (group: string, version: string, kind: string, plural: string, more: More = {}): ServedKind =>
  build({ group, version, kind, plural, namespaced: false }, more);

function build(base: ResourceKind, more: More): ServedKind {
  // Events of both groups are written in the form of the core group.
  const hasTypes = more.verbs !== CREATE_ONLY.verbs && base.kind !== 'CustomResourceDefinition';
  return serveKind(base, { schema: hasTypes ? builtInSchema(base.kind) : null, ...more });
}

const CORE: readonly ServedKind[] = [
  inCluster('', 'v1', 'Namespace', 'namespaces', {
    ...STATUS,
    shortNames: ['ns'],
    selectableFields: ['.status.phase'],
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  }),
  inCluster('', 'v1', 'Node', 'nodes', { ...STATUS, shortNames: ['no'], selectableFields: ['.spec.unschedulable'] }),
  inNamespace('', 'v1', 'Pod', 'pods', {
    ...GENERATION,
    shortNames: ['po'],
    categories: ALL,
    selectableFields: [
      '.spec.nodeName',
      '.spec.restartPolicy',
      '.spec.schedulerName',
      '.spec.serviceAccountName',
      '.spec.hostNetwork',
      '.status.phase',
      '.status.podIP',
      '.status.nominatedNodeName',
    ],
  }),
  inNamespace('', 'v1', 'Service', 'services', {
    ...STATUS,
    shortNames: ['svc'],
    categories: ALL,
    selectableFields: ['.spec.clusterIP', '.spec.type'],
  }),
  inNamespace('', 'v1', 'ConfigMap', 'configmaps', { shortNames: ['cm'] }),
  inNamespace('', 'v1', 'Secret', 'secrets', { selectableFields: ['.type'] }),
  inNamespace('', 'v1', 'Event', 'events', {
    shortNames: ['ev'],
    selectableFields: [
      '.involvedObject.kind',
      '.involvedObject.namespace',
      '.involvedObject.name',
      '.involvedObject.uid',
      '.involvedObject.apiVersion',
      '.involvedObject.resourceVersion',
      '.involvedObject.fieldPath',
      '.reason',
      '.reportingComponent',
      '.source',
      '.type',
    ],
  }),
  inNamespace('', 'v1', 'ServiceAccount', 'serviceaccounts', { shortNames: ['sa'] }),
  inNamespace('', 'v1', 'Endpoints', 'endpoints', {
    shortNames: ['ep'],
    singular: 'endpoints',
    listKind: 'EndpointsList',
  }),
  inNamespace('', 'v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', { ...STATUS, shortNames: ['pvc'] }),
  inNamespace('', 'v1', 'ReplicationController', 'replicationcontrollers', {
    ...WORKLOAD,
    shortNames: ['rc'],
    selectableFields: ['.status.replicas'],
  }),
];

const APPS: readonly ServedKind[] = [
  inNamespace('apps', 'v1', 'Deployment', 'deployments', { ...WORKLOAD, shortNames: ['deploy'] }),
  inNamespace('apps', 'v1', 'ReplicaSet', 'replicasets', {
    ...WORKLOAD,
    shortNames: ['rs'],
    selectableFields: ['.status.replicas'],
  }),
  inNamespace('apps', 'v1', 'DaemonSet', 'daemonsets', { ...GENERATION, shortNames: ['ds'], categories: ALL }),
  inNamespace('apps', 'v1', 'StatefulSet', 'statefulsets', { ...WORKLOAD, shortNames: ['sts'] }),
  inNamespace('apps', 'v1', 'ControllerRevision', 'controllerrevisions'),
];

const OTHERS: readonly ServedKind[] = [
  inNamespace('events.k8s.io', 'v1', 'Event', 'events', {
    shortNames: ['ev'],
    storageId: '/Event',
    storageVersion: 'v1',
    selectableFields: [
      '.regarding.kind',
      '.regarding.namespace',
      '.regarding.name',
      '.regarding.uid',
      '.regarding.apiVersion',
      '.regarding.resourceVersion',
      '.regarding.fieldPath',
      '.reason',
      '.reportingController',
      '.type',
    ],
  }),
  inNamespace('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', {
    ...STATUS,
    shortNames: ['hpa'],
    categories: ALL,
  }),
  inNamespace('discovery.k8s.io', 'v1', 'EndpointSlice', 'endpointslices', { hasGeneration: true }),
  inNamespace('networking.k8s.io', 'v1', 'Ingress', 'ingresses', { ...GENERATION, shortNames: ['ing'] }),
  inNamespace('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies', {
    hasGeneration: true,
    shortNames: ['netpol'],
  }),
  inNamespace('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets', { ...GENERATION, shortNames: ['pdb'] }),
  inNamespace('rbac.authorization.k8s.io', 'v1', 'Role', 'roles'),
  inNamespace('rbac.authorization.k8s.io', 'v1', 'RoleBinding', 'rolebindings'),
  inCluster('rbac.authorization.k8s.io', 'v1', 'ClusterRole', 'clusterroles'),
  inCluster('rbac.authorization.k8s.io', 'v1', 'ClusterRoleBinding', 'clusterrolebindings'),
  inNamespace('coordination.k8s.io', 'v1', 'Lease', 'leases'),
  inCluster('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition', 'customresourcedefinitions', {
    ...GENERATION,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
  }),
  inNamespace('authorization.k8s.io', 'v1', 'LocalSubjectAccessReview', 'localsubjectaccessreviews', CREATE_ONLY),
  inCluster('authorization.k8s.io', 'v1', 'SelfSubjectAccessReview', 'selfsubjectaccessreviews', CREATE_ONLY),
  inCluster('authorization.k8s.io', 'v1', 'SelfSubjectRulesReview', 'selfsubjectrulesreviews', CREATE_ONLY),
  inCluster('authorization.k8s.io', 'v1', 'SubjectAccessReview', 'subjectaccessreviews', CREATE_ONLY),
  inCluster('authentication.k8s.io', 'v1', 'SelfSubjectReview', 'selfsubjectreviews', CREATE_ONLY),
  inCluster('authentication.k8s.io', 'v1', 'TokenReview', 'tokenreviews', CREATE_ONLY),
];

/** All built-in kinds. */
export function builtInKinds(): readonly ServedKind[] {
  return BUILT_IN;
}

const BUILT_IN: readonly ServedKind[] = [...CORE, ...APPS, ...OTHERS];
