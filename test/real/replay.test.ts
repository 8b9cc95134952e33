// A hundred simulated histories, played again through the product's own client, TLS and HTTP, commit the same writes.
import { describe, expect, it } from 'vitest';
import { CORPUS } from '../sim/run.ts';
import { replaySeed, type Replay } from '../sim/replay.ts';
import { loadSource } from '../sim/source.ts';

const SEEDS = 100;
const LIMIT_MS = 1_800_000;

describe('simulated histories through the real HTTP stack', async () => {
  const source = await loadSource();

  it(`${SEEDS} seeds and the corpus commit the same writes`, { timeout: LIMIT_MS }, async () => {
    const seeds = [...new Set([...CORPUS, ...Array.from({ length: SEEDS }, (_, index) => index + 1)])];
    const replays: Replay[] = [];
    for (const seed of seeds) replays.push(await replaySeed(source, seed));
    expect(replays.filter(({ difference, violations }) => difference !== null || violations.length > 0)).toEqual([]);
    expect(replays.length).toBeGreaterThanOrEqual(SEEDS);
    // Histories in which nothing is written, or none ends badly, would prove less than this says.
    expect(Math.min(...replays.map(({ writes }) => writes))).toBeGreaterThan(20);
    expect([...new Set(replays.map(({ phase }) => phase))]).toEqual(expect.arrayContaining(['Succeeded', 'Failed']));
  });
});
