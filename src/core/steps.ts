// Every strategy compiles to one list of steps; the machine only walks it.

/** The gates inside a run. `confirm-rollout` stands before it and is the phase Waiting. */
export type StepGate = 'confirm-traffic-increase' | 'confirm-promotion';

/**
 * One step of a run. A walk stays on `analysis` and `gate` steps and passes through the others in the same look.
 * - analysis: `ticks` due checks must pass; `hooks` says which webhooks belong to a tick, `judgesMetrics` whether metrics do.
 * - gate: the hooks of that type must agree; metrics of the analysis before it go on being judged meanwhile.
 * - weight: the canary's share in percent.
 */
export type Step =
  | {
      readonly kind: 'analysis';
      readonly ticks: number;
      readonly hooks: 'pre-rollout' | 'rollout';
      readonly judgesMetrics: boolean;
    }
  | { readonly kind: 'gate'; readonly gate: StepGate }
  | { readonly kind: 'weight'; readonly weightPercent: number };

/** What of `spec.analysis` shapes the steps. */
export interface StepPlan {
  readonly strategy: 'canary' | 'blue-green' | 'skip';
  readonly stepWeightPercent: number;
  readonly maxWeightPercent: number;
  /** Explicit weights; empty when `stepWeightPercent` counts. */
  readonly stepWeightsPercent: readonly number[];
  readonly iterations: number;
}

/** The steps of a run. Skipping the analysis is a run without steps: it is promoted as soon as the canary is ready. */
export function compileSteps(plan: StepPlan): readonly Step[] {
  switch (plan.strategy) {
    case 'skip':
      return [];
    case 'blue-green':
      return [
        { kind: 'analysis', ticks: 1, hooks: 'pre-rollout', judgesMetrics: false },
        { kind: 'analysis', ticks: plan.iterations, hooks: 'rollout', judgesMetrics: true },
        { kind: 'gate', gate: 'confirm-promotion' },
      ];
    case 'canary':
      return [
        { kind: 'analysis', ticks: 1, hooks: 'pre-rollout', judgesMetrics: false },
        ...weightsOf(plan).flatMap((weightPercent): Step[] => [
          { kind: 'gate', gate: 'confirm-traffic-increase' },
          { kind: 'weight', weightPercent },
          { kind: 'analysis', ticks: 1, hooks: 'rollout', judgesMetrics: true },
        ]),
        { kind: 'gate', gate: 'confirm-traffic-increase' },
        { kind: 'gate', gate: 'confirm-promotion' },
      ];
  }
}

/**
 * The weights that a canary run passes, rising. Unlike Flagger, which may overshoot, they stop at maxWeight (design
 * decision 13): max 50, step 20 gives 20, 40, 50. An explicit list is cut at 100.
 */
export function weightsOf(plan: StepPlan): readonly number[] {
  if (plan.stepWeightPercent <= 0) return plan.stepWeightsPercent.map((weight) => Math.min(weight, 100));
  const weights: number[] = [];
  for (let weight = plan.stepWeightPercent; weight < plan.maxWeightPercent; weight += plan.stepWeightPercent)
    weights.push(weight);
  return [...weights, plan.maxWeightPercent];
}

/** The highest weight that these steps ever ask for. */
export function maxWeightOf(steps: readonly Step[]): number {
  return steps.reduce((max, step) => (step.kind === 'weight' ? Math.max(max, step.weightPercent) : max), 0);
}

/** What must be asked at a due tick on step `index`: an analysis itself, or at a gate the analysis that came before it. */
export function analysisAt(steps: readonly Step[], index: number): Extract<Step, { kind: 'analysis' }> | null {
  const here = steps[index];
  if (here?.kind === 'analysis') return here;
  // A gate keeps the metrics before it under judgement; pre-rollout hooks are not called again (Flagger issue 1248).
  for (let i = index - 1; i >= 0; i -= 1) {
    const step = steps[i];
    if (step?.kind === 'analysis') return step.judgesMetrics ? step : null;
  }
  return null;
}

/** The gates that a walk from `index` could meet in this look, in order: those before the next weight or analysis. */
export function gatesFrom(steps: readonly Step[], index: number): readonly StepGate[] {
  const gates: StepGate[] = [];
  const start = steps[index]?.kind === 'analysis' ? index + 1 : index;
  for (let i = start; i < steps.length; i += 1) {
    const step = steps[i];
    if (step?.kind !== 'gate') break;
    gates.push(step.gate);
  }
  return gates;
}

/** Where a walk stands: the index of the step it stays on (steps.length when done) and the weight it carries. */
export interface Walk {
  readonly index: number;
  readonly weightPercent: number;
  readonly passes: number;
}

/** Walks on from `from` after a tick that passed: one more pass here, then through open gates and weights to the next stay. */
export function walkOn(steps: readonly Step[], from: Walk, isOpen: (gate: StepGate) => boolean): Walk {
  const here = steps[from.index];
  if (here?.kind === 'analysis') {
    if (from.passes + 1 < here.ticks) return { ...from, passes: from.passes + 1 };
    return walkThrough(steps, { ...from, index: from.index + 1, passes: 0 }, isOpen);
  }
  return walkThrough(steps, from, isOpen);
}

function walkThrough(steps: readonly Step[], from: Walk, isOpen: (gate: StepGate) => boolean): Walk {
  let { index, weightPercent } = from;
  for (;;) {
    const step = steps[index];
    if (step === undefined || step.kind === 'analysis') break;
    if (step.kind === 'gate' && !isOpen(step.gate)) break;
    if (step.kind === 'weight') weightPercent = step.weightPercent;
    index += 1;
  }
  return { index, weightPercent, passes: 0 };
}

/** Where a run with this weight stands in steps that were changed under it: on the analysis after the last weight it has reached. */
export function placeIn(steps: readonly Step[], weightPercent: number): number {
  let place = 0;
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'weight' && step.weightPercent > weightPercent) break;
    if (step.kind === 'analysis' && (index === 0 || weightPercent > 0)) place = index;
  }
  return place;
}
