// What is particular to the kinds of the core group and to small kinds of others.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import { isSame, listAt, type Members, objectAt, setMember, shareWith, textAt } from './json.ts';
import { withMeta } from './metadata.ts';
import { checkPodChange, checkPodSpec } from './pod-check.ts';
import { defaultPodSpec, withDefaults } from './pod-defaults.ts';
import { serviceStrategy } from './strategy-service.ts';
import { type FieldProblem, forbiddenField, invalidValue, required } from './status.ts';
import type { Strategy } from './strategy-types.ts';

/** Hooks by storage. */
export function coreStrategies(): [string, Strategy][] {
  return [
    ['/Namespace', namespace],
    ['/Node', { isStatusKeptOnCreate: true }],
    ['/Pod', pod],
    ['/Service', serviceStrategy],
    ['/ConfigMap', configMap],
    ['/Secret', secret],
    ['/Event', event],
    ['/ServiceAccount', { isReturnedByDelete: true }],
    ['/Endpoints', endpoints],
    ['/PersistentVolumeClaim', claim],
    ['discovery.k8s.io/EndpointSlice', slice],
    ['networking.k8s.io/Ingress', ingress],
    ['networking.k8s.io/NetworkPolicy', networkPolicy],
    ['rbac.authorization.k8s.io/RoleBinding', binding],
    ['rbac.authorization.k8s.io/ClusterRoleBinding', binding],
    ['rbac.authorization.k8s.io/Role', { isCreatedByUpdate: true }],
    ['rbac.authorization.k8s.io/ClusterRole', { isCreatedByUpdate: true }],
    ['coordination.k8s.io/Lease', { isCreatedByUpdate: true }],
  ];
}

const namespace: Strategy = {
  default(object) {
    const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
    return isSame(labels, object.metadata.labels) ? object : withMeta(object, { ...object.metadata, labels });
  },
  prepare(_engine, next, old) {
    if (old !== null) return next;
    const finalizers = [...new Set([...listAt(next['spec'], 'finalizers'), 'kubernetes'])];
    return { ...next, spec: { ...objectAt(next, 'spec'), finalizers }, status: { phase: 'Active' } };
  },
};

const MEMORY_SECONDS = 300;
const tolerate = (key: string): Members => ({
  key: `node.kubernetes.io/${key}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: MEMORY_SECONDS,
});

const pod: Strategy = {
  default(object, old) {
    if (object['spec'] === old?.['spec']) return object;
    const spec = withDefaults(defaultPodSpec(objectAt(object, 'spec')), { enableServiceLinks: true });
    return spec === object['spec'] ? object : { ...object, spec };
  },
  prepare(_engine, next, old) {
    if (old !== null) return next;
    const spec = objectAt(next, 'spec');
    const tolerations = listAt(spec, 'tolerations');
    const added = ['not-ready', 'unreachable']
      .filter((key) => !tolerations.some((held) => textAt(held, 'key') === `node.kubernetes.io/${key}`))
      .map(tolerate);
    const more = withDefaults(spec, {
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
    });
    const status = { phase: 'Pending', qosClass: qosOf(spec) };
    return { ...next, spec: { ...more, tolerations: [...tolerations, ...added] }, status };
  },
  validate(next, old) {
    const spec = objectAt(next, 'spec');
    if (old === null) return checkPodSpec(spec, 'spec');
    return spec === old['spec'] ? [] : checkPodChange(spec, objectAt(old, 'spec'));
  },
  isReturnedByDelete: true,
  graceSeconds(object, asked) {
    const isPlaced = textAt(object['spec'], 'nodeName') !== '';
    const phase = textAt(object['status'], 'phase');
    if (!isPlaced || phase === 'Succeeded' || phase === 'Failed') return 0;
    return asked ?? Number(objectAt(object, 'spec')['terminationGracePeriodSeconds'] ?? 30);
  },
};

function qosOf(spec: Members): string {
  const resources = listAt(spec, 'containers').map((container) => objectAt(container, 'resources'));
  const isBare = resources.every((item) => item['requests'] === undefined && item['limits'] === undefined);
  if (isBare) return 'BestEffort';
  const isFixed = resources.every((item) => {
    const limits = objectAt(item, 'limits');
    const requests = item['requests'] === undefined ? limits : objectAt(item, 'requests');
    return limits['cpu'] !== undefined && limits['memory'] !== undefined && isSame(limits, requests);
  });
  return isFixed ? 'Guaranteed' : 'Burstable';
}

const KEY = /^[-._a-zA-Z0-9]+$/;
const KEY_DETAIL =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const DATA_BYTES_MAX = 1024 * 1024;

function checkData(next: KubeObject, old: KubeObject | null, members: readonly string[]): FieldProblem[] {
  const problems: FieldProblem[] = [];
  let bytes = 0;
  for (const member of members) {
    for (const [key, value] of Object.entries(objectAt(next, member))) {
      if (!KEY.test(key)) problems.push(invalidValue(`${member}[${key}]`, key, KEY_DETAIL));
      bytes += String(value).length;
    }
  }
  if (bytes > DATA_BYTES_MAX) {
    const message = `Too long: may not be more than ${DATA_BYTES_MAX} bytes`;
    problems.push({ reason: 'FieldValueTooLong', field: '[]', message });
  }
  if (old?.['immutable'] !== true) return problems;
  const why = 'field is immutable when `immutable` is set';
  if (next['immutable'] !== true) problems.push(forbiddenField('immutable', why));
  for (const member of members) if (!isSame(next[member], old[member])) problems.push(forbiddenField(member, why));
  return problems;
}

const configMap: Strategy = { validate: (next, old) => checkData(next, old, ['data', 'binaryData']) };

const secret: Strategy = {
  default(object) {
    const { stringData, ...rest } = object;
    const typed = rest['type'] === undefined ? { ...rest, type: 'Opaque' } : rest;
    if (!isObject(stringData)) return stringData === undefined ? shareTop(object, typed) : typed;
    const data: Members = { ...objectAt(object, 'data') };
    for (const [key, value] of Object.entries(stringData)) {
      setMember(data, key, Buffer.from(String(value)).toString('base64'));
    }
    return { ...typed, data };
  },
  validate(next, old) {
    const problems = checkData(next, old, ['data']);
    if (old === null || next['type'] === old['type']) return problems;
    return [...problems, invalidValue('type', next['type'], 'field is immutable')];
  },
};

function shareTop(object: KubeObject, next: KubeObject): KubeObject {
  return object['type'] === undefined ? next : object;
}

const event: Strategy = {
  default(object) {
    const defaults = {
      involvedObject: {},
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: null,
      reportingComponent: '',
      reportingInstance: '',
    };
    return withDefaults(object, defaults) as unknown as KubeObject;
  },
  validate(next, old) {
    const regarding = textAt(next['involvedObject'], 'namespace');
    const own = next.metadata.namespace ?? '';
    // An object without a namespace has its events in `default`.
    const isFitting = regarding === own || (regarding === '' && own === 'default');
    const problems: FieldProblem[] = [];
    if (!isFitting) {
      problems.push(invalidValue('involvedObject.namespace', regarding, 'does not match event.namespace'));
    }
    if (old === null && typeof next['eventTime'] === 'string') problems.push(...checkNewEvent(next));
    return problems;
  },
  isCreatedByUpdate: true,
};

/** Events of the new form must say who did what. */
function checkNewEvent(next: KubeObject): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (textAt(next, 'reportingComponent') === '') problems.push(required('reportingController'));
  if (textAt(next, 'reportingInstance') === '') problems.push(required('reportingInstance'));
  if (textAt(next, 'action') === '') problems.push(required('action'));
  if (textAt(next, 'reason') === '') problems.push(required('reason'));
  if (textAt(next, 'message').length > 1024) {
    problems.push({
      reason: 'FieldValueInvalid',
      field: 'message',
      message: 'Invalid value: "": can have at most 1024 characters',
    });
  }
  return problems;
}

const endpoints: Strategy = { isCreatedByUpdate: true };

const claim: Strategy = {
  default(object) {
    return {
      ...object,
      spec: shareWith(object['spec'], withDefaults(objectAt(object, 'spec'), { volumeMode: 'Filesystem' })),
    };
  },
  prepare: (_engine, next, old) => (old === null ? { ...next, status: { phase: 'Pending' } } : next),
  isReturnedByDelete: true,
};

const slice: Strategy = {
  default(object) {
    const ports = listAt(object, 'ports').map((port) =>
      isObject(port) ? withDefaults(port, { name: '', protocol: 'TCP' }) : port,
    );
    const parts = listAt(object, 'endpoints').map((part) =>
      isObject(part) ? withDefaults(part, { conditions: {} }) : part,
    );
    const shared = shareWith({ ports: object['ports'], endpoints: object['endpoints'] }, { ports, endpoints: parts });
    return { ...object, ...shared };
  },
  isNewGeneration: (next, old) => !isSame({ ...next, metadata: null }, { ...old, metadata: null }),
};

const ingress: Strategy = {
  prepare: (_engine, next, old) => (old === null ? { ...next, status: { loadBalancer: {} } } : next),
  validate(next) {
    const spec = objectAt(next, 'spec');
    if (spec['defaultBackend'] !== undefined || listAt(spec, 'rules').length > 0) return [];
    return [invalidValue('spec', null, 'either `defaultBackend` or `rules` must be specified')];
  },
};

const networkPolicy: Strategy = {
  default(object) {
    const spec = objectAt(object, 'spec');
    const policyTypes = spec['egress'] === undefined ? ['Ingress'] : ['Ingress', 'Egress'];
    return { ...object, spec: withDefaults(spec, { policyTypes }) };
  },
};

const RBAC = 'rbac.authorization.k8s.io';

const binding: Strategy = {
  default(object) {
    const subjects = listAt(object, 'subjects').map((subject) => {
      if (!isObject(subject) || textAt(subject, 'kind') === 'ServiceAccount') return subject;
      return withDefaults(subject, { apiGroup: RBAC });
    });
    const roleRef = withDefaults(objectAt(object, 'roleRef'), { apiGroup: RBAC });
    return { ...object, ...(object['subjects'] === undefined ? {} : { subjects }), roleRef };
  },
  validate(next, old) {
    if (old === null || isSame(next['roleRef'], old['roleRef'])) return [];
    return [invalidValue('roleRef', next['roleRef'], 'cannot change roleRef')];
  },
  isCreatedByUpdate: true,
};
