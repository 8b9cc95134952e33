// Status and state: how what is remembered is written to a Canary's status, and read back without trusting it.
import { parseState } from './status-schema.ts';
import type { KubeObject } from '../kube/contract.ts';
import { reportedPhase } from '../core/phase.ts';
import type { State } from '../core/state.ts';
import { isObject } from '../util/json.ts';

/** Version of the layout of status.run. Documented as unstable. */
const RUN_SCHEMA = 1;

/** A longer key is cut, and does not tell how many steps there are. */
const STEPS_KEY_MAX = 512;

/** What the status says: a state, nothing yet, or something that cannot be. */
export type StoredState =
  | { readonly kind: 'state'; readonly state: State }
  | { readonly kind: 'none'; readonly phase: string | null; readonly trackedConfigs: Readonly<Record<string, string>> }
  | { readonly kind: 'invalid'; readonly message: string };

/** Reads the state back. Anything unreadable or impossible is `invalid`: the loop then holds and leaves traffic where it is. */
export function readState(object: KubeObject): StoredState {
  const status = isObject(object['status']) ? object['status'] : {};
  const stored = status['run'];
  if (stored === undefined || stored === null) {
    const configs = isObject(status['trackedConfigs']) ? status['trackedConfigs'] : {};
    const phase = typeof status['phase'] === 'string' && status['phase'] !== '' ? status['phase'] : null;
    return { kind: 'none', phase, trackedConfigs: stringsOf(configs) };
  }
  const read = parseState(
    isObject(stored) ? { ...stored, outbox: status['outbox'] ?? [], history: status['history'] ?? [] } : stored,
  );
  if (!read.success) return { kind: 'invalid', message: `status.run cannot be read: ${read.message}` };
  const impossible = whyImpossible(read.state);
  return impossible === null
    ? { kind: 'state', state: read.state }
    : { kind: 'invalid', message: `status.run is impossible: ${impossible}` };
}

function stringsOf(value: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** What no sequence of decisions could have written. */
function whyImpossible(state: State): string | null {
  const needsRun = ['Waiting', 'Progressing', 'WaitingPromotion', 'Promoting', 'Finalising', 'KeepingCanary'].includes(
    state.phase,
  );
  if (needsRun && state.run === null) return `phase ${state.phase} without a run`;
  if (state.run !== null && state.run.stepsKey.length < STEPS_KEY_MAX) {
    const steps = state.run.stepsKey.split(',').length;
    if (state.run.step > steps) return `step ${state.run.step} of ${steps}`;
  }
  if (
    state.weightPercent > 0 &&
    !['Progressing', 'WaitingPromotion', 'Promoting', 'KeepingCanary', 'Failed'].includes(state.phase)
  ) {
    return `weight ${state.weightPercent} in phase ${state.phase}`;
  }
  if (state.phase === 'Failed' && state.failure === null) return 'phase Failed without a failure';
  return null;
}

/** The members of status that hold the state. Flagger's own fields are derived from it. */
export function writeState(state: State): Record<string, unknown> {
  const { outbox, history, ...run } = state;
  return {
    phase: reportedPhase(state.phase),
    canaryWeight: state.weightPercent,
    failedChecks: state.run?.failedChecks ?? 0,
    iterations: state.run?.passes ?? 0,
    trackedConfigs: state.trackedConfigs,
    lastAppliedSpec: state.seenRevision ?? '',
    lastPromotedSpec: state.promotedRevision ?? '',
    ...(state.targetFacts === null
      ? {}
      : { observedTarget: { ...state.targetFacts, revision: state.seenRevision ?? '' } }),
    ...(state.lastRequest === null ? {} : { lastHandledRequest: state.lastRequest }),
    run: { schema: RUN_SCHEMA, ...run },
    outbox,
    history,
  };
}
