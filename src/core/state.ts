// What a Canary remembers between looks: all of it lives in its status.
import type { Judged } from './analysis/verdict.ts';
import type { OutboxEntry } from './announcements.ts';
import type { Phase } from './phase.ts';

/** How a run ended. */
export type RunOutcome =
  | 'promoted'
  | 'skipped'
  | 'rolledBack'
  | 'aborted'
  | 'superseded'
  | 'returned'
  | 'promotionFailed';

/** One passage of one revision through the machine. */
export interface Run {
  /** `<number>-<first digits of the revision>`; unique within a Canary. */
  readonly id: string;
  readonly number: number;
  /** The one revision that this run is about, and the only one that it may promote. */
  readonly revision: string;
  /** What the primary ran when it began: where a rollback leads. */
  readonly base: string | null;
  readonly startedAtMs: number;
  /** Its pinned content has been seen complete once; if it is lost later, the run starts anew. */
  readonly wasPinned: boolean;
  /** Where the walk stands in the steps, and for which steps that index counts. */
  readonly step: number;
  readonly stepsKey: string;
  /** Ticks passed on this step. */
  readonly passes: number;
  /** Ticks taken in all; part of the idempotency keys of hooks. */
  readonly tick: number;
  readonly nextCheckAtMs: number;
  readonly failedChecks: number;
  readonly insufficientInRow: number;
  readonly errorsInRow: number;
  /** Last answers, at most one for each check. */
  readonly checks: readonly Judged[];
  /** Pods that the primary must not fall below: what it had when the run began. */
  readonly primaryFloor: number;
  readonly version: string;
  readonly images: readonly string[];
  /** A gate that was found closed and announced; null when none is. */
  readonly closedGate: string | null;
  /** How it is going to end, decided when it turned; null while open. */
  readonly ending: { readonly outcome: RunOutcome; readonly reason: string; readonly message: string } | null;
}

/** A run that is over. */
export interface RunSummary {
  readonly id: string;
  readonly revision: string;
  readonly version: string;
  readonly images: readonly string[];
  readonly outcome: RunOutcome;
  readonly reason: string;
  readonly message: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** Runs remembered at most. */
export const HISTORY_MAX = 10;

/** Why the phase is Failed; it decides what the world looks like meanwhile. */
export type Failure =
  /** All traffic on the primary, target at zero. */
  | 'rolledBack'
  /** The primary did not become ready on the new revision: route at 0/100, target kept. */
  | 'primaryBroken'
  /** Never initialized: the apex is still on the target and nothing was scaled. */
  | 'neverInitialized';

/** Everything remembered. Times are milliseconds since the epoch. */
export interface State {
  readonly phase: Phase;
  readonly sinceMs: number;
  /** When the phase must be over; null while resting. */
  readonly deadlineMs: number | null;
  /** Rises with every record that acts or changes anything; part of fences. */
  readonly record: number;
  readonly run: Run | null;
  readonly runsBegun: number;
  /** The last revision seen on the target (Flagger's lastAppliedSpec). */
  readonly seenRevision: string | null;
  /** The revision that the primary runs (Flagger's lastPromotedSpec). */
  readonly promotedRevision: string | null;
  /** The canary's share that the route should carry. */
  readonly weightPercent: number;
  /** The primary's last known capacity, for making it anew. */
  readonly primaryReplicas: number;
  /** The apex Service has been handed to the primary. */
  readonly isTakenOver: boolean;
  readonly isPaused: boolean;
  readonly failure: Failure | null;
  /** Resting, but the data plane still showed traffic on the canary: its pods are kept until it does not. */
  readonly isDrainPending: boolean;
  /** The release gave up on the target: the primary stays, unowned. */
  readonly keepsPrimary: boolean;
  /** Value that the fences of route, primary, target and autoscalers must carry; null when none is asked. */
  readonly fence: string | null;
  /** Digests of tracked configs of the seen revision. */
  readonly trackedConfigs: Readonly<Record<string, string>>;
  /** Signal that decided last, and why in one sentence. */
  readonly because: { readonly signal: string; readonly message: string; readonly atMs: number };
  readonly lastRequest: {
    readonly id: string;
    readonly verb: string;
    readonly outcome: string;
    readonly atMs: number;
  } | null;
  readonly outbox: readonly OutboxEntry[];
  readonly nextSeq: number;
  readonly notificationsLost: number;
  /** What sinks left behind for updating their message of this run. */
  readonly handles: Readonly<Record<string, string>>;
  readonly history: readonly RunSummary[];
  readonly targetFacts: {
    readonly generation: number;
    readonly version: string;
    readonly images: readonly string[];
  } | null;
}

/** A Canary that was never looked at. */
export function initialState(nowMs: number): State {
  return {
    phase: 'Initializing',
    sinceMs: nowMs,
    deadlineMs: null,
    record: 0,
    run: null,
    runsBegun: 0,
    seenRevision: null,
    promotedRevision: null,
    weightPercent: 0,
    primaryReplicas: 0,
    isTakenOver: false,
    isPaused: false,
    failure: null,
    isDrainPending: false,
    keepsPrimary: false,
    fence: null,
    trackedConfigs: {},
    because: { signal: 'new', message: '', atMs: nowMs },
    lastRequest: null,
    outbox: [],
    nextSeq: 1,
    notificationsLost: 0,
    handles: {},
    history: [],
    targetFacts: null,
  };
}
