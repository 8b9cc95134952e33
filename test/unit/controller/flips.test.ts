// Fights over fields: three flips within ten minutes stop the repairs of that field, and time heals it.
import { describe, expect, it } from 'vitest';
import { Flips } from '../../../src/controller/flips.ts';
import { initialState } from '../../../src/core/state.ts';
import type { Effect } from '../../../src/core/effects.ts';
import { T0 } from '../../support/core-builders.ts';

const REPAIR: readonly Effect[] = [{ kind: 'writeRoute', weightPercent: 0, fence: null }];
const state = { ...initialState(T0), phase: 'Succeeded' as const };

/** Somebody undoes the route and it is repaired, `count` times, a minute apart. */
function fight(flips: Flips, count: number): number {
  let nowMs = T0;
  for (let i = 0; i < count; i += 1) {
    flips.note('k', state, [], nowMs);
    flips.note('k', state, REPAIR, nowMs + 1_000);
    nowMs += 60_000;
  }
  return nowMs;
}

describe('Flips', () => {
  it('counts a repair only where all was well in the same state before', () => {
    const flips = new Flips();
    for (let i = 0; i < 9; i += 1) flips.note('k', state, REPAIR, T0 + i);
    expect(flips.contested('k', T0 + 10)).toEqual([]);
  });

  it('stops at the third flip and says so', () => {
    const flips = new Flips();
    expect(flips.contested('k', fight(flips, 2))).toEqual([]);
    const nowMs = fight(flips, 3);
    expect(flips.contested('k', nowMs)).toEqual(['writeRoute']);
    expect(flips.describe('k', nowMs)).toContain('writeRoute');
  });

  it('tries again when ten minutes have passed, and forgets a Canary that is gone', () => {
    const flips = new Flips();
    const nowMs = fight(flips, 3);
    expect(flips.contested('k', nowMs + 600_000)).toEqual([]);
    flips.forget('k');
    expect(flips.describe('k', nowMs)).toBeNull();
  });
});
