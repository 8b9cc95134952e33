// Builders with sentences for the values of the core, and a small world that obeys its effects.
import type { Effect } from '../../src/core/effects.ts';
import type { Observation, TickSeen, WorkloadSeen } from '../../src/core/observation.ts';
import type { Hook, HookType, Policy } from '../../src/core/policy.ts';
import type { State } from '../../src/core/state.ts';
import type { StepPlan } from '../../src/core/steps.ts';

export const T0 = 1_700_000_000_000;

export function aPlan(change: Partial<StepPlan> = {}): StepPlan {
  return {
    strategy: 'canary',
    stepWeightPercent: 10,
    maxWeightPercent: 50,
    stepWeightsPercent: [],
    iterations: 0,
    ...change,
  };
}

export function aHook(type: HookType, name: string = type): Hook {
  return {
    name,
    type,
    url: 'http://hook.test/',
    timeoutMs: 10_000,
    retries: 0,
    disableTls: false,
    muteAlert: false,
    metadata: {},
  };
}

export function aPolicy(change: Partial<Policy> = {}): Policy {
  return {
    plan: aPlan(),
    intervalMs: 10_000,
    threshold: 3,
    insufficientMax: 3,
    errorsMax: 3,
    stepWeightPromotionPercent: 0,
    progressDeadlineMs: 600_000,
    gateDeadlineMs: 604_800_000,
    drainMs: 10_000,
    primaryReadyThresholdPercent: 100,
    canaryReadyThresholdPercent: 100,
    skipAnalysis: false,
    suspend: false,
    revertOnDeletion: false,
    checks: [
      {
        name: 'request-success-rate',
        source: { kind: 'builtin', metric: 'request-success-rate' },
        windowMs: 60_000,
        windowText: '1m',
        min: 99,
        max: null,
      },
    ],
    hooks: [],
    alerts: [],
    ...change,
  };
}

export function aWorkload(change: Partial<WorkloadSeen> = {}): WorkloadSeen {
  return {
    uid: 'w1',
    revision: 'v1-aaaaaaaaaaaaaaaa',
    replicas: 2,
    readyReplicas: 2,
    isReady: true,
    notReady: '',
    trouble: null,
    fence: null,
    ...change,
  };
}

export const REV_A = 'v1-aaaaaaaaaaaaaaaa';
export const REV_B = 'v1-bbbbbbbbbbbbbbbb';
export const REV_C = 'v1-cccccccccccccccc';

/** A look at a Canary that was initialized and rests: nothing is missing, nothing is due. */
export function anObservation(change: Partial<Observation> = {}): Observation {
  return {
    nowMs: T0,
    policy: aPolicy(),
    invalid: null,
    isDeleting: false,
    isNamespaceTerminating: false,
    hasFinalizer: true,
    request: null,
    target: aWorkload({ replicas: 0, readyReplicas: 0, isReady: false, notReady: 'scaled to zero' }),
    primary: aWorkload({ uid: 'w2' }),
    targetFacts: { generation: 1, version: '1.0.0', images: ['app:1'] },
    trackedConfigs: {},
    quietSinceMs: null,
    hasActedLate: false,
    isTargetPinned: true,
    isRunPinned: true,
    isPromotedPinned: true,
    services: { apex: 'primary', isDrifted: false },
    route: { state: 'ready', askedPercent: 0, livePercent: 'unknown', fence: null, isFenceable: true },
    scaler: null,
    capacity: { target: 2, primary: 2 },
    contested: [],
    tick: null,
    ...change,
  };
}

export function aTick(change: Partial<TickSeen> = {}): TickSeen {
  return { hooks: [], checks: [], verdict: 'Pass', gates: {}, rollback: null, ...change };
}

/** What the world is after it obeyed these effects at once. */
export function obey(seen: Observation, effects: readonly Effect[], state: State): Observation {
  return effects.reduce((world, effect) => obeyOne(world, effect, state), seen);
}

function obeyOne(seen: Observation, effect: Effect, state: State): Observation {
  const { target, primary, route } = seen;
  const readyAt = (workload: WorkloadSeen, replicas: number, fence: string | null): WorkloadSeen => ({
    ...workload,
    replicas,
    readyReplicas: replicas,
    isReady: replicas > 0,
    notReady: replicas > 0 ? '' : 'scaled to zero',
    fence: fence ?? workload.fence,
  });
  switch (effect.kind) {
    case 'addFinalizer':
      return { ...seen, hasFinalizer: true };
    case 'removeFinalizer':
      return { ...seen, hasFinalizer: false };
    case 'pin':
      return { ...seen, isRunPinned: true, isTargetPinned: true };
    case 'ensureServices':
      return {
        ...seen,
        services: { apex: seen.services.apex === 'absent' ? 'target' : seen.services.apex, isDrifted: false },
      };
    case 'pointApex':
      return { ...seen, services: { ...seen.services, apex: effect.to } };
    case 'applyPrimary':
      return {
        ...seen,
        primary: {
          ...aWorkload({ uid: 'w2' }),
          ...primary,
          revision: effect.revision,
          fence: effect.fence ?? primary?.fence ?? null,
        },
      };
    case 'scalePrimary':
      return primary === null ? seen : { ...seen, primary: readyAt(primary, effect.replicas, effect.fence) };
    case 'scaleTarget':
      return target === null ? seen : { ...seen, target: readyAt(target, effect.replicas, effect.fence) };
    case 'ensureRoute':
    case 'writeRoute':
      return {
        ...seen,
        route: { ...route, state: 'ready', askedPercent: effect.weightPercent, fence: effect.fence ?? route.fence },
      };
    case 'fence':
      if (effect.on === 'target')
        return target === null ? seen : { ...seen, target: { ...target, fence: effect.fence } };
      return effect.on === 'primary' && primary !== null
        ? { ...seen, primary: { ...primary, fence: effect.fence } }
        : seen;
    case 'applyScaler':
    case 'releaseRoute':
    case 'releaseWorkload':
    case 'prune':
      return seen;
    default:
      throw new Error(`unknown effect in state ${state.phase}: ${JSON.stringify(effect satisfies never)}`);
  }
}
