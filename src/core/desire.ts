// What the world should look like in each phase. The canary carries traffic in four phases only.
import type { Phase } from './phase.ts';
import type { State } from './state.ts';

/** recorded: status.canaryWeight; none: 0; all: 100; free: the route is not steered here. */
export type WeightWish = 'recorded' | 'none' | 'all' | 'free';
/** up: scaled up for the run; zero: scaled down once drained; handOver: zero once the primary serves; leave: untouched. */
export type TargetWish = 'up' | 'zero' | 'handOver' | 'leave';
/** base: exists at the promoted revision; run: at the run's revision; first: made from the target; leave: untouched. */
export type PrimaryWish = 'base' | 'run' | 'first' | 'leave';
/** primary, target: where the apex points; handOver: to the primary once it is ready; leave: untouched. */
export type ApexWish = 'primary' | 'target' | 'handOver' | 'leave';

export type Wish = readonly [weight: WeightWish, target: TargetWish, primary: PrimaryWish, apex: ApexWish];

// oxfmt-ignore
export const WISHES: Readonly<Record<Phase, Wish>> = {
  //                  weight      target      primary  apex
  Initializing:     ['none',     'handOver', 'first', 'handOver'],
  Initialized:      ['none',     'leave',    'base',  'primary'],
  Waiting:          ['none',     'leave',    'base',  'primary'],
  Progressing:      ['recorded', 'up',       'base',  'primary'],
  WaitingPromotion: ['recorded', 'up',       'base',  'primary'],
  Promoting:        ['recorded', 'up',       'run',   'primary'],
  Finalising:       ['none',     'zero',     'run',   'primary'],
  Succeeded:        ['none',     'leave',    'base',  'primary'],
  RollingBack:      ['none',     'zero',     'base',  'primary'],
  Returning:        ['none',     'zero',     'base',  'primary'],
  KeepingCanary:    ['all',      'up',       'leave', 'primary'],
  Failed:           ['none',     'leave',    'base',  'primary'],
  Terminating:      ['free',     'up',       'leave', 'target'],
};

/** Failed looks different for a Canary whose primary is broken, and for one that was never initialized. */
const FAILED: Readonly<Record<'rolledBack' | 'primaryBroken' | 'neverInitialized', Wish>> = {
  rolledBack: WISHES.Failed,
  primaryBroken: ['all', 'leave', 'leave', 'primary'],
  neverInitialized: ['free', 'leave', 'leave', 'leave'],
};

/** The wish of this state. */
export function wishOf(state: State): Wish {
  const wish = state.phase === 'Failed' && state.failure !== null ? FAILED[state.failure] : WISHES[state.phase];
  // Pods that were kept because traffic still reached them go as soon as it does not.
  return state.isDrainPending ? [wish[0], 'zero', wish[2], wish[3]] : wish;
}

/** The canary's share that the wish means. */
export function wishedWeight(state: State): number | null {
  switch (wishOf(state)[0]) {
    case 'recorded':
      return state.weightPercent;
    case 'none':
      return 0;
    case 'all':
      return 100;
    case 'free':
      return null;
  }
}
