// decide(): one look at a time, as the loop calls it, in a world that obeys.
import { describe, expect, it } from 'vitest';
import { decide, type Decision } from '../../../src/core/decide.ts';
import type { Observation, RouteSeen } from '../../../src/core/observation.ts';
import { initialState, type State } from '../../../src/core/state.ts';
import {
  aHook,
  anObservation,
  aPlan,
  aPolicy,
  aTick,
  aWorkload,
  obey,
  REV_A,
  REV_B,
  REV_C,
  T0,
} from '../../support/core-builders.ts';
import { isTickDue } from '../../../src/core/signals.ts';
import { isQuiet } from '../../../src/core/world.ts';

/** Looks until nothing is left to do at this moment; ticks are answered by `tick`. */
function settle(
  state: State,
  seen: Observation,
  tick = aTick(),
): { state: State; seen: Observation; decisions: Decision[] } {
  const decisions: Decision[] = [];
  let now = { state, seen };
  for (let i = 0; i < 40; i += 1) {
    const quietSinceMs = isQuiet(now.state, now.seen) ? (now.seen.quietSinceMs ?? now.seen.nowMs) : null;
    now = { ...now, seen: { ...now.seen, quietSinceMs } };
    const asked = isTickDue(now.state, now.seen) ? { ...now.seen, tick } : { ...now.seen, tick: null };
    const decision = decide(now.state, asked);
    decisions.push(decision);
    now = { state: decision.next, seen: { ...obey(now.seen, decision.effects, decision.next), tick: null } };
    if (decision.effects.length === 0 && !decision.isChanged) break;
  }
  return { ...now, decisions };
}

const later = (seen: Observation, ms: number): Observation => ({ ...seen, nowMs: seen.nowMs + ms });

function rested(change: Partial<State> = {}): State {
  return {
    ...initialState(T0),
    phase: 'Initialized',
    seenRevision: REV_A,
    promotedRevision: REV_A,
    isTakenOver: true,
    primaryReplicas: 2,
    targetFacts: anObservation().targetFacts,
    ...change,
  };
}

/** The target was changed to revision B: seen as a workload at zero with another template. */
function changed(seen: Observation = anObservation(), revision = REV_B): Observation {
  return { ...seen, isRunPinned: false, isTargetPinned: false, target: { ...(seen.target ?? aWorkload()), revision } };
}

describe('decide()', () => {
  it('does nothing at rest', () => {
    const decision = decide(rested(), anObservation());
    expect(decision).toMatchObject({ effects: [], isChanged: false, wakeAtMs: null, because: 'always' });
  });

  it('takes no other order of members for a change: an API server returns them in its own', () => {
    const images = ['app:1'];
    const targetFacts = { version: '1', images, generation: 1 };
    const trackedConfigs = { b: '2', a: '1' };
    const state = {
      ...rested(),
      targetFacts: { generation: 1, images, version: '1' },
      trackedConfigs: { a: '1', b: '2' },
    };
    expect(decide(state, anObservation({ targetFacts, trackedConfigs }))).toMatchObject({
      effects: [],
      isChanged: false,
    });
    const other = anObservation({ targetFacts, trackedConfigs: { b: '2', a: '3' } });
    expect(decide(state, other).isChanged).toBe(true);
  });

  it('takes a running workload over without ever leaving it without ready pods', () => {
    const world = anObservation({
      hasFinalizer: false,
      target: aWorkload(),
      primary: null,
      isRunPinned: false,
      isTargetPinned: false,
      services: { apex: 'target', isDrifted: true },
      route: { state: 'absent', askedPercent: null, livePercent: 'unknown', fence: null, isFenceable: true },
    });
    const first = settle(initialState(T0), world);
    expect(first.state.phase).toBe('Initializing');
    expect(first.seen).toMatchObject({
      hasFinalizer: true,
      services: { apex: 'primary' },
      target: { replicas: 2 },
      route: { askedPercent: 0 },
    });
    const second = settle(first.state, later(first.seen, 10_000));
    expect(second.state).toMatchObject({ phase: 'Initialized', promotedRevision: REV_A, isTakenOver: true });
    expect(second.seen.target?.replicas).toBe(0);
  });

  it('walks a good revision through its steps, promotes it and scales the canary down', () => {
    let now = settle(rested(), changed());
    const weights = [now.state.weightPercent];
    for (let i = 0; i < 12 && now.state.phase !== 'Succeeded'; i += 1) {
      now = settle(now.state, later(now.seen, 10_000));
      weights.push(now.state.weightPercent);
    }
    expect(weights.slice(0, 6)).toEqual([10, 20, 30, 40, 50, 0]);
    expect(now.state).toMatchObject({ phase: 'Succeeded', promotedRevision: REV_B, seenRevision: REV_B });
    expect(now.seen).toMatchObject({
      target: { replicas: 0 },
      primary: { revision: REV_B },
      route: { askedPercent: 0 },
    });
    expect(now.state.history.at(-1)).toMatchObject({ outcome: 'promoted', revision: REV_B });
  });

  it('rolls back in the look that spends the budget, and takes traffic off before anything else', () => {
    const start = settle(rested(), changed());
    const fail = aTick({
      verdict: 'Fail',
      checks: [{ name: 'request-success-rate', verdict: 'Fail', value: 80, min: 99, max: null, detail: '' }],
    });
    let now = start;
    for (let i = 1; i < 3; i += 1) {
      now = settle(now.state, later(now.seen, 10_000), fail);
      expect(now.state).toMatchObject({ phase: 'Progressing', weightPercent: 10, run: { failedChecks: i } });
    }
    const last = { ...later(now.seen, 10_000), tick: fail };
    const decision = decide(now.state, last);
    expect(decision.next).toMatchObject({ phase: 'RollingBack', weightPercent: 0, run: { failedChecks: 3 } });
    expect(decision.effects[0]).toMatchObject({ kind: 'writeRoute', weightPercent: 0 });
    const done = settle(decision.next, obey({ ...last, tick: null }, decision.effects, decision.next));
    expect(done.state.phase).toBe('RollingBack');
    expect(done.seen.target?.replicas).toBe(2);
    const end = settle(done.state, later(done.seen, 10_000));
    expect(end.state).toMatchObject({ phase: 'Failed', failure: 'rolledBack', promotedRevision: REV_A });
    expect(end.seen).toMatchObject({ target: { replicas: 0 }, route: { askedPercent: 0 } });
  });

  it('keeps the canary while the mesh has not followed, however long, and says so at the deadline', () => {
    const fail = aTick({ verdict: 'Fail' });
    let now = settle(rested(), changed());
    for (let i = 1; i <= 3; i += 1) now = settle(now.state, later(now.seen, 10_000), fail);
    expect(now.state.phase).toBe('RollingBack');
    const showing = (livePercent: RouteSeen['livePercent'], afterMs: number): Observation => {
      const seen = later(now.seen, afterMs);
      return { ...seen, route: { ...seen.route, livePercent, pollMs: 1_000 } };
    };
    for (const live of ['pending', 10] as const) {
      const held = decide(now.state, showing(live, 60_000));
      expect(held).toMatchObject({ effects: [], next: { phase: 'RollingBack' } });
      // What no event tells is asked again.
      expect(held.wakeAtMs).toBe(showing(live, 60_000).nowMs + 1_000);
    }
    expect(decide(now.state, showing(0, 60_000)).effects).toContainEqual(
      expect.objectContaining({ kind: 'scaleTarget', replicas: 0 }),
    );
    const late = decide(now.state, showing('pending', 3_600_000));
    expect(late.next).toMatchObject({ phase: 'Failed', isDrainPending: true });
    expect(late.effects.filter(({ kind }) => kind === 'scaleTarget')).toEqual([]);
  });

  it.each(['Insufficient', 'Error'] as const)(
    'holds on %s without spending the budget, and gives up after its own limit',
    (verdict) => {
      let now = settle(rested(), changed());
      const tick = aTick({ verdict });
      for (let i = 0; i < 2; i += 1) {
        now = settle(now.state, later(now.seen, 10_000), tick);
        expect(now.state).toMatchObject({ phase: 'Progressing', weightPercent: 10, run: { failedChecks: 0 } });
      }
      now = settle(now.state, later(now.seen, 10_000), tick);
      expect(now.state.phase).toBe('RollingBack');
      expect(now.state.run?.failedChecks).toBe(0);
    },
  );

  it('starts anew at weight 0 when a newer revision arrives in the middle', () => {
    const now = settle(rested(), changed());
    const newer = changed(now.seen, REV_C);
    const decision = decide(now.state, newer);
    expect(decision.next).toMatchObject({ phase: 'Progressing', weightPercent: 0, run: { revision: REV_C, step: 0 } });
    expect(decision.next.history.at(-1)).toMatchObject({ revision: REV_B, outcome: 'superseded' });
    expect(decision.effects[0]).toMatchObject({ kind: 'writeRoute', weightPercent: 0 });
  });

  it("ends the run when the target returns to the primary's revision", () => {
    const now = settle(rested(), changed());
    const back = { ...now.seen, target: { ...now.seen.target!, revision: REV_A } };
    const turned = settle(now.state, back);
    expect(turned.state.phase).toBe('Returning');
    const end = settle(turned.state, later(turned.seen, 10_000));
    expect(end.state).toMatchObject({ phase: 'Succeeded', promotedRevision: REV_A });
    expect(end.state.history.at(-1)).toMatchObject({ revision: REV_B, outcome: 'returned' });
  });

  it('rolls a crashing canary back at once, without waiting for a deadline', () => {
    const now = settle(rested(), changed());
    const crashing = {
      ...now.seen,
      target: {
        ...now.seen.target!,
        isReady: false,
        trouble: { reason: 'CrashLoopBackOff' as const, message: 'exit 1' },
      },
    };
    expect(decide(now.state, crashing).next).toMatchObject({ phase: 'RollingBack', weightPercent: 0 });
  });

  it('keeps traffic where it is while the primary cannot take it', () => {
    const now = settle(rested(), changed());
    const weak = {
      ...now.seen,
      primary: { ...now.seen.primary!, readyReplicas: 0, isReady: false },
      target: { ...now.seen.target!, trouble: { reason: 'CrashLoopBackOff' as const, message: '' } },
    };
    const decision = decide(now.state, weak);
    expect(decision.next.phase).toBe('RollingBack');
    expect(decision.effects.filter((effect) => effect.kind === 'writeRoute' && effect.weightPercent === 0)).toEqual([]);
  });

  it('leaves all traffic on the canary when the primary does not become ready on the new revision', () => {
    let now = settle(rested(), { ...changed(), policy: aPolicy({ plan: aPlan({ stepWeightPercent: 50 }) }) });
    now = settle(now.state, later(now.seen, 10_000));
    expect(now.state.phase).toBe('Finalising');
    const promoting: State = {
      ...now.state,
      phase: 'Promoting',
      weightPercent: 50,
      promotedRevision: REV_A,
      deadlineMs: now.seen.nowMs + 1,
    };
    const broken = {
      ...later(now.seen, 2),
      primary: { ...now.seen.primary!, isReady: false, readyReplicas: 0, notReady: '0 of 2' },
      route: { ...now.seen.route, askedPercent: 50 },
      target: aWorkload({ revision: REV_B, fence: now.state.fence }),
    };
    const kept = settle(promoting, broken);
    expect(kept.state).toMatchObject({ phase: 'Failed', failure: 'primaryBroken', weightPercent: 100 });
    expect(kept.seen).toMatchObject({ route: { askedPercent: 100 }, target: { replicas: 2 } });
    const fixed = settle(kept.state, {
      ...changed(kept.seen, REV_C),
      primary: { ...kept.seen.primary!, isReady: true, readyReplicas: 2 },
    });
    expect(['Promoting', 'Finalising']).toContain(fixed.state.phase);
  });

  it('waits for approval before a run, and gives up when the gate stays closed', () => {
    const policy = aPolicy({ hooks: [aHook('confirm-rollout')], gateDeadlineMs: 60_000, progressDeadlineMs: 60_000 });
    const closed = aTick({ gates: { 'confirm-rollout': { verdict: 'fail', hook: 'confirm-rollout', detail: '403' } } });
    const waiting = settle(rested(), { ...changed(), policy }, closed);
    expect(waiting.state.phase).toBe('Waiting');
    expect(waiting.seen.target?.replicas).toBe(0);
    const open = settle(
      waiting.state,
      later(waiting.seen, 10_000),
      aTick({ gates: { 'confirm-rollout': { verdict: 'pass', hook: 'confirm-rollout', detail: '' } } }),
    );
    expect(open.state.phase).toBe('Progressing');
    const late = settle(waiting.state, later(waiting.seen, 130_000), closed);
    expect(late.state.phase).toMatch(/RollingBack|Failed/);
  });

  it('holds before promotion while confirm-promotion is closed and goes on judging', () => {
    const policy = aPolicy({ plan: aPlan({ stepWeightPercent: 50 }), hooks: [aHook('confirm-promotion')] });
    const closed = aTick({ gates: { 'confirm-promotion': { verdict: 'fail', hook: 'h', detail: '' } } });
    let now = settle(rested(), { ...changed(), policy }, closed);
    now = settle(now.state, later(now.seen, 10_000), closed);
    expect(now.state).toMatchObject({ phase: 'WaitingPromotion', weightPercent: 50 });
    const failing = settle(now.state, later(now.seen, 10_000), aTick({ verdict: 'Fail' }));
    expect(failing.state).toMatchObject({ phase: 'WaitingPromotion', run: { failedChecks: 1 } });
    const open = settle(
      failing.state,
      later(failing.seen, 10_000),
      aTick({ gates: { 'confirm-promotion': { verdict: 'pass', hook: 'h', detail: '' } } }),
    );
    expect(['Promoting', 'Finalising']).toContain(open.state.phase);
  });

  it('hands shares back to the primary in steps when stepWeightPromotion is set', () => {
    const policy = aPolicy({
      plan: aPlan({ stepWeightPercent: 100, maxWeightPercent: 100 }),
      stepWeightPromotionPercent: 50,
    });
    let now = settle(rested(), { ...changed(), policy });
    expect(now.state.weightPercent).toBe(100);
    now = settle(now.state, later(now.seen, 10_000));
    expect(now.state).toMatchObject({ phase: 'Promoting', weightPercent: 100 });
    now = settle(now.state, later(now.seen, 10_000));
    expect(now.state).toMatchObject({ phase: 'Promoting', weightPercent: 50 });
    now = settle(now.state, later(now.seen, 10_000));
    expect(now.state).toMatchObject({ phase: 'Finalising', weightPercent: 0 });
  });

  it('does nothing but wait while suspended, and still completes a rollback', () => {
    const suspended = aPolicy({ suspend: true });
    expect(decide(rested(), { ...changed(), policy: suspended })).toMatchObject({
      effects: [],
      next: { phase: 'Initialized' },
    });
    const now = settle(rested(), changed());
    expect(decide(now.state, { ...later(now.seen, 60_000), policy: suspended }).effects).toEqual([]);
    const rolling: State = { ...now.state, phase: 'RollingBack', weightPercent: 0 };
    expect(decide(rolling, { ...now.seen, policy: suspended }).effects).toContainEqual(
      expect.objectContaining({ kind: 'writeRoute', weightPercent: 0 }),
    );
  });

  it('gives the target back before it lets the primary go when the Canary is deleted', () => {
    const doomed = anObservation({ isDeleting: true });
    const first = settle(rested(), doomed);
    expect(first.state.phase).toBe('Terminating');
    expect(first.seen).toMatchObject({ target: { replicas: 2 }, services: { apex: 'target' }, hasFinalizer: true });
    const end = settle(first.state, later(first.seen, 10_000));
    expect(end.seen.hasFinalizer).toBe(false);
    const kinds = [...first.decisions, ...end.decisions].flatMap(({ effects }) => effects.map(({ kind }) => kind));
    expect(kinds.indexOf('scaleTarget')).toBeLessThan(kinds.indexOf('pointApex'));
    expect(kinds.indexOf('pointApex')).toBeLessThan(kinds.indexOf('releaseWorkload'));
  });

  it('never scales down, and never rests, before every object carries the fence', () => {
    const now = settle(rested(), changed());
    const rolling: State = { ...now.state, phase: 'RollingBack', weightPercent: 0, fence: '9/9' };
    const zero = { ...now.seen, nowMs: T0 + 60_000, route: { ...now.seen.route, askedPercent: 0, fence: '9/9' } };
    const decision = decide(rolling, zero);
    expect(decision.next.phase).toBe('RollingBack');
    expect(decision.effects.map((effect) => effect.kind)).not.toContain('scaleTarget');
    expect(decision.effects).toContainEqual({ kind: 'fence', on: 'primary', fence: '9/9' });
  });

  it('checks again an interval after the last check was due, however long answers took', () => {
    const now = settle(rested(), changed());
    const dueMs = now.state.run!.nextCheckAtMs;
    const failing = (lateMs: number): Observation => ({
      ...later(now.seen, dueMs - now.seen.nowMs + lateMs),
      tick: aTick({ verdict: 'Fail' }),
    });
    expect(decide(now.state, failing(1_500)).next.run?.nextCheckAtMs).toBe(dueMs + 10_000);
    // After one that was too late to keep the beat, checks are not crowded together.
    expect(decide(now.state, failing(6_000)).next.run?.nextCheckAtMs).toBe(dueMs + 6_000 + 7_500);
  });

  it('does not judge a weight that was written late, and gives it a whole interval', () => {
    const now = settle(rested(), changed());
    const late = { ...later(now.seen, 10_000), hasActedLate: true };
    expect(isTickDue(now.state, late)).toBe(false);
    const decision = decide(now.state, late);
    expect(decision.next).toMatchObject({ weightPercent: 10, run: { nextCheckAtMs: late.nowMs + 10_000 } });
  });

  it('acknowledges a request once, and refuses one that comes when nothing is under way', () => {
    const request = { id: 'r1', verb: 'pause' as const, by: 'ops', refusal: null };
    const idle = decide(rested(), anObservation({ request }));
    expect(idle.next.lastRequest).toMatchObject({ id: 'r1', outcome: 'Refused: no run is under way' });
    const now = settle(rested(), changed());
    const paused = decide(now.state, { ...now.seen, request });
    expect(paused.next).toMatchObject({ isPaused: true, lastRequest: { id: 'r1', outcome: 'done' } });
    const held = decide(paused.next, { ...later(now.seen, 60_000), request: null });
    expect(held.next.weightPercent).toBe(now.state.weightPercent);
    const resumed = decide(paused.next, { ...now.seen, request: { ...request, id: 'r2', verb: 'resume' } });
    expect(resumed.next.isPaused).toBe(false);
  });

  it('aborts a run by request', () => {
    const now = settle(rested(), changed());
    const decision = decide(now.state, { ...now.seen, request: { id: 'r1', verb: 'abort', by: 'ops', refusal: null } });
    expect(decision.next).toMatchObject({
      phase: 'RollingBack',
      run: { ending: { outcome: 'aborted' } },
      lastRequest: { id: 'r1', outcome: 'done' },
    });
  });
});
