// The scale subresource: replicas of a workload without the rest of it.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import type { Engine, WriteContext } from './engine.ts';
import { objectAt, textAt, valueAt, withValueAt } from './json.ts';
import { mediaType } from './media.ts';
import { patchDocument } from './patch.ts';
import { badRequest, invalid, invalidValue } from './status.ts';
import type { ApiRequest, RequestInfo, ServedKind } from './types.ts';
import { asObject, updateObject } from './write.ts';

/** True when the request is about the scale subresource. */
export function isScale(info: RequestInfo): boolean {
  return info.subresource === 'scale';
}

const pathOf = (path: string): string[] => path.split('.').filter((part) => part !== '');

/** The Scale of an object. */
export function readScale(kind: ServedKind, object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const paths = kind.scale!;
  const replicas = Number(valueAt(object, pathOf(paths.specReplicasPath)) ?? 0);
  const actual = Number(valueAt(object, pathOf(paths.statusReplicasPath)) ?? 0);
  const selector = selectorText(valueAt(object, pathOf(paths.labelSelectorPath ?? '')));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as KubeObject['metadata'],
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: actual, ...(selector === '' ? {} : { selector }) },
  };
}

function selectorText(selector: unknown): string {
  if (typeof selector === 'string') return selector;
  if (!isObject(selector)) return '';
  const labels = isObject(selector['matchLabels']) ? selector['matchLabels'] : selector;
  return Object.entries(labels)
    .filter(([, value]) => typeof value === 'string')
    .map(([key, value]) => `${key}=${String(value)}`)
    .sort()
    .join(',');
}

/** Writes replicas through the subresource. `change` is a patch request, or gives the whole Scale. */
export function writeScale(engine: Engine, context: WriteContext, change: ApiRequest | (() => unknown)): KubeObject {
  const { kind } = context;
  const object = updateObject(engine, context, (current) => {
    const scale = readScale(kind, current);
    const next = typeof change === 'function' ? change() : patchDocument(kind, mediaType(change), scale, context.body);
    return withReplicas(kind, current, asObject(next));
  });
  return readScale(kind, object);
}

function withReplicas(kind: ServedKind, current: KubeObject, scale: KubeObject): KubeObject {
  if (textAt(scale, 'kind') !== 'Scale') throw badRequest(`expected a Scale, got ${textAt(scale, 'kind')}`);
  const replicas = objectAt(scale, 'spec')['replicas'] ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    const problem = invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0');
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, current.metadata.name, [problem]);
  }
  const next = withValueAt(current, pathOf(kind.scale!.specReplicasPath), replicas) as unknown as KubeObject;
  const { resourceVersion, uid } = scale.metadata;
  return {
    ...next,
    metadata: {
      ...current.metadata,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(uid === undefined ? {} : { uid }),
    },
  };
}
