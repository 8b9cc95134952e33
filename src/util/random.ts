// The randomness port, so that jitter and ids are reproducible in the simulation.

/** A source of randomness. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A random identifier of 16 lower-case hexadecimal digits. */
  id(): string;
}

/** The process's own randomness. */
export const systemRandom: Random = {
  next: () => Math.random(),
  id: () => crypto.randomUUID().replaceAll('-', '').slice(0, 16),
};

/** `baseMs` spread by ± `share` (0.1 is ten percent). */
export function jitterMs(random: Random, baseMs: number, share: number): number {
  return Math.round(baseMs * (1 - share + 2 * share * random.next()));
}
