// Runs plans: reference runs, a crash at every effect with every cut, and random seeds.
import { CUTS, type EffectSeen } from './effects.ts';
import { drawScenario, NAN, PROMOTE, ROLL_BACK, SUPERSEDE, type Scenario } from './scenarios.ts';
import type { Source } from './source.ts';
import type { Wire } from './wire.ts';
import { World, type Outcome, type Plan } from './world.ts';
import { seededRandom } from '../support/virtual-clock.ts';

export interface Report {
  readonly name: string;
  readonly violations: readonly string[];
  readonly outcome: Outcome;
}

/** Runs one plan; over a wire of its own where one is given. */
export async function runPlan(source: Source, name: string, plan: Plan, wire?: Wire): Promise<Report> {
  const outcome = await new World(source, plan, wire).run();
  return { name, violations: outcome.violations, outcome };
}

const noCut = (): null => null;

/** A run without faults. */
export function referencePlan(scenario: Scenario, seed = 1): Plan {
  return { seed, scenario, replicas: 2, cut: noCut };
}

/** Every effect of a reference run, cut in each of the four ways. */
export async function* crashPlans(
  source: Source,
  scenario: Scenario,
  seed = 1,
): AsyncGenerator<{ name: string; plan: Plan }> {
  const reference = await runPlan(source, `${scenario.name}/reference`, referencePlan(scenario, seed));
  for (const effect of reference.outcome.effects) {
    for (const cut of CUTS) {
      const choose = (seen: EffectSeen): typeof cut | null => (seen.index === effect.index ? cut : null);
      yield {
        name: `${scenario.name}/${effect.index} ${effect.what}/${cut}`,
        plan: { seed, scenario, replicas: 2, cut: choose },
      };
    }
  }
}

/** Seeds that once found a bug, kept for ever. */
export const CORPUS: readonly number[] = [2, 3, 4, 31, 42, 45, 131];

/** The plan of a random seed: scenario, faults and moments are all drawn from it. */
export function seedPlan(seed: number): Plan {
  const random = seededRandom(seed * 7919 + 13);
  const draw = random.next();
  const scenario =
    draw < 0.15
      ? PROMOTE
      : draw < 0.3
        ? ROLL_BACK
        : draw < 0.4
          ? NAN
          : draw < 0.5
            ? SUPERSEDE
            : drawScenario(() => random.next());
  const some = (max: number): number => (random.next() < 0.5 ? 0 : random.next() * max);
  return {
    seed,
    scenario,
    replicas: 1 + Math.floor(random.next() * 3),
    cut: noCut,
    network: { lostBefore: some(0.05), lostAfter: some(0.05), refused: some(0.05), delayMaxMs: 5 + some(2_000) },
    queue: { lost: some(0.2), doubled: some(0.3), delayed: some(0.05), forged: some(0.2) },
    chaos: Math.floor(random.next() * 6),
    skewMs: some(30_000),
  };
}
