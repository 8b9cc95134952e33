// Plays the history of a seed twice, within the process and through real HTTPS, and says where the controller's writes part.
import { openHttpWire } from './http-wire.ts';
import { runPlan, seedPlan } from './run.ts';
import type { Source } from './source.ts';

/** What two runs of one seed have in common. */
export interface Replay {
  readonly seed: number;
  readonly phase: string;
  /** How many writes the controller committed. */
  readonly writes: number;
  /** The first write that is not the same, on both sides; null when all are, to the last byte, version and uid. */
  readonly difference: { readonly index: number; readonly direct: string; readonly http: string } | null;
  /** Invariants that were broken in the run through HTTPS. */
  readonly violations: readonly string[];
}

/** Replays a seed. Faults of the network, the queue and the processes are those of the seed, above the sockets. */
export async function replaySeed(source: Source, seed: number): Promise<Replay> {
  const direct = (await runPlan(source, `seed ${seed}`, seedPlan(seed))).outcome;
  const http = (await runPlan(source, `seed ${seed} over HTTPS`, seedPlan(seed), openHttpWire())).outcome;
  const longest = Math.max(direct.writes.length, http.writes.length);
  const indexes = Array.from({ length: longest }, (_, index) => index);
  const index = indexes.find((at) => direct.writes[at] !== http.writes[at]);
  const difference =
    index === undefined
      ? null
      : { index, direct: direct.writes[index] ?? 'nothing', http: http.writes[index] ?? 'nothing' };
  return { seed, phase: http.phase, writes: http.writes.length, difference, violations: http.violations };
}
