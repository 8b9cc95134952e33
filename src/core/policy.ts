// The part of a Canary's spec that the machine and the loop judge by, already parsed, defaulted and with units.
import type { StepPlan } from './steps.ts';

/** The webhook types of Flagger. */
export const HOOK_TYPES = [
  'confirm-rollout',
  'pre-rollout',
  'rollout',
  'confirm-traffic-increase',
  'confirm-promotion',
  'post-rollout',
  'rollback',
  'event',
] as const;
export type HookType = (typeof HOOK_TYPES)[number];

/** One entry of spec.analysis.webhooks. */
export interface Hook {
  readonly name: string;
  readonly type: HookType;
  readonly url: string;
  readonly timeoutMs: number;
  /** Extra attempts on connection errors, 429 and 5xx (not 501). */
  readonly retries: number;
  readonly disableTls: boolean;
  readonly muteAlert: boolean;
  readonly metadata: Readonly<Record<string, string>>;
}

/** One entry of spec.analysis.metrics. Exactly one of builtin, query, templateRef says where the value comes from. */
export interface Check {
  readonly name: string;
  readonly source:
    | { readonly kind: 'builtin'; readonly metric: 'request-success-rate' | 'request-duration' }
    | { readonly kind: 'query'; readonly query: string }
    | {
        readonly kind: 'template';
        readonly name: string;
        readonly namespace: string | null;
        readonly variables: Readonly<Record<string, string>>;
      };
  /** The window that the value covers (`interval` of the metric). */
  readonly windowMs: number;
  /** `interval` as the user wrote it, for templates. */
  readonly windowText: string;
  /** Inclusive bounds; null is none. */
  readonly min: number | null;
  readonly max: number | null;
}

/** One entry of spec.analysis.alerts. */
export interface Alert {
  readonly name: string;
  readonly severity: 'info' | 'warn' | 'error';
  readonly provider: { readonly name: string; readonly namespace: string | null };
}

/** What governs a run. Percentages are of ready pods; durations are milliseconds. */
export interface Policy {
  readonly plan: StepPlan;
  readonly intervalMs: number;
  /** Failed checks that end the run; cumulative, never reset by a success. */
  readonly threshold: number;
  /** Ticks in a row without enough data that end the run; 0 is no limit. */
  readonly insufficientMax: number;
  /** Ticks in a row in which a metric source failed that end the run; 0 is no limit. */
  readonly errorsMax: number;
  /** Share handed back to the primary a tick while promoting; 0 hands back all at once. */
  readonly stepWeightPromotionPercent: number;
  readonly progressDeadlineMs: number;
  /** How long a gate may stay closed. */
  readonly gateDeadlineMs: number;
  /** How long to wait after asking for weight 0 where the provider cannot tell the live weight. */
  readonly drainMs: number;
  readonly primaryReadyThresholdPercent: number;
  readonly canaryReadyThresholdPercent: number;
  readonly skipAnalysis: boolean;
  readonly suspend: boolean;
  readonly revertOnDeletion: boolean;
  readonly checks: readonly Check[];
  readonly hooks: readonly Hook[];
  readonly alerts: readonly Alert[];
}

/** True when a hook of this type is configured. */
export function hasHook(policy: Policy, type: HookType): boolean {
  return policy.hooks.some((hook) => hook.type === type);
}
