// The two tables: what must hold of them by reading them, whatever the world does.
import { describe, expect, it } from 'vitest';
import { WISHES } from '../../../src/core/desire.ts';
import { MACHINE } from '../../../src/core/machine.ts';
import { PHASES, RESTING_PHASES } from '../../../src/core/phase.ts';
import { deadlineAfter } from '../../../src/core/deadlines.ts';
import { initialState } from '../../../src/core/state.ts';
import { anObservation, T0 } from '../../support/core-builders.ts';

const DEADLINE_SIGNALS = ['deadlinePassed', 'undrainedLate', 'primaryLost', 'servedLate', 'releaseLate'];

describe('MACHINE', () => {
  it.each(PHASES)('%s ends with a row that always holds', (phase) => {
    expect(MACHINE[phase].at(-1)?.[0]).toBe('always');
    expect(MACHINE[phase].filter(([when]) => when === 'always')).toHaveLength(1);
  });

  it.each(PHASES.filter((phase) => !RESTING_PHASES.includes(phase)))(
    '%s has a deadline, and a row that acts on it',
    (phase) => {
      expect(deadlineAfter({ ...initialState(T0), phase }, anObservation())).toBeGreaterThan(T0);
      expect(MACHINE[phase].some(([when]) => DEADLINE_SIGNALS.includes(when))).toBe(true);
    },
  );

  it.each(RESTING_PHASES)('%s rests without a deadline', (phase) => {
    expect(deadlineAfter({ ...initialState(T0), phase }, anObservation())).toBeNull();
    expect(MACHINE[phase].some(([when]) => DEADLINE_SIGNALS.includes(when))).toBe(false);
  });

  it.each(PHASES.filter((phase) => !RESTING_PHASES.includes(phase) && phase !== 'Terminating'))(
    '%s can be aborted',
    (phase) => {
      expect(MACHINE[phase].find(([when]) => when === 'abortAsked')?.[1]).toMatch(/^(RollingBack|Failed)$/);
    },
  );

  it.each(PHASES.filter((phase) => phase !== 'Terminating'))(
    '%s listens to deletion before everything else',
    (phase) => {
      expect(MACHINE[phase][0]).toEqual(['deleted', 'Terminating', 'release']);
    },
  );

  it('reaches every phase from Initializing', () => {
    const reached = new Set(['Initializing']);
    for (let size = 0; size !== reached.size;) {
      size = reached.size;
      for (const phase of PHASES) if (reached.has(phase)) for (const [, to] of MACHINE[phase]) reached.add(to);
    }
    expect([...reached].sort()).toEqual([...PHASES].sort());
  });

  it('takes safety before progress while a run is judged', () => {
    const rows = MACHINE.Progressing.map(([when]) => when);
    const progress = ['stepsDone', 'promotionGateClosed', 'tickPassed'];
    const firstProgress = Math.min(...progress.map((name) => rows.indexOf(name as never)));
    for (const [when, to] of MACHINE.Progressing) {
      if (to === 'RollingBack' || to === 'Returning') expect(rows.indexOf(when)).toBeLessThan(firstProgress);
    }
  });
});

describe('WISHES', () => {
  it('lets the canary carry traffic in four phases only', () => {
    const carrying = PHASES.filter((phase) => ['recorded', 'all'].includes(WISHES[phase][0]));
    expect(carrying).toEqual(['Progressing', 'WaitingPromotion', 'Promoting', 'KeepingCanary']);
  });

  it('changes the template of the primary to that of the run only while promoting and finalising', () => {
    expect(PHASES.filter((phase) => WISHES[phase][2] === 'run')).toEqual(['Promoting', 'Finalising']);
  });

  it('keeps the canary scaled up wherever it may carry traffic', () => {
    for (const phase of PHASES) if (['recorded', 'all'].includes(WISHES[phase][0])) expect(WISHES[phase][1]).toBe('up');
  });
});
