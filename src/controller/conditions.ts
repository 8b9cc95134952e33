// The conditions of a Canary: Promoted as Flagger has it, Ready for tools, and one for each thing that is wrong.
import { isRunning } from '../core/phase.ts';
import { reasonOf } from '../core/reasons.ts';
import type { State } from '../core/state.ts';
import { isObject } from '../util/json.ts';

/** A Kubernetes condition. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly lastUpdateTime: string;
  readonly observedGeneration: number;
}

/** What is true or wrong, before it has times. */
export type Finding = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Flagger's sentences for Promoted, by phase; clients match on them. */
export function promotedFinding(state: State, kind: string): Finding {
  const is = (status: Finding['status'], reason: string, message: string): Finding => ({
    type: 'Promoted',
    status,
    reason,
    message,
  });
  switch (state.phase) {
    case 'Initializing':
    case 'Terminating':
      return is('Unknown', state.phase, `New ${kind} detected, starting initialization.`);
    case 'Initialized':
      return is('True', 'Initialized', `${kind} initialization completed.`);
    case 'Waiting':
    case 'WaitingPromotion':
      return is('Unknown', state.phase, 'Waiting for approval.');
    case 'Progressing':
    case 'RollingBack':
    case 'Returning':
      return is('Unknown', 'Progressing', 'New revision detected, progressing canary analysis.');
    case 'Promoting':
    case 'KeepingCanary':
      return is('Unknown', 'Promoting', 'Canary analysis completed, starting primary rolling update.');
    case 'Finalising':
      return is('Unknown', 'Finalising', 'Canary analysis completed, routing all traffic to primary.');
    case 'Succeeded':
      return is('True', 'Succeeded', 'Canary analysis completed successfully, promotion finished.');
    case 'Failed':
      return is('False', 'Failed', `Canary analysis failed, ${kind} scaled to zero.`);
  }
}

/** Ready: the Canary is accepted and does its work. A run under way is ready, so that waiting for an apply does not wait for an analysis. */
export function readyFinding(state: State, message: string): Finding {
  const is = (status: Finding['status'], reason: string): Finding => ({
    type: 'Ready',
    status,
    reason,
    message: message || reason,
  });
  if (state.isDrainPending) return is('False', 'NotDrained');
  if (state.phase === 'Initializing' || state.phase === 'Terminating') return is('False', state.phase);
  if (state.phase === 'Failed') {
    const reason =
      state.failure === 'rolledBack' ? (state.run?.ending?.reason ?? state.because.signal) : state.because.signal;
    if (state.failure === 'primaryBroken') return is('False', 'PromotionFailed');
    return is('False', state.failure === 'neverInitialized' ? 'InitializationFailed' : capitalised(reasonOf(reason)));
  }
  return is('True', isRunning(state.phase) ? 'Progressing' : state.phase);
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** The conditions that a status holds. */
export function conditionsIn(status: unknown): readonly Record<string, unknown>[] {
  const list = isObject(status) ? status['conditions'] : null;
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/** Gives findings their times: a transition time changes only with the status, and nothing changes when nothing did. */
export function conditionsOf(
  findings: readonly Finding[],
  before: unknown,
  now: string,
  generation: number,
): Condition[] {
  const old = Array.isArray(before)
    ? before.filter((item): item is Condition => isObject(item) && typeof item['type'] === 'string')
    : [];
  return findings.map((finding) => {
    const message = finding.message.slice(0, 1_024);
    const past = old.find((condition) => condition.type === finding.type);
    const isSame =
      past !== undefined &&
      past.status === finding.status &&
      past.reason === finding.reason &&
      past.message === message &&
      past.observedGeneration === generation;
    if (isSame) return past;
    const lastTransitionTime = past?.status === finding.status ? past.lastTransitionTime : now;
    return { ...finding, message, lastTransitionTime, lastUpdateTime: now, observedGeneration: generation };
  });
}
