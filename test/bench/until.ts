// Waits for a condition of the real world, with a limit.
import { sleep, systemClock } from '../../src/util/clock.ts';

const EVERY_MS = 20;

/** Resolves when `holds`; throws with what was waited for after `limitMs`. */
export async function until(holds: () => boolean, limitMs: number, what: () => string): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`Cannot go on: waited ${limitMs / 1_000} s for ${what()}`);
    await sleep(systemClock, EVERY_MS);
  }
}
