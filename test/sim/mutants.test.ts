// The planted bugs: each must be seen by the simulation. They take minutes, so they run where CI is set; `npm run sim -- --mutants` runs them anywhere.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { runMutants } from './mutate.ts';
import { ROOT } from './source.ts';

describe('planted bugs', () => {
  it('are at least fifteen, each with a name of its own', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBeGreaterThanOrEqual(15);
  });

  it.each(
    MUTANTS.flatMap((mutant) =>
      [mutant, ...(mutant.also ?? [])].map(({ file, find }) => ({ name: mutant.name, file, find })),
    ),
  )('have their place: $name in $file', ({ file, find }) => {
    expect(readFileSync(join(ROOT, file), 'utf8').split(find)).toHaveLength(2);
  });

  it.runIf(process.env['CI'] === 'true')('are all killed', { timeout: 1_800_000 }, async () => {
    const verdicts = await runMutants();
    expect(verdicts.filter(({ isKilled }) => !isKilled)).toEqual([]);
    expect(verdicts).toHaveLength(MUTANTS.length);
  });
});
