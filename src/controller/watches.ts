// What is watched for whom: kinds from the first Canary that needs them, Pods only where a run is active.
import type { Canary } from '../api/types.ts';
import type { CacheChange, KubeObject, ObjectRef, ResourceKind, WatchScope } from '../kube/contract.ts';
import { DEPLOYMENT, ENDPOINT_SLICE, POD, REPLICA_SET, SERVICE, SERVICE_NAME_LABEL } from '../kube/kinds.ts';
import type { CanaryKey } from '../queue/contract.ts';
import type { WorkloadDriver } from '../workload/contract.ts';
import type { Drivers, Mesh } from './drivers.ts';
import { indexKey } from './keys.ts';

type Release = () => void;

/** Keeps the watches that Canaries need, and the index from objects to the Canaries that they concern. */
export class Watches {
  readonly #kinds = new Map<string, Promise<Release>>();
  readonly #pods = new Map<string, { readonly keys: Set<CanaryKey>; readonly release: Promise<Release> }>();
  readonly #byObject = new Map<string, Set<CanaryKey>>();
  readonly #byKey = new Map<CanaryKey, Set<string>>();
  readonly #project: (kind: ResourceKind) => WatchScope['project'];

  /** `project` says which members of a kind are worth memory. */
  constructor(project: (kind: ResourceKind) => WatchScope['project']) {
    this.#project = project;
  }

  /** Makes sure that everything this Canary needs is watched; waits for first lists. */
  async ensure(
    key: CanaryKey,
    canary: Canary,
    mesh: Mesh,
    workload: WorkloadDriver,
    isActive: boolean,
    use: Drivers,
  ): Promise<void> {
    const [meshKinds, workloadKinds] = await Promise.all([mesh.driver.kinds(), workload.kinds(canary)]);
    await Promise.all(
      [...meshKinds, ...workloadKinds].filter((kind) => kind.kind !== POD.kind).map((kind) => this.#want(kind, use)),
    );
    if (isActive) await this.#wantPods(key, canary.identity.namespace, use);
    else this.#releasePods(key, canary.identity.namespace);
  }

  /** Watches one kind in the scope of the process, from now on. */
  async want(kind: ResourceKind, use: Drivers): Promise<void> {
    await this.#want(kind, use);
  }

  async #want(kind: ResourceKind, use: Drivers): Promise<void> {
    const name = `${kind.group}/${kind.version}/${kind.plural}`;
    const existing = this.#kinds.get(name) ?? use.kube.cache.want(kind, this.#scope(kind, use.settings.namespace));
    this.#kinds.set(name, existing);
    try {
      await existing;
    } catch (error) {
      this.#kinds.delete(name);
      throw error;
    }
  }

  #scope(kind: ResourceKind, namespace: string | null): WatchScope {
    const project = this.#project(kind);
    return { namespace, ...(project === undefined ? {} : { project }) };
  }

  async #wantPods(key: CanaryKey, namespace: string, use: Drivers): Promise<void> {
    const kept = this.#pods.get(namespace) ?? { keys: new Set<CanaryKey>(), release: this.#openPods(namespace, use) };
    kept.keys.add(key);
    this.#pods.set(namespace, kept);
    await kept.release;
  }

  /** Pods, the ReplicaSets that tell which of them are of the newest template, and the EndpointSlices that tell which of them proxies know. */
  async #openPods(namespace: string, use: Drivers): Promise<Release> {
    const kinds = [POD, REPLICA_SET, ENDPOINT_SLICE];
    const releases = await Promise.all(kinds.map((kind) => use.kube.cache.want(kind, this.#scope(kind, namespace))));
    return () => {
      for (const release of releases) release();
    };
  }

  #releasePods(key: CanaryKey, namespace: string): void {
    const kept = this.#pods.get(namespace);
    if (kept === undefined || !kept.keys.delete(key) || kept.keys.size > 0) return;
    this.#pods.delete(namespace);
    kept.release.then((release) => release()).catch(() => undefined);
  }

  /** Notes which objects concern a Canary: in place of what was noted for it before, or with `more` besides. */
  index(key: CanaryKey, refs: readonly ObjectRef[], how: 'all' | 'more' = 'all'): void {
    const kept = how === 'more' ? [...(this.#byKey.get(key) ?? [])] : [];
    this.#unindex(key);
    const named = refs.map((ref) => indexKey(ref.kind.kind, ref.kind.group, ref.namespace, ref.name));
    const names = new Set([...kept, ...named]);
    this.#byKey.set(key, names);
    for (const name of names) {
      const keys = this.#byObject.get(name) ?? new Set();
      keys.add(key);
      this.#byObject.set(name, keys);
    }
  }

  #unindex(key: CanaryKey): void {
    for (const name of this.#byKey.get(key) ?? []) {
      const keys = this.#byObject.get(name);
      keys?.delete(key);
      if (keys?.size === 0) this.#byObject.delete(name);
    }
    this.#byKey.delete(key);
  }

  /** The Canaries that a change concerns. A Pod concerns those of its Deployment, an EndpointSlice those of its Service. */
  keysOf(change: CacheChange): readonly CanaryKey[] {
    const object = change.after ?? change.before;
    if (object === null) return [];
    const { namespace = null, name } = object.metadata;
    if (change.kind.kind === ENDPOINT_SLICE.kind) return this.#keysOfService(object, namespace);
    const isPod = change.kind.kind === POD.kind && change.kind.group === '';
    if (!isPod) return [...(this.#byObject.get(indexKey(change.kind.kind, change.kind.group, namespace, name)) ?? [])];
    const deployment = matters(change) ? deploymentOf(object) : null;
    return deployment === null
      ? []
      : [...(this.#byObject.get(indexKey(DEPLOYMENT.kind, DEPLOYMENT.group, namespace, deployment)) ?? [])];
  }

  #keysOfService({ metadata }: KubeObject, namespace: string | null): readonly CanaryKey[] {
    const service = metadata.labels?.[SERVICE_NAME_LABEL] ?? '';
    return [...(this.#byObject.get(indexKey(SERVICE.kind, SERVICE.group, namespace, service)) ?? [])];
  }

  forget(key: CanaryKey): void {
    this.#unindex(key);
    const namespace = key.split('/')[1] ?? '';
    this.#releasePods(key, namespace);
  }
}

/** Of a Pod only what can change a decision: that it came or went, its readiness, and why it waits. */
function matters(change: CacheChange): boolean {
  if (change.before === null || change.after === null) return true;
  return JSON.stringify(statusOf(change.before)) !== JSON.stringify(statusOf(change.after));
}

/** The Deployment of a Pod, by the name of its ReplicaSet: `<deployment>-<hash of the template>`; null for any other Pod. */
function deploymentOf(pod: KubeObject): string | null {
  const set = (pod.metadata.ownerReferences ?? []).find(({ kind }) => kind === REPLICA_SET.kind)?.name;
  return set === undefined ? null : set.replace(/-[^-]+$/, '');
}

const statusOf = (pod: KubeObject): unknown => [pod['status'], pod.metadata.deletionTimestamp];
