// Random seeds: scenario, faults and moments are drawn, and no invariant breaks. A failing seed is replayed by `npm run sim -- --seed N`.
import { describe, expect, it } from 'vitest';
import { CORPUS, runPlan, seedPlan } from './run.ts';
import { loadSource } from './source.ts';

const SEEDS = 200;

describe('simulation: random seeds', async () => {
  const source = await loadSource();

  it(`keeps every invariant over ${SEEDS} seeds`, { timeout: 1_200_000 }, async () => {
    const broken: string[] = [];
    const phases = new Set<string>();
    for (const seed of new Set([...CORPUS, ...Array.from({ length: SEEDS }, (_, index) => index + 1)])) {
      const { violations, outcome } = await runPlan(source, `seed ${seed}`, seedPlan(seed));
      phases.add(outcome.phase);
      broken.push(...violations.map((violation) => `seed ${seed}: ${violation}`));
    }
    expect(broken).toEqual([]);
    // A run in which one of the ends never came would prove less than it says.
    expect([...phases]).toEqual(expect.arrayContaining(['Succeeded', 'Failed']));
  });
});
