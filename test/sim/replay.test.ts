// Seeds of the corpus commit the same writes through real HTTPS as within the process; the stand's run replays a hundred more.
import { describe, expect, it } from 'vitest';
import { replaySeed } from './replay.ts';
import { CORPUS } from './run.ts';
import { loadSource } from './source.ts';

describe('simulation: replay through the real HTTP stack', async () => {
  const source = await loadSource();

  it.each(CORPUS)('seed %i commits the same writes', { timeout: 240_000 }, async (seed) => {
    const { difference, violations, writes } = await replaySeed(source, seed);
    expect(difference).toBeNull();
    expect(violations).toEqual([]);
    expect(writes).toBeGreaterThan(20);
  });
});
