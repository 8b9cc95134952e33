// What is particular to workloads, autoscalers and what belongs to them.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import { isSame, type Members, objectAt, shareWith, textAt } from './json.ts';
import { withMeta } from './metadata.ts';
import { checkSelector, checkTemplate } from './pod-check.ts';
import { defaultTemplate, withDefaults } from './pod-defaults.ts';
import { type FieldProblem, forbiddenField, invalidValue, notSupported, required } from './status.ts';
import type { Strategy } from './strategy-types.ts';

/** Hooks by storage. */
export function workloadStrategies(): [string, Strategy][] {
  return [
    ['apps/Deployment', deployment],
    ['apps/ReplicaSet', replicaSet],
    ['apps/DaemonSet', daemonSet],
    ['apps/StatefulSet', statefulSet],
    ['/ReplicationController', replicaSet],
    ['apps/ControllerRevision', controllerRevision],
    ['autoscaling/HorizontalPodAutoscaler', autoscaler],
    [
      'policy/PodDisruptionBudget',
      firstStatus({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }),
    ],
  ];
}

/** The object with another spec, sharing what is equal. */
function withSpec(object: KubeObject, spec: Members): KubeObject {
  const shared = shareWith(object['spec'], spec);
  return shared === object['spec'] ? object : { ...object, spec: shared };
}

function withStatus(object: KubeObject, old: KubeObject | null, status: Members): KubeObject {
  return old === null ? { ...object, status } : object;
}

function firstStatus(status: Members): Strategy {
  return { prepare: (_engine, next, old) => withStatus(next, old, status) };
}

const ROLLING = { maxUnavailable: '25%', maxSurge: '25%' };

const deployment: Strategy = {
  default(object, old) {
    const spec = objectAt(object, 'spec');
    if (spec === old?.['spec']) return object;
    const given = objectAt(spec, 'strategy');
    const type = textAt(given, 'type') || 'RollingUpdate';
    const rolling = { rollingUpdate: withDefaults(objectAt(given, 'rollingUpdate'), ROLLING) };
    const strategy = { ...given, type, ...(type === 'RollingUpdate' ? rolling : {}) };
    const defaults = { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600, template: {} };
    const next: Members = { ...withDefaults(spec, defaults), strategy };
    return withSpec(object, { ...next, ...templateOf(next, old) });
  },
  prepare: (_engine, next, old) => withStatus(next, old, {}),
  validate(next, old) {
    const spec = objectAt(next, 'spec');
    const before = old === null ? null : objectAt(old, 'spec');
    if (spec === before) return [];
    return [
      ...checkReplicas(spec),
      ...checkSelector(spec, before),
      ...checkTemplate(spec['template'], before?.['template'], 'spec.template'),
      ...checkStrategy(spec),
      ...checkSeconds(spec, 'minReadySeconds'),
      ...checkDeadline(spec),
    ];
  },
  // The real server counts a change of annotations as a new generation of a Deployment, so that controllers look again.
  isNewGeneration: (next, old) => !isSame(next.metadata.annotations ?? {}, old.metadata.annotations ?? {}),
};

function checkReplicas(spec: Members): FieldProblem[] {
  const { replicas } = spec;
  if (typeof replicas !== 'number' || replicas >= 0) return [];
  return [invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0')];
}

function checkSeconds(spec: Members, member: string): FieldProblem[] {
  const seconds = spec[member];
  if (typeof seconds !== 'number' || seconds >= 0) return [];
  return [invalidValue(`spec.${member}`, seconds, 'must be greater than or equal to 0')];
}

function checkDeadline(spec: Members): FieldProblem[] {
  const deadline = spec['progressDeadlineSeconds'];
  const ready = Number(spec['minReadySeconds'] ?? 0);
  if (typeof deadline !== 'number' || deadline > ready) return [];
  return [invalidValue('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds')];
}

function checkStrategy(spec: Members): FieldProblem[] {
  const strategy = objectAt(spec, 'strategy');
  const path = 'spec.strategy';
  const type = textAt(strategy, 'type');
  if (type !== 'Recreate' && type !== 'RollingUpdate') {
    return [notSupported(path, { Type: type, RollingUpdate: null }, ['Recreate', 'RollingUpdate'])];
  }
  if (type === 'Recreate' && strategy['rollingUpdate'] !== undefined) {
    const detail = "may not be specified when strategy `type` is 'Recreate'";
    return [forbiddenField(`${path}.rollingUpdate`, detail)];
  }
  const rolling = objectAt(strategy, 'rollingUpdate');
  const isZero = (value: unknown): boolean => value === 0 || value === '0%';
  if (!isZero(rolling['maxUnavailable']) || !isZero(rolling['maxSurge'])) return [];
  const detail = 'may not be 0 when `maxSurge` is 0';
  return [invalidValue(`${path}.rollingUpdate.maxUnavailable`, rolling['maxUnavailable'], detail)];
}

const replicaSet: Strategy = {
  default(object, old) {
    if (object['spec'] === old?.['spec']) return object;
    const spec = withDefaults(objectAt(object, 'spec'), { replicas: 1 });
    return withSpec(object, { ...spec, ...templateOf(spec, old) });
  },
  prepare: (_engine, next, old) => withStatus(next, old, { replicas: 0 }),
  validate(next, old) {
    const spec = objectAt(next, 'spec');
    const before = old === null ? null : objectAt(old, 'spec');
    if (spec === before || next.kind === 'ReplicationController') return [];
    return [
      ...checkReplicas(spec),
      ...checkSelector(spec, before),
      ...checkTemplate(spec['template'], before?.['template'], 'spec.template'),
    ];
  },
};

/** The template with its defaults; one that did not change has them already. */
function templateOf(spec: Members, old: KubeObject | null): Members {
  const { template } = spec;
  if (template !== undefined && template === objectAt(old, 'spec')['template']) return { template };
  return { template: defaultTemplate(template ?? {}) };
}

const DAEMON_STATUS = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };

const daemonSet: Strategy = {
  default(object, old) {
    if (object['spec'] === old?.['spec']) return object;
    const spec = withDefaults(objectAt(object, 'spec'), { revisionHistoryLimit: 10 });
    const given = objectAt(spec, 'updateStrategy');
    const type = textAt(given, 'type') || 'RollingUpdate';
    const rolling = withDefaults(objectAt(given, 'rollingUpdate'), { maxUnavailable: 1, maxSurge: 0 });
    const updateStrategy = { ...given, type, ...(type === 'RollingUpdate' ? { rollingUpdate: rolling } : {}) };
    return withSpec(object, { ...spec, updateStrategy, ...templateOf(spec, old) });
  },
  prepare(_engine, next, old) {
    if (old !== null) return next;
    const annotations = { ...next.metadata.annotations, 'deprecated.daemonset.template.generation': '1' };
    return withStatus(withMeta(next, { ...next.metadata, annotations }), old, DAEMON_STATUS);
  },
  validate: checkSelectedTemplate,
};

function checkSelectedTemplate(next: KubeObject, old: KubeObject | null): FieldProblem[] {
  const spec = objectAt(next, 'spec');
  const before = old === null ? null : objectAt(old, 'spec');
  if (spec === before) return [];
  return [
    ...checkReplicas(spec),
    ...checkSelector(spec, before),
    ...checkTemplate(spec['template'], before?.['template'], 'spec.template'),
  ];
}

const statefulSet: Strategy = {
  default(object, old) {
    if (object['spec'] === old?.['spec']) return object;
    const spec = withDefaults(objectAt(object, 'spec'), {
      replicas: 1,
      revisionHistoryLimit: 10,
      podManagementPolicy: 'OrderedReady',
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    });
    const given = objectAt(spec, 'updateStrategy');
    const type = textAt(given, 'type') || 'RollingUpdate';
    const rolling = withDefaults(objectAt(given, 'rollingUpdate'), { partition: 0 });
    const updateStrategy = { ...given, type, ...(type === 'RollingUpdate' ? { rollingUpdate: rolling } : {}) };
    return withSpec(object, { ...spec, updateStrategy, ...templateOf(spec, old) });
  },
  prepare: (_engine, next, old) => withStatus(next, old, { replicas: 0, availableReplicas: 0 }),
  validate: checkSelectedTemplate,
};

const controllerRevision: Strategy = {
  validate(next, old) {
    if (old === null || isSame(next['data'], old['data'])) return [];
    return [invalidValue('data', next['data'], 'field is immutable')];
  },
};

const CPU = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };

const autoscaler: Strategy = {
  default(object) {
    const given = objectAt(object, 'spec');
    const spec = withDefaults(given, { minReplicas: 1, metrics: [CPU] });
    const behavior = objectAt(given, 'behavior');
    if (given['behavior'] === undefined) return withSpec(object, spec);
    const scaleUp = withDefaults(objectAt(behavior, 'scaleUp'), SCALE_UP);
    const scaleDown = withDefaults(objectAt(behavior, 'scaleDown'), SCALE_DOWN);
    return withSpec(object, { ...spec, behavior: { scaleUp, scaleDown } });
  },
  prepare: (_engine, next, old) => withStatus(next, old, { desiredReplicas: 0, currentMetrics: null }),
  validate(next, old) {
    const spec = objectAt(next, 'spec');
    if (spec === old?.['spec']) return [];
    const problems: FieldProblem[] = [];
    const [least, most] = [spec['minReplicas'], spec['maxReplicas']];
    if (typeof least === 'number' && least < 1) {
      problems.push(invalidValue('spec.minReplicas', least, 'must be greater than or equal to 1'));
    }
    if (typeof most !== 'number' || most < 1) {
      problems.push(invalidValue('spec.maxReplicas', most ?? 0, 'must be greater than 0'));
    } else if (typeof least === 'number' && most < least) {
      problems.push(invalidValue('spec.maxReplicas', most, 'must be greater than or equal to `minReplicas`'));
    }
    const target = spec['scaleTargetRef'];
    if (textAt(target, 'kind') === '') problems.push(required('spec.scaleTargetRef.kind'));
    if (textAt(target, 'name') === '') problems.push(required('spec.scaleTargetRef.name'));
    if (
      isObject(target) &&
      !textAt(target, 'apiVersion').includes('/') &&
      textAt(target, 'kind') !== 'ReplicationController'
    ) {
      const version = textAt(target, 'apiVersion');
      problems.push(invalidValue('spec.scaleTargetRef.apiVersion', version, 'apiVersion must specify API group'));
    }
    return problems;
  },
};

const SCALE_UP = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};
const SCALE_DOWN = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] };
