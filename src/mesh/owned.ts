// The objects that a route consists of: made by us and owned, ours again after a release, or somebody else's.
import { createHash } from 'node:crypto';
import type { CanaryIdentity } from '../api/types.ts';
import type { CallOptions, Kube, KubeObject, ObjectRef, OwnerReference, PatchOperation } from '../kube/contract.ts';
import { apiVersionOf } from '../kube/kinds.ts';
import { canonicalJson } from '../util/json.ts';
import type { JsonObject } from '../util/json.ts';
import { annotationOps, fencedBy, pointerTo } from './patches.ts';
import { isAsWanted, keepForeign, removeSurplus } from './spec-compare.ts';
import type { OurMembers } from './spec-compare.ts';

/** One object of a route, as it should be. */
export interface Planned {
  readonly ref: ObjectRef;
  /** With the canary at 0. */
  readonly spec: JsonObject;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ours: OurMembers;
  /** What happens to it at release: kept without an owner, or left to be collected with the Canary. */
  readonly atRelease: 'keep' | 'collect';
  /** Made at release only, where it is needed to receive the traffic. */
  readonly isReleaseOnly?: boolean;
  /** Fills in what the API server defaults, so that it is no difference. */
  readonly normalize?: (spec: unknown) => unknown;
  /** What an object of this name that is not ours lacks to serve in its place; null when it serves. */
  readonly judgeForeign?: (found: KubeObject) => string | null;
}

/** ours: controlled by this Canary. returned: made by us, released and untouched since. foreign: anybody else's. */
type Standing = 'absent' | 'ours' | 'returned' | 'foreign';

/** Left at release on what was made by us: a digest of the spec, by which it is known again while nobody has changed it. */
export const RELEASED_KEY = 'serin.dev/released';

/** Set on route objects as Flagger does, so that Flux does not correct the weights. */
export const HANDS_OFF: Readonly<Record<string, string>> = {
  'kustomize.toolkit.fluxcd.io/reconcile': 'disabled',
  'helm.toolkit.fluxcd.io/driftDetection': 'disabled',
};

/** The key of an object in RouteFound.objects. */
export function keyOf(ref: ObjectRef): string {
  return `${ref.kind.kind}/${ref.name}`;
}

/** Whose the object is. */
export function standingOf(object: KubeObject | null | undefined, owner: CanaryIdentity): Standing {
  if (object === null || object === undefined) return 'absent';
  const controller = controllerOf(object);
  if (controller?.uid === owner.uid) return 'ours';
  const mark = object.metadata.annotations?.[RELEASED_KEY];
  return controller === null && mark !== undefined && mark === digestOf(object['spec']) ? 'returned' : 'foreign';
}

/** The reference to the controller of an object; null when none is in charge. */
export function controllerOf(object: KubeObject): OwnerReference | null {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true) ?? null;
}

/** Names the content of a spec. */
export function digestOf(spec: unknown): string {
  return createHash('sha256').update(canonicalJson(spec)).digest('hex').slice(0, 16);
}

/** True when an object of ours differs from the plan in something that is ours. `spec` is the plan at the weights found. */
export function isDrifted(
  planned: Planned,
  spec: unknown,
  found: KubeObject,
  foundSpec: unknown = found['spec'],
): boolean {
  const normalize = planned.normalize ?? ((value: unknown): unknown => value);
  if (!isAsWanted(normalize(spec), normalize(foundSpec), planned.ours)) return true;
  const holds = (wanted: Readonly<Record<string, string>> = {}, map: Readonly<Record<string, string>> = {}): boolean =>
    Object.entries(wanted).every(([key, value]) => map[key] === value);
  return !holds(planned.labels, found.metadata.labels) || !holds(planned.annotations, found.metadata.annotations);
}

/** Writes objects of ours in one cluster; the cache hears of every answer. */
export class OwnedWriter {
  readonly #kube: Kube;
  readonly #owner: CanaryIdentity;
  readonly #options: CallOptions | undefined;

  constructor(kube: Kube, owner: CanaryIdentity, options: CallOptions | undefined) {
    this.#kube = kube;
    this.#owner = owner;
    this.#options = options;
  }

  /** Creates the object as planned. ConflictError when the name is taken. */
  async create(planned: Planned, annotations: Readonly<Record<string, string>>, isOwned = true): Promise<void> {
    const object = this.#build(planned, planned.spec, annotations, isOwned);
    this.#note(planned.ref, await this.#kube.client.create(object, planned.ref.kind, this.#options));
  }

  /** Brings an object of ours back to `spec`. Others' members survive, what is ours and not wanted goes. */
  async repair(
    planned: Planned,
    spec: JsonObject,
    found: KubeObject,
    annotations: Readonly<Record<string, string>>,
  ): Promise<void> {
    const merged = keepForeign(spec, found['spec'], planned.ours);
    const object = this.#build(planned, merged, annotations, true);
    object.metadata.resourceVersion = String(found.metadata.resourceVersion);
    // Without the uid an apply would create an object that was deleted meanwhile, whatever its version.
    object.metadata.uid = String(found.metadata.uid);
    const answer = await this.#kube.client.apply(object, planned.ref.kind, this.#options);
    this.#note(planned.ref, answer);
    await this.patch(planned.ref, answer, removeSurplus(spec, answer['spec'], planned.ours, ['spec']));
  }

  /** Takes an object that was released, and that nobody has changed since, into possession again. */
  async takeBack(
    planned: Planned,
    spec: JsonObject,
    found: KubeObject,
    annotations: Readonly<Record<string, string>>,
  ): Promise<void> {
    const owners = found.metadata.ownerReferences ?? [];
    await this.patch(planned.ref, found, [
      {
        op: 'add',
        path: '/metadata/ownerReferences',
        value: [...owners, this.#reference()].map((owner) => ({ ...owner })),
      },
      ...Object.entries(spec).map(([key, value]): PatchOperation => ({
        op: 'add',
        path: pointerTo('spec', key),
        value,
      })),
      ...annotationOps(found, { ...planned.annotations, ...annotations, [RELEASED_KEY]: null }),
    ]);
  }

  /** Sends a fenced patch; nothing when there is nothing to change. */
  async patch(ref: ObjectRef, found: KubeObject, operations: readonly PatchOperation[]): Promise<void> {
    if (operations.length === 0) return;
    this.#note(ref, await this.#kube.client.patch(ref, fencedBy(found, operations), this.#options));
  }

  #note(ref: ObjectRef, answer: KubeObject): void {
    this.#kube.cache.noteWrite(ref.kind, answer);
  }

  #reference(): OwnerReference {
    const { apiVersion, name, uid } = this.#owner;
    return { apiVersion, kind: 'Canary', name, uid, controller: true };
  }

  #build(planned: Planned, spec: JsonObject, extra: Readonly<Record<string, string>>, isOwned: boolean): KubeObject {
    const { ref, labels = {} } = planned;
    const annotations = { ...planned.annotations, ...extra };
    return {
      apiVersion: apiVersionOf(ref.kind),
      kind: ref.kind.kind,
      metadata: {
        name: ref.name,
        ...(ref.namespace === null ? {} : { namespace: ref.namespace }),
        ...(Object.keys(labels).length === 0 ? {} : { labels: { ...labels } }),
        ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
        ...(isOwned ? { ownerReferences: [this.#reference()] } : {}),
      },
      spec,
    };
  }
}
