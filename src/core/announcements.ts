// What people are told: facts committed with a transition; sentences are made from them outside the core.

/** The kinds of announcement that decisions make; also the reasons of Kubernetes Events in serin.dev. */
export const ANNOUNCEMENT_TYPES = [
  'Initialized',
  'DeadlineExceeded',
  'Aborted',
  'RevisionDetected',
  'AnalysisRestarted',
  'AnalysisStarted',
  'GateWaiting',
  'GatePassed',
  'HookPassed',
  'HookFailed',
  'WeightAdvanced',
  'IterationAdvanced',
  'MetricFailed',
  'NoData',
  'MetricSourceError',
  'Promoting',
  'PrimaryWeightAdvanced',
  'RoutingToPrimary',
  'Promoted',
  'PromotedSkipped',
  'PromotionFailed',
  'RollingBack',
  'RolledBack',
  'ReturnedToPrimary',
  'Paused',
  'Resumed',
  'RequestRefused',
  'NotDrained',
  'Terminating',
] as const;

export type AnnouncementType = (typeof ANNOUNCEMENT_TYPES)[number];

/** Values that a sentence needs. Small, and free of secrets. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/** One announcement as decided. */
export interface Announced {
  readonly type: AnnouncementType;
  readonly facts: Facts;
}

/** One announcement as committed: it stays until every sink has it. */
export interface OutboxEntry extends Announced {
  /** Rises by one per Canary and never repeats. */
  readonly seq: number;
  readonly atMs: number;
  readonly runId: string;
  /** Phase and weight that it speaks of. */
  readonly phase: string;
  readonly weightPercent: number;
  readonly failedChecks: number;
  /** Flagger's checksum of tracked configs and revision at that moment. */
  readonly checksum: string;
  /** Which replica has it in hand; others take over only when it is late. */
  readonly owner: string;
  /** Sinks that have it. */
  readonly acks: readonly string[];
}
