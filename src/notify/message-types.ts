// The types of announcements, the facts they are made of, and the helpers with which sentences are built.
import type { Check, HookType } from '../core/policy.ts';
import { cutText } from './text.ts';

/** Announcements for which Flagger has a sentence; it is kept word for word. */
export const FLAGGER_TYPES = [
  'Suspended',
  'Initialized',
  'RevisionDetected',
  'AnalysisRestarted',
  'AnalysisStarted',
  'HookPassed',
  'HookFailed',
  'GateWaiting',
  'GatePassed',
  'WeightAdvanced',
  'PrimaryWeightAdvanced',
  'IterationAdvanced',
  'RoutingToPrimary',
  'Promoting',
  'Promoted',
  'PromotedSkipped',
  'PromotionFailed',
  'MetricFailed',
  'NoData',
  'MetricSourceError',
  'RollingBack',
  'RolledBack',
  'MatchUnsupported',
  'WeightsUnsupported',
  'IterationsDefaulted',
  'Terminating',
  'Terminated',
] as const;

/** Announcements that Flagger does not have. */
export const OWN_TYPES = [
  'Aborted',
  'Paused',
  'Resumed',
  'RequestRefused',
  'ReturnedToPrimary',
  'DeadlineExceeded',
  'NotDrained',
  'Conflict',
  'RouteFailed',
  'InvalidSpec',
  'SpecAdjusted',
  'StatusInvalid',
  'InvariantViolated',
] as const;

export type AnnouncementType = (typeof FLAGGER_TYPES)[number] | (typeof OWN_TYPES)[number];

/** Whose names a sentence holds. */
export interface MessageSubject {
  readonly namespace: string;
  /** Name of the Canary. */
  readonly name: string;
  readonly targetKind: string;
  readonly targetName: string;
  /** Mesh provider: empty where it is not known yet. */
  readonly provider: string;
}

/** The facts that an outbox entry stores; each type reads a few of them, and a missing one is written as `?`. */
export interface MessageFacts {
  readonly weightPercent?: number;
  readonly iteration?: number;
  readonly iterations?: number;
  readonly failedChecks?: number;
  /** Name of the check (of the metric, in Flagger's words). */
  readonly check?: string;
  readonly checkKind?: Check['source']['kind'];
  /** Milliseconds for request-duration, percent for request-success-rate. */
  readonly value?: number;
  /** The bound that was broken, and which one it is. */
  readonly bound?: number;
  readonly side?: 'min' | 'max';
  readonly hook?: string;
  readonly hookType?: HookType;
  /** muteAlert of the hook: no alert while it waits for approval. */
  readonly isMuted?: boolean;
  /** Why a run is rolled back, as `reasonOf` of the core names it. */
  readonly reason?: string;
  /** Text from outside: the answer of a hook, an API error. Cut, and never a secret. */
  readonly detail?: string;
  readonly revision?: string;
  /** Who asked: `by` of the annotation serin.dev/request. */
  readonly by?: string;
  /** What the entry is about, such as `VirtualService shop/web`. */
  readonly object?: string;
  readonly count?: number;
}

/** One announcement as rendered. */
export interface RenderedMessage {
  readonly message: string;
  readonly eventType: 'Normal' | 'Warning';
  readonly alert: {
    readonly severity: 'info' | 'warn' | 'error';
    readonly message: string;
    readonly withMetadata: boolean;
  } | null;
  readonly role: 'begin' | 'step' | 'end' | 'other';
}

/** How one type is rendered. */
export type Sentence = (subject: MessageSubject, facts: MessageFacts) => RenderedMessage;

/** Most characters of a text from outside within a sentence. */
const DETAIL_MAX = 500;

/** A sentence without an alert; a step of the run unless told otherwise. */
export function tell(
  message: string,
  eventType: RenderedMessage['eventType'] = 'Normal',
  role: RenderedMessage['role'] = 'step',
): RenderedMessage {
  return { message, eventType, alert: null, role };
}

/** Adds the alert that goes with a sentence. */
export function withAlert(
  told: RenderedMessage,
  severity: 'info' | 'warn' | 'error',
  message: string,
  withMetadata = false,
): RenderedMessage {
  return { ...told, alert: { severity, message, withMetadata } };
}

/** The text from outside, cut. */
export function detailOf(facts: MessageFacts): string {
  return cutText(facts.detail ?? '', DETAIL_MAX);
}

/** `<target>.<namespace>`, as Flagger names the workload. */
export const targetOf = (subject: MessageSubject): string => `${subject.targetName}.${subject.namespace}`;
/** `<canary>.<namespace>`, as Flagger names the Canary. */
export const canaryOf = (subject: MessageSubject): string => `${subject.name}.${subject.namespace}`;
