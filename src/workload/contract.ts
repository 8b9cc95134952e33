// The workload contract: the target that users edit, its primary, their autoscalers and tracked configs.
import type { Canary } from '../api/types.ts';
import type { ScalerSeen, ServicesSeen, WorkloadSeen } from '../core/observation.ts';
import type { CallOptions, Kube, KubeObject, ObjectRef, ResourceKind } from '../kube/contract.ts';
import type { JsonObject } from '../util/json.ts';
import type { RouteRequest } from '../mesh/contract.ts';

/** An immutable copy of what a run is about: kept in a ControllerRevision owned by the Canary. */
export interface PinnedRevision {
  /** `v1-<16 hex digits>`: the version of the algorithm and a digest of template and tracked configs. */
  readonly revision: string;
  /** The target's pod template, as found. */
  readonly template: JsonObject;
  /** Tracked configs by `configmap/<name>` or `secret/<name>`: digest of the data and name of the versioned copy. */
  readonly configs: Readonly<Record<string, { readonly digest: string; readonly copyName: string }>>;
  /** The Canary's spec when the run began, for a rollback after the spec became invalid. */
  readonly canarySpec: JsonObject;
}

/** What is tracked besides the template. `missing` names a mandatory reference that could not be read. */
export interface TrackedConfigs {
  /** `configmap/<name>` or `secret/<name>` to digest. */
  readonly digests: Readonly<Record<string, string>>;
  readonly missing: string | null;
  /** The objects, for making copies from the same observation. Never logged. */
  readonly objects: readonly KubeObject[];
}

/** Everything found about the workloads of one Canary in one look; the writes below are fenced by these objects. */
export interface WorkloadFound {
  readonly target: WorkloadSeen | null;
  readonly primary: WorkloadSeen | null;
  readonly scaler: ScalerSeen | null;
  readonly services: ServicesSeen;
  readonly capacity: { readonly target: number; readonly primary: number };
  /** The target's content as it is now; null when it cannot be pinned (gone, config missing). */
  readonly content: PinnedRevision | null;
  readonly configs: TrackedConfigs;
  /** Generation, version label and images of the target, for status.observedTarget. */
  readonly targetFacts: {
    readonly generation: number;
    readonly version: string;
    readonly images: readonly string[];
  } | null;
  /** What of the routing request depends on the workload: label, values, discovered ports. Null while the target cannot be read. */
  readonly route: Pick<RouteRequest, 'workloads' | 'ports'> | null;
  /** Why the workload cannot be worked with (selector label missing, foreign primary…): stops the Canary with a condition. */
  readonly problem: { readonly reason: string; readonly message: string } | null;
  readonly objects: ReadonlyMap<string, KubeObject | null>;
}

/** What `read` needs to know of the Canary's state. */
export interface WorkloadContext {
  /** The revision under way, and the one the primary runs; null when there is none. */
  readonly runRevision: string | null;
  readonly promotedRevision: string | null;
  /** Whether a run is active: Pods are watched only then. */
  readonly isActive: boolean;
  /** Secrets are read live when true; otherwise the digests below are taken for them. */
  readonly shouldReadSecrets: boolean;
  readonly knownDigests: Readonly<Record<string, string>>;
  /** Capacity that the primary must not fall below; null outside a run. */
  readonly primaryFloor: number | null;
  readonly fenceKey: string;
}

/** A target kind at work in one cluster. Every write is absolute, fenced by `found`, and safe to repeat. `fence` null leaves the annotation alone. */
export interface WorkloadDriver {
  /** Kinds to watch from the first Canary with such a target. */
  kinds(canary: Canary): Promise<readonly ResourceKind[]>;
  /** Objects whose change concerns this Canary: target, primary, Services, configs, autoscalers. */
  refs(canary: Canary, found: WorkloadFound | null): readonly ObjectRef[];
  read(canary: Canary, context: WorkloadContext, options?: CallOptions): Promise<WorkloadFound>;
  /** The pods of target and primary that serve metrics, from the watch cache. `defaults` count where a pod's annotations say nothing. */
  scrapeTargets(
    canary: Canary,
    found: WorkloadFound,
    defaults: { readonly port: number; readonly path: string },
  ): readonly ScrapeTarget[];
  /** True when the ControllerRevision and all config copies of `revision` exist. */
  isPinned(canary: Canary, revision: string, options?: CallOptions): Promise<boolean>;
  /** The pinned content; null when it is lost. */
  pinned(canary: Canary, revision: string, options?: CallOptions): Promise<PinnedRevision | null>;
  /** Creates the ControllerRevision and the config copies of `found.content`. */
  pin(canary: Canary, found: WorkloadFound, options?: CallOptions): Promise<void>;
  /** Creates or repairs the primary and canary Services; creates the apex Service when absent (selecting the target's pods). */
  ensureServices(canary: Canary, found: WorkloadFound, options?: CallOptions): Promise<void>;
  /** Points the apex Service at the target's or the primary's pods. */
  pointApex(canary: Canary, found: WorkloadFound, to: 'target' | 'primary', options?: CallOptions): Promise<void>;
  /** Makes the primary run exactly `revision` (created with `replicas` when absent; its replicas are otherwise left to its autoscaler or taken from the target). */
  applyPrimary(
    canary: Canary,
    found: WorkloadFound,
    revision: string,
    fence: string | null,
    options?: CallOptions,
  ): Promise<void>;
  scaleTarget(
    canary: Canary,
    found: WorkloadFound,
    replicas: number,
    fence: string | null,
    options?: CallOptions,
  ): Promise<void>;
  /** Raises the primary's replicas to the floor where no autoscaler does it. */
  scalePrimary(
    canary: Canary,
    found: WorkloadFound,
    replicas: number,
    fence: string | null,
    options?: CallOptions,
  ): Promise<void>;
  /** Creates the primary's autoscaler, holds its minimum at the floor (null releases it), or copies the target's on promotion. */
  applyScaler(
    canary: Canary,
    found: WorkloadFound,
    want: { readonly floor: number | null; readonly copiesTarget: boolean },
    fence: string | null,
    options?: CallOptions,
  ): Promise<void>;
  /** Writes only the fence annotation on one object. */
  fence(
    canary: Canary,
    found: WorkloadFound,
    on: 'target' | 'primary' | 'scaler',
    value: string,
    options?: CallOptions,
  ): Promise<void>;
  /** At the end of a release: takes our ownerReference and fence off what stays (apex Service; with `keepsPrimary` the primary, its Services, autoscaler and configs too). */
  release(
    canary: Canary,
    found: WorkloadFound,
    keepsPrimary: boolean,
    shouldRevert: boolean,
    options?: CallOptions,
  ): Promise<void>;
  /** Removes pinned revisions and config copies that neither the primary nor the run nor the last promoted revision needs. */
  prune(canary: Canary, keep: readonly string[], options?: CallOptions): Promise<void>;
}

/** A pod whose proxy or application serves metrics. */
export interface ScrapeTarget {
  readonly uid: string;
  readonly role: 'primary' | 'canary';
  /** `http://10.0.0.7:15020/stats/prometheus`. */
  readonly url: string;
}

/** Settings of the controller that workloads heed. */
export interface WorkloadSettings {
  readonly selectorLabels: readonly string[];
  /** Object-level labels and annotations with these prefixes are copied to primaries; `*` copies all. */
  readonly includeLabelPrefixes: readonly string[];
  readonly isConfigTrackingOn: boolean;
}

/** A target kind as registered. One file each. */
export interface WorkloadProvider {
  readonly kind: string;
  readonly apiGroup: string;
  create(kube: Kube, settings: WorkloadSettings): WorkloadDriver;
}
