// A cluster that is a list of objects: everything but Secrets is watched, writes are refused, and live reads are counted.
import { BugError } from '../../../src/errors.ts';
import type { Kube, KubeCache, KubeClient, KubeObject, ObjectRef } from '../../../src/kube/contract.ts';
import { describeRef } from '../../../src/kube/kinds.ts';

export interface LittleKube extends Kube {
  readonly objects: KubeObject[];
  /** Live reads, as `Kind namespace/name`. */
  readonly asked: string[];
  /** Thrown by live reads while set. */
  failure: Error | null;
}

export function littleKube(...objects: KubeObject[]): LittleKube {
  const asked: string[] = [];
  const find = (ref: ObjectRef): KubeObject | null =>
    objects.find(
      ({ kind, metadata }) =>
        kind === ref.kind.kind && metadata.name === ref.name && metadata.namespace === ref.namespace,
    ) ?? null;
  const refuse = (): never => {
    throw new BugError('Cannot write: this cluster is only looked at');
  };
  const client = {
    get(ref: ObjectRef) {
      asked.push(describeRef(ref));
      return kube.failure === null ? Promise.resolve(find(ref)) : Promise.reject(kube.failure);
    },
    create: refuse,
    patch: refuse,
    remove: refuse,
  } as unknown as KubeClient;
  const cache = {
    peek: find,
    all: (kind, namespace) =>
      objects.filter((object) => object.kind === kind.kind && object.metadata.namespace === namespace),
    read: (ref, options) => (ref.kind.kind === 'Secret' ? client.get(ref, options) : Promise.resolve(find(ref))),
    noteWrite: refuse,
  } as Partial<KubeCache> as KubeCache;
  const kube: LittleKube = { client, cache, objects, asked, failure: null };
  return kube;
}

let version = 0;

/** An object in namespace `shop` as a server would give it. */
export function stored(object: Record<string, unknown>): KubeObject {
  version += 1;
  const { metadata, ...rest } = object as { metadata: { name: string } };
  const given = {
    namespace: 'shop',
    uid: `uid-of-${metadata.name}`,
    resourceVersion: `${version}`,
    generation: 1,
    ...metadata,
  };
  return { ...rest, metadata: given } as unknown as KubeObject;
}
