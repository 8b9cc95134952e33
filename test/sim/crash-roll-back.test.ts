// A crash at every effect of a rollback, with all four cuts: no invariant breaks, and all traffic comes home.
import { describe, expect, it } from 'vitest';
import { crashPlans, referencePlan, runPlan } from './run.ts';
import { ROLL_BACK } from './scenarios.ts';
import { loadSource } from './source.ts';

const LIMIT_MS = 1_200_000;

describe('simulation: roll back', async () => {
  const source = await loadSource();

  it('ends as it should without faults', async () => {
    const { violations, outcome } = await runPlan(source, 'reference', referencePlan(ROLL_BACK));
    expect(violations).toEqual([]);
    expect(outcome).toMatchObject({ phase: 'Failed' });
    expect(outcome.events).toContain('RolledBack');
  });

  it('gives the same run for the same seed', async () => {
    const [first, second] = [
      await runPlan(source, 'a', referencePlan(ROLL_BACK, 7)),
      await runPlan(source, 'b', referencePlan(ROLL_BACK, 7)),
    ];
    expect(second.outcome.effects).toEqual(first.outcome.effects);
    expect(second.outcome.elapsedMs).toBe(first.outcome.elapsedMs);
  });

  it('survives a crash at every effect, cut in four ways', { timeout: LIMIT_MS }, async () => {
    const broken: string[] = [];
    let plans = 0;
    for await (const { name, plan } of crashPlans(source, ROLL_BACK)) {
      const report = await runPlan(source, name, plan);
      plans += 1;
      broken.push(...report.violations.map((violation) => `${name}: ${violation}`));
    }
    expect(broken).toEqual([]);
    expect(plans).toBeGreaterThan(200);
  });
});
