// The updates: how a row of the machine changes what is remembered. Each returns the members that change.
import type { Observation } from './observation.ts';
import type { Run, RunOutcome, RunSummary, State } from './state.ts';
import { HISTORY_MAX } from './state.ts';
import type { SignalName } from './signals.ts';
import { stepsOf, walkAfter } from './signals.ts';
import { outcomeOf, sentenceOf } from './reasons.ts';
import { analysisAt } from './steps.ts';

/** What an update is given: the state before, the look, and the signal that chose it. */
export interface UpdateInput {
  readonly state: State;
  readonly seen: Observation;
  readonly because: SignalName;
}

type Update = (input: UpdateInput) => Partial<State>;

/** A fence value is new with each turn: a worker paused before it must find its target changed. */
const newFence = (state: State): string => `${state.runsBegun}/${state.record + 1}`;

/** Text that says for which steps an index counts. */
export function stepsKeyOf(seen: Observation): string {
  return stepsOf(seen)
    .map((step) =>
      step.kind === 'weight'
        ? `w${step.weightPercent}`
        : step.kind === 'gate'
          ? `g${step.gate.at(8)}`
          : `a${step.ticks}${step.hooks.at(0)}`,
    )
    .join(',')
    .slice(0, 512);
}

function newRun(state: State, seen: Observation, base: string | null): Run {
  const revision = seen.target?.revision ?? '';
  const number = state.runsBegun + 1;
  return {
    id: `${number}-${revision.slice(3, 11)}`,
    number,
    revision,
    base,
    startedAtMs: seen.nowMs,
    wasPinned: false,
    step: 0,
    stepsKey: stepsKeyOf(seen),
    passes: 0,
    tick: 0,
    nextCheckAtMs: seen.nowMs,
    failedChecks: 0,
    insufficientInRow: 0,
    errorsInRow: 0,
    checks: [],
    primaryFloor: Math.max(
      state.run !== null && state.weightPercent > 0 ? state.run.primaryFloor : 0,
      seen.primary?.replicas ?? 0,
      1,
    ),
    version: seen.targetFacts?.version ?? '',
    images: seen.targetFacts?.images ?? [],
    closedGate: null,
    ending: null,
  };
}

/** The run that is left behind, as history; a promotion that had reached the primary counts as one. */
function closed(
  state: State,
  seen: Observation,
  outcome: RunOutcome,
  reason: string,
  message: string,
): readonly RunSummary[] {
  const run = state.run;
  if (run === null || run.revision === '') return state.history;
  const summary: RunSummary = {
    id: run.id,
    revision: run.revision,
    version: run.version,
    images: run.images,
    outcome,
    reason,
    message,
    startedAtMs: run.startedAtMs,
    endedAtMs: seen.nowMs,
  };
  return [...state.history, summary].slice(-HISTORY_MAX);
}

function isRunOpen(state: State): boolean {
  return state.run !== null && !state.history.some((past) => past.id === state.run?.id);
}

/** Starts a run for what the target runs now. A run under way is superseded, or counted as promoted where the primary has its revision. */
const begin: Update = ({ state, seen }) => {
  const isPromotedAlready = state.phase === 'Promoting' && seen.primary?.revision === state.run?.revision;
  const promoted = isPromotedAlready ? (state.run?.revision ?? null) : state.promotedRevision;
  const outcome: RunOutcome =
    isPromotedAlready || state.phase === 'Finalising' ? 'promoted' : (state.run?.ending?.outcome ?? 'superseded');
  return {
    history: isRunOpen(state)
      ? closed(state, seen, outcome, 'Superseded', 'A newer revision took over')
      : state.history,
    run: newRun(state, seen, promoted),
    runsBegun: state.runsBegun + 1,
    seenRevision: seen.target?.revision ?? null,
    promotedRevision: promoted,
    weightPercent: 0,
    failure: null,
    isDrainPending: false,
    isPaused: false,
    fence: newFence({ ...state, runsBegun: state.runsBegun + 1 }),
    handles: {},
  };
};

/** Turns towards an end: weight 0 unless said otherwise, a new fence, and the reason for which it ends. */
function turn(input: UpdateInput, outcome: RunOutcome, change: Partial<State>): Partial<State> {
  const { state, because } = input;
  const ending = { outcome, reason: because, message: sentenceOf(because, input.state, input.seen) };
  return {
    run: state.run === null ? null : { ...state.run, closedGate: null, ending },
    weightPercent: 0,
    isPaused: false,
    fence: newFence(state),
    ...change,
  };
}

function ended(input: UpdateInput, fallback: RunOutcome, change: Partial<State>): Partial<State> {
  const { state, seen } = input;
  const ending = state.run?.ending ?? { outcome: fallback, reason: 'Completed', message: '' };
  return {
    history: isRunOpen(state) ? closed(state, seen, ending.outcome, ending.reason, ending.message) : state.history,
    isDrainPending: false,
    ...change,
  };
}

/** A tick is late, and the next one on no grid, when it comes more than this part of an interval after it was due. */
const LATE_SHARE = 4;

/**
 * An interval after the moment when this tick was due, so that the time which answers take does not add up over a
 * threshold of failed checks; after a late tick somewhat sooner than an interval from now.
 */
function onGrid(run: Run, seen: Observation): number {
  const { intervalMs } = seen.policy;
  return Math.max(run.nextCheckAtMs, seen.nowMs - Math.floor(intervalMs / LATE_SHARE)) + intervalMs;
}

/** Takes a tick's answers into the run's counters. */
function counted({ state, seen }: UpdateInput): Run | null {
  const { run } = state;
  const { tick } = seen;
  if (run === null || tick === null) return run;
  return {
    ...run,
    tick: run.tick + 1,
    nextCheckAtMs: onGrid(run, seen),
    failedChecks: run.failedChecks + (tick.verdict === 'Fail' ? 1 : 0),
    insufficientInRow: tick.verdict === 'Insufficient' ? run.insufficientInRow + 1 : 0,
    errorsInRow: tick.verdict === 'Error' ? run.errorsInRow + 1 : 0,
    checks: tick.checks.length > 0 ? tick.checks : run.checks,
  };
}

const advance: Update = (input) => {
  const run = counted(input);
  if (run === null) return {};
  const walk = walkAfter(input.state, input.seen);
  const step = stepsOf(input.seen)[walk.index];
  // A new weight is observed for a whole interval.
  const isNewWeight = walk.weightPercent !== input.state.weightPercent;
  const nextCheckAtMs = isNewWeight ? input.seen.nowMs + input.seen.policy.intervalMs : run.nextCheckAtMs;
  const closedGate = step?.kind === 'gate' ? step.gate : null;
  return {
    weightPercent: walk.weightPercent,
    run: { ...run, nextCheckAtMs, step: walk.index, passes: walk.passes, closedGate },
  };
};

/**
 * A weight that is not in place yet, or a canary that is not ready, has not been observed: its check waits a whole
 * interval from the last look that found it so. Moved at most twice an interval, because each move is a write.
 */
const postpone: Update = ({ state, seen }) => {
  const { run } = state;
  const isJudged = run !== null && analysisAt(stepsOf(seen), run.step)?.judgesMetrics === true;
  if (!isJudged || run.nextCheckAtMs - seen.nowMs > seen.policy.intervalMs / 2) return {};
  return { run: { ...run, nextCheckAtMs: seen.nowMs + seen.policy.intervalMs } };
};

/** Hands one more share back to the primary. */
const handBack: Update = (input) => {
  const run = counted(input) ?? input.state.run;
  const weightPercent = Math.max(0, input.state.weightPercent - input.seen.policy.stepWeightPromotionPercent);
  if (run === null) return { weightPercent };
  return { weightPercent, run: { ...run, nextCheckAtMs: input.seen.nowMs + input.seen.policy.intervalMs } };
};

const succeed: Update = (input) =>
  ended(input, input.seen.policy.skipAnalysis ? 'skipped' : 'promoted', {
    promotedRevision: input.state.run?.revision ?? null,
    failure: null,
  });

export const UPDATES = {
  keep: () => ({}),
  extend: () => ({ deadlineMs: null }),
  note: ({ seen }) => ({ seenRevision: seen.target?.revision ?? null }),
  adopt: ({ seen }) => ({ seenRevision: seen.target?.revision ?? null, failure: null }),
  settle: ({ state }) => ({ promotedRevision: state.seenRevision, isTakenOver: true }),
  settleUndrained: ({ state }) => ({ promotedRevision: state.seenRevision, isTakenOver: true, isDrainPending: true }),
  giveUp: () => ({ failure: 'neverInitialized' }),
  begin,
  start: (input) => ({ run: { ...counted(input)!, tick: 0, nextCheckAtMs: input.seen.nowMs, closedGate: null } }),
  wait: (input) => ({ run: { ...counted(input)!, failedChecks: 0, closedGate: 'confirm-rollout' } }),
  postpone,
  count: (input) => ({ run: counted(input) }),
  advance,
  promote: (input) => ({ run: counted(input), fence: newFence(input.state) }),
  handBack,
  finalise: ({ state }) => ({ weightPercent: 0, promotedRevision: state.run?.revision ?? null }),
  drained: () => ({ isDrainPending: false }),
  succeed,
  succeedUndrained: (input) => ({ ...succeed(input), isDrainPending: true }),
  rollBack: (input) => turn(input, outcomeOf(input.because), backToBase(input)),
  strikeOut: (input) =>
    turn({ ...input, state: { ...input.state, run: counted(input) } }, outcomeOf(input.because), backToBase(input)),
  goBack: (input) => turn(input, 'returned', { seenRevision: input.seen.target?.revision ?? null }),
  keepCanary: (input) => turn(input, 'promotionFailed', { weightPercent: 100, ...backToBase(input) }),
  heal: (input) => ({ ...begin(input), weightPercent: 100, promotedRevision: input.state.promotedRevision }),
  fail: (input) => ended(input, 'rolledBack', { failure: 'rolledBack' }),
  failUndrained: (input) => ({ ...ended(input, 'rolledBack', { failure: 'rolledBack' }), isDrainPending: true }),
  failKept: (input) => ended(input, 'promotionFailed', { failure: 'primaryBroken' }),
  comeBack: (input) => ended(input, 'returned', { failure: null }),
  comeBackUndrained: (input) => ({ ...ended(input, 'returned', { failure: null }), isDrainPending: true }),
  release: (input) => turn(input, 'aborted', { keepsPrimary: false, failure: null }),
  keepPrimary: () => ({ keepsPrimary: true }),
} as const satisfies Record<string, Update>;

/** A run that turned while finalising had already made its revision the primary's: going back means the one before it. */
function backToBase({ state }: UpdateInput): Partial<State> {
  return state.run === null ? {} : { promotedRevision: state.run.base };
}

export type UpdateName = keyof typeof UPDATES;
