// The planted bugs: each must be seen by the simulation. They take minutes, so they run where CI is set; `npm run sim -- --mutants` runs them anywhere.
import { describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { runMutants } from './mutate.ts';

describe('planted bugs', () => {
  it('are at least fifteen, each with a name of its own', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBeGreaterThanOrEqual(15);
  });

  it.runIf(process.env['CI'] === 'true')('are all killed', { timeout: 1_800_000 }, async () => {
    const verdicts = await runMutants();
    expect(verdicts.filter(({ isKilled }) => !isKilled)).toEqual([]);
    expect(verdicts).toHaveLength(MUTANTS.length);
  });
});
