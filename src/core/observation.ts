// What one look found: every value the machine may judge by, with the time it was taken.
import type { Judged, Verdict } from './analysis/verdict.ts';
import type { HookType, Policy } from './policy.ts';
import type { StepGate } from './steps.ts';

/** Why a workload cannot become ready, seen at its pods. */
export interface Trouble {
  readonly reason:
    | 'CrashLoopBackOff'
    | 'ImagePullBackOff'
    | 'CreateContainerError'
    | 'ProgressDeadlineExceeded'
    | 'FailedCreate';
  readonly message: string;
}

/** The target or the primary as found. */
export interface WorkloadSeen {
  readonly uid: string;
  /** Target: digest of its pod template and tracked configs; null while a tracked config is missing or unreadable. Primary: the revision that its annotation names; null when none. */
  readonly revision: string | null;
  /** Pods asked for. */
  readonly replicas: number;
  readonly readyReplicas: number;
  /** The controller has seen this generation, all pods are of it and enough are available. A workload at 0 replicas is not ready. */
  readonly isReady: boolean;
  /** What is missing for isReady, for people; empty when ready. */
  readonly notReady: string;
  readonly trouble: Trouble | null;
  /** Value of our fence annotation; null when absent. */
  readonly fence: string | null;
}

/** The generated Services as found. */
export interface ServicesSeen {
  /** Where the apex Service sends traffic: absent, to the target's pods, the primary's, or elsewhere. */
  readonly apex: 'absent' | 'target' | 'primary' | 'elsewhere';
  /** Ports, selectors or metadata of the primary and canary Services differ from what they should be, or one is absent. */
  readonly isDrifted: boolean;
}

/** The route as found. */
export interface RouteSeen {
  /** absent: an object that we need does not exist; drifted: it exists but differs in more than weights and fence. */
  readonly state: 'absent' | 'drifted' | 'ready';
  /** The canary's share that the route asks for, 0..100; null when there is no route, or it cannot be read as ours. */
  readonly askedPercent: number | null;
  /** The share that the data plane shows; 'pending' while it is known not to have taken the route as it is; 'unknown' where nothing can tell. */
  readonly livePercent: number | 'pending' | 'unknown';
  /** When asking again may tell more, in milliseconds from now, where no event does; absent where one does. */
  readonly pollMs?: number;
  /** Value of our fence annotation; null when absent. */
  readonly fence: string | null;
  /** False when the provider has no object that could carry a fence: then none is needed. */
  readonly isFenceable: boolean;
}

/** An autoscaler of the target and its copy for the primary. */
export interface ScalerSeen {
  /** The copy is absent although there is an autoscaler on the target. */
  readonly isPrimaryAbsent: boolean;
  /** The copy's minimum is below the capacity floor of the run. */
  readonly isBelowFloor: boolean;
  /** The copy's minimum is held at a floor of ours, and differs from what it would be without. */
  readonly isHeld: boolean;
  /** The copy differs from what the target's autoscaler asks for (looked at on promotion only). */
  readonly isDrifted: boolean;
  readonly minReplicas: number;
  /** Fences of the autoscalers that we write. */
  readonly fence: string | null;
}

/** The answer of a hook, or of all hooks of a type. */
export type HookVerdict = 'pass' | 'fail' | 'wait';

/** What was asked because a tick was due. Absent members were not asked. */
export interface TickSeen {
  /** Hooks of the analysis step, in order; the first that did not pass ends the list. */
  readonly hooks: readonly {
    readonly name: string;
    readonly type: HookType;
    readonly verdict: HookVerdict;
    readonly detail: string;
  }[];
  readonly checks: readonly Judged[];
  readonly verdict: Verdict;
  readonly gates: Readonly<
    Partial<
      Record<
        StepGate | 'confirm-rollout',
        { readonly verdict: HookVerdict; readonly hook: string; readonly detail: string }
      >
    >
  >;
  /** A rollback hook asked for a rollback. */
  readonly rollback: { readonly hook: string } | null;
}

/** Intent of people, from the annotation serin.dev/request, not yet acknowledged. */
export interface RequestSeen {
  readonly id: string;
  readonly verb: 'abort' | 'pause' | 'resume';
  readonly by: string;
  /** Why it cannot be followed (expired, for another revision, unknown verb); null when it can. */
  readonly refusal: string | null;
}

/** Everything one look found. */
export interface Observation {
  readonly nowMs: number;
  readonly policy: Policy;
  /** What is wrong with the spec now; null when it is valid. Then `policy` is the one that the run was begun with. */
  readonly invalid: { readonly reason: string; readonly message: string } | null;
  readonly isDeleting: boolean;
  /** The namespace is going away: nothing is handed back. */
  readonly isNamespaceTerminating: boolean;
  readonly hasFinalizer: boolean;
  readonly request: RequestSeen | null;
  readonly target: WorkloadSeen | null;
  readonly primary: WorkloadSeen | null;
  /** Facts of the target for people and pipelines. */
  readonly targetFacts: {
    readonly generation: number;
    readonly version: string;
    readonly images: readonly string[];
  } | null;
  /** Digests of the configs that the target's revision includes. */
  readonly trackedConfigs: Readonly<Record<string, string>>;
  /**
   * Since when this process has seen the canary without traffic (or, on deletion, the target in charge again); null when
   * it is not so. Where a provider cannot tell the live weight, the drain time counts from here; a restart begins anew.
   */
  readonly quietSinceMs: number | null;
  /** The last act of this process took so long that what it wrote has not been in place for an interval: nothing is judged yet. */
  readonly hasActedLate: boolean;
  /** The pinned content of the target's revision exists: ControllerRevision and config copies. */
  readonly isTargetPinned: boolean;
  /** The pinned content of the run's revision exists: ControllerRevision and config copies. */
  readonly isRunPinned: boolean;
  /** The pinned content of the primary's revision exists. */
  readonly isPromotedPinned: boolean;
  readonly services: ServicesSeen;
  readonly route: RouteSeen;
  readonly scaler: ScalerSeen | null;
  /** Pods that the target needs when it is scaled up, and the primary when it is made anew. */
  readonly capacity: { readonly target: number; readonly primary: number };
  /** Effects that another actor keeps undoing: the third flip within ten minutes stops our repairs. */
  readonly contested: readonly string[];
  readonly tick: TickSeen | null;
}
