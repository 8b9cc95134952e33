// The phases of a Canary: the machine's own, and the words of Flagger under which they are reported.

/** Phases of the machine. Three rest: Initialized, Succeeded, Failed. All others have a deadline. */
export const PHASES = [
  'Initializing',
  'Initialized',
  'Waiting',
  'Progressing',
  'WaitingPromotion',
  'Promoting',
  'Finalising',
  'Succeeded',
  'RollingBack',
  'Returning',
  'KeepingCanary',
  'Failed',
  'Terminating',
] as const;

export type Phase = (typeof PHASES)[number];

/** Phases in which nothing is under way. */
export const RESTING_PHASES: readonly Phase[] = ['Initialized', 'Succeeded', 'Failed'];

/** Phases in which a run is under way: a revision is between its detection and its end. */
const RUN_PHASES: readonly Phase[] = [
  'Waiting',
  'Progressing',
  'WaitingPromotion',
  'Promoting',
  'Finalising',
  'RollingBack',
  'Returning',
  'KeepingCanary',
];

/** The word that status.phase shows: Flagger's words only, because clients match on them. */
export function reportedPhase(phase: Phase): Phase {
  if (phase === 'RollingBack' || phase === 'Returning') return 'Progressing';
  return phase === 'KeepingCanary' ? 'Promoting' : phase;
}

export const isResting = (phase: Phase): boolean => RESTING_PHASES.includes(phase);
export const isRunning = (phase: Phase): boolean => RUN_PHASES.includes(phase);
