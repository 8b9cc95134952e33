// Decisions per second of the core: what one look costs without any I/O.
import { decide } from '../../src/core/decide.ts';
import type { Observation } from '../../src/core/observation.ts';
import { initialState, type State } from '../../src/core/state.ts';
import { isQuiet } from '../../src/core/world.ts';
import { anObservation, aTick, aWorkload, obey, REV_A, REV_B, T0 } from '../support/core-builders.ts';
import { cpuSeconds, round } from './figures.ts';
import type { BenchOptions } from './options.ts';

/** Decisions per second of processor time, one core. */
export interface CoreFigures {
  /** A resting Canary is looked at: nothing follows. */
  readonly idleLook: number;
  /** A run is looked at between two ticks: nothing follows. */
  readonly activeLook: number;
  /** A tick passes: the next weight, recorded and acted upon. */
  readonly tickLook: number;
  /** The tick that spends the failure budget: rollback. */
  readonly rollback: number;
}

interface Look {
  readonly state: State;
  readonly seen: Observation;
}

/** Looks decided before the time is looked at again. */
const BATCH = 2_000;

/** Measures each kind of look. Throws when one decides something else than it stands for. */
export function measureCore({ coreMs }: BenchOptions): CoreFigures {
  const rested = restedLook();
  const running = runningLook(rested);
  const due = { ...running, seen: { ...running.seen, nowMs: running.seen.nowMs + 10_000 } };
  const pass = { ...due, seen: { ...due.seen, tick: aTick() } };
  const fail = spentLook(due);
  expectDecision('idle look', rested, 'Initialized', 0);
  expectDecision('active look', running, 'Progressing', 10);
  expectDecision('tick look', pass, 'Progressing', 20);
  expectDecision('rollback', fail, 'RollingBack', 0);
  return {
    idleLook: perSecond(rested, coreMs),
    activeLook: perSecond(running, coreMs),
    tickLook: perSecond(pass, coreMs),
    rollback: perSecond(fail, coreMs),
  };
}

function perSecond({ state, seen }: Look, forMs: number): number {
  const repeat = (untilMs: number): number => {
    let count = 0;
    for (; performance.now() < untilMs; count += BATCH) for (let i = 0; i < BATCH; i += 1) decide(state, seen);
    return count;
  };
  repeat(performance.now() + forMs / 5);
  const startSeconds = cpuSeconds();
  const count = repeat(performance.now() + forMs);
  return round(count / (cpuSeconds() - startSeconds), 0);
}

function restedLook(): Look {
  const seen = anObservation();
  const state: State = {
    ...initialState(T0),
    phase: 'Initialized',
    seenRevision: REV_A,
    promotedRevision: REV_A,
    isTakenOver: true,
    primaryReplicas: 2,
    targetFacts: seen.targetFacts,
  };
  return { state, seen };
}

/** A new revision at its first weight, between two ticks. */
function runningLook({ state, seen }: Look): Look {
  const target = { ...(seen.target ?? aWorkload()), revision: REV_B };
  let look: Look = { state, seen: { ...seen, isRunPinned: false, isTargetPinned: false, target } };
  for (let i = 0; i < 40; i += 1) {
    const decision = decide(look.state, withQuiet(look, look.state.run === null ? null : aTick()));
    look = { state: decision.next, seen: { ...obey(look.seen, decision.effects, decision.next), tick: null } };
    if (decision.next.weightPercent === 10 && decision.effects.length === 0 && !decision.isChanged) break;
    if (decision.next.weightPercent === 10) look = { ...look, seen: { ...look.seen, nowMs: T0 } };
  }
  return look;
}

function withQuiet({ state, seen }: Look, tick: Observation['tick']): Observation {
  const quietSinceMs = isQuiet(state, seen) ? (seen.quietSinceMs ?? seen.nowMs) : null;
  const isDue = state.run !== null && seen.nowMs >= state.run.nextCheckAtMs;
  return { ...seen, quietSinceMs, tick: isDue ? tick : null };
}

/** One failed check before the budget is spent, and the check fails. */
function spentLook({ state, seen }: Look): Look {
  const run = { ...state.run!, failedChecks: seen.policy.threshold - 1 };
  const check = { name: 'request-success-rate', value: 80, min: 99, max: null, detail: '' };
  return {
    state: { ...state, run },
    seen: { ...seen, tick: aTick({ verdict: 'Fail', checks: [{ ...check, verdict: 'Fail' }] }) },
  };
}

function expectDecision(what: string, { state, seen }: Look, phase: string, weightPercent: number): void {
  const { next } = decide(state, seen);
  if (next.phase !== phase || next.weightPercent !== weightPercent)
    throw new Error(
      `Cannot measure the ${what}: it led to ${next.phase} at ${next.weightPercent} %, must lead to ${phase} at ${weightPercent} %`,
    );
}
