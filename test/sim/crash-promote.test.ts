// A crash at every effect of a promotion, with all four cuts: no invariant breaks, and the promotion ends.
import { describe, expect, it } from 'vitest';
import { crashPlans, referencePlan, runPlan } from './run.ts';
import { PROMOTE } from './scenarios.ts';
import { loadSource } from './source.ts';

const LIMIT_MS = 1_200_000;

describe('simulation: promote', async () => {
  const source = await loadSource();

  it('ends as it should without faults', async () => {
    const { violations, outcome } = await runPlan(source, 'reference', referencePlan(PROMOTE));
    expect(violations).toEqual([]);
    expect(outcome).toMatchObject({ phase: 'Succeeded' });
    expect(outcome.events).toContain('Promoted');
  });

  it('gives the same run for the same seed', async () => {
    const [first, second] = [
      await runPlan(source, 'a', referencePlan(PROMOTE, 7)),
      await runPlan(source, 'b', referencePlan(PROMOTE, 7)),
    ];
    expect(second.outcome.effects).toEqual(first.outcome.effects);
    expect(second.outcome.elapsedMs).toBe(first.outcome.elapsedMs);
  });

  it('survives a crash at every effect, cut in four ways', { timeout: LIMIT_MS }, async () => {
    const broken: string[] = [];
    let plans = 0;
    for await (const { name, plan } of crashPlans(source, PROMOTE)) {
      const report = await runPlan(source, name, plan);
      plans += 1;
      broken.push(...report.violations.map((violation) => `${name}: ${violation}`));
    }
    expect(broken).toEqual([]);
    expect(plans).toBeGreaterThan(200);
  });
});
