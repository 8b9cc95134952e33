// From spec.analysis as written to the policy of a run: steps, bounds and limits with their defaults and units.
import type { Alert, Hook, Policy } from '../core/policy.ts';
import type { StepPlan } from '../core/steps.ts';
import type { CanarySpecInput } from './canary-schema.ts';
import { parseDurationMs } from './duration.ts';
import type { ReadingContext } from './later-fields.ts';
import { parseChecks } from './parse-checks.ts';
import { isHttpUrl, type Report } from './problems.ts';

type AnalysisInput = CanarySpecInput['analysis'];

const INTERVAL_DEFAULT_MS = 60_000;
const FLAGGER_INTERVAL_MIN_MS = 10_000;
const SECOND_MS = 1000;
const GATE_DEADLINE_DEFAULT_MS = 7 * 24 * 3_600_000;
/** Flagger's number of iterations for provider kubernetes when none is set. */
const ITERATIONS_DEFAULT = 10;

/** Reads everything that governs a run. Problems go to `report`; the policy counts only when there are none. */
export function parsePolicy(spec: CanarySpecInput, context: ReadingContext, report: Report): Policy {
  const { analysis } = spec;
  const intervalMs = intervalOf(analysis, context, report);
  const threshold = Math.max(analysis.threshold, 1);
  return {
    plan: planOf(spec, context, report),
    intervalMs,
    threshold,
    insufficientMax: analysis.insufficientLimit ?? threshold,
    errorsMax: analysis.errorLimit ?? threshold,
    stepWeightPromotionPercent: promotionStepOf(analysis, report),
    progressDeadlineMs: (spec.progressDeadlineSeconds ?? 600) * SECOND_MS,
    gateDeadlineMs: ownDuration(
      analysis.gateTimeout,
      'spec.analysis.gateTimeout',
      SECOND_MS,
      GATE_DEADLINE_DEFAULT_MS,
      report,
    ),
    drainMs: ownDuration(analysis.drainTime, 'spec.analysis.drainTime', 0, intervalMs, report),
    primaryReadyThresholdPercent: analysis.primaryReadyThreshold ?? 100,
    canaryReadyThresholdPercent: analysis.canaryReadyThreshold ?? 100,
    skipAnalysis: spec.skipAnalysis ?? false,
    suspend: spec.suspend ?? false,
    revertOnDeletion: spec.revertOnDeletion ?? false,
    checks: parseChecks(analysis.metrics ?? [], context, report),
    hooks: (analysis.webhooks ?? []).map((hook, index) =>
      hookOf(hook, `spec.analysis.webhooks[${index}]`, context, report),
    ),
    alerts: (analysis.alerts ?? []).map((alert) => alertOf(alert, context)),
  };
}

function intervalOf(analysis: AnalysisInput, context: ReadingContext, report: Report): number {
  const path = 'spec.analysis.interval';
  const text = analysis.interval;
  if (text === '') return INTERVAL_DEFAULT_MS;
  const found = parseDurationMs(text);
  if (context.group === 'serin.dev') {
    if (found === null) report.add(path, 'SPEC_DURATION', `"${text}" is not a duration, must be such as 30s, 1m or 1h`);
    else if (found < SECOND_MS) report.add(path, 'SPEC_DURATION', `"${text}" is too short, must be at least 1s`);
    return found ?? INTERVAL_DEFAULT_MS;
  }
  // Flagger's reading, which its users' manifests count on: unreadable is a minute, and nothing is shorter than 10 s.
  const read = found ?? INTERVAL_DEFAULT_MS;
  if (found === null)
    context.notes.push({ path, code: 'SPEC_DURATION', message: `Took ${path} for 1m: "${text}" is not a duration` });
  else if (read < FLAGGER_INTERVAL_MIN_MS) {
    context.notes.push({
      path,
      code: 'SPEC_DURATION',
      message: `Raised ${path} to 10s: "${text}" is below the floor of flagger.app`,
    });
  }
  return Math.max(read, FLAGGER_INTERVAL_MIN_MS);
}

function ownDuration(text: string | undefined, path: string, minMs: number, defaultMs: number, report: Report): number {
  if (text === undefined || text === '') return defaultMs;
  const found = parseDurationMs(text);
  if (found !== null && found >= minMs) return found;
  report.add(
    path,
    'SPEC_DURATION',
    `"${text}" is not a usable duration, must be such as 30s, 1m or 1h${minMs > 0 ? ' and at least 1s' : ''}`,
  );
  return defaultMs;
}

function promotionStepOf({ stepWeightPromotion = 0 }: AnalysisInput, report: Report): number {
  if (stepWeightPromotion < 0)
    report.add('spec.analysis.stepWeightPromotion', 'SPEC_RANGE', `is ${stepWeightPromotion}, must be from 0 to 100`);
  return Math.min(stepWeightPromotion, 100);
}

/** Which strategy, and its steps. Provider kubernetes knows blue/green only. */
function planOf(spec: CanarySpecInput, context: ReadingContext, report: Report): StepPlan {
  const { analysis } = spec;
  const plan = {
    strategy: 'skip',
    stepWeightPercent: 0,
    maxWeightPercent: 100,
    stepWeightsPercent: [],
    iterations: 0,
  } as const;
  const ways = [analysis.stepWeight, analysis.stepWeights, analysis.iterations].filter(
    (way) => way !== undefined,
  ).length;
  if (ways !== 1) {
    report.add(
      'spec.analysis',
      'SPEC_STRATEGY',
      `has ${ways === 0 ? 'none' : 'more than one'} of stepWeight, stepWeights and iterations, must have exactly one`,
    );
    return plan;
  }
  if (spec.skipAnalysis === true) return plan;
  if (context.provider === 'kubernetes') return blueGreenPlan(analysis, context, report);
  if ((analysis.iterations ?? 0) > 0) {
    report.add(
      'spec.analysis.iterations',
      'CAPABILITY_STRATEGY',
      'blue/green on a mesh comes in a later release, must be stepWeight or stepWeights, or provider kubernetes',
    );
    return plan;
  }
  return { ...plan, strategy: 'canary', ...weightsOf(analysis, context, report) };
}

function blueGreenPlan(analysis: AnalysisInput, context: ReadingContext, report: Report): StepPlan {
  const path = 'spec.analysis.iterations';
  const iterations = analysis.iterations ?? 0;
  if (iterations > 10_000) report.add(path, 'SPEC_RANGE', `is ${iterations}, must be at most 10000`);
  if (iterations < 1) {
    context.notes.push({
      path,
      code: 'CAPABILITY_STRATEGY',
      message: `Took ${path} for ${ITERATIONS_DEFAULT}: provider kubernetes cannot shift traffic in steps, so the run is blue/green`,
      ...(context.group === 'flagger.app' ? { toldAs: ['WeightsUnsupported', 'IterationsDefaulted'] } : {}),
    });
  }
  return {
    strategy: 'blue-green',
    stepWeightPercent: 0,
    maxWeightPercent: 100,
    stepWeightsPercent: [],
    iterations: iterations < 1 ? ITERATIONS_DEFAULT : iterations,
  };
}

function weightsOf(
  analysis: AnalysisInput,
  context: ReadingContext,
  report: Report,
): Pick<StepPlan, 'stepWeightPercent' | 'maxWeightPercent' | 'stepWeightsPercent'> {
  if (analysis.stepWeights !== undefined) {
    return {
      stepWeightPercent: 0,
      maxWeightPercent: 100,
      stepWeightsPercent: explicitWeights(analysis.stepWeights, context, report),
    };
  }
  const { stepWeight = 0, maxWeight = 0 } = analysis;
  const isStrict = context.group === 'serin.dev';
  // No step means a run that is promoted without ever having had traffic.
  if (stepWeight < 1 || (isStrict && stepWeight > 100))
    report.add('spec.analysis.stepWeight', 'SPEC_RANGE', `is ${stepWeight}, must be from 1 to 100`);
  if (maxWeight < 0 || (isStrict && maxWeight > 100))
    report.add('spec.analysis.maxWeight', 'SPEC_RANGE', `is ${maxWeight}, must be from 1 to 100`);
  return {
    stepWeightPercent: Math.min(stepWeight, 100),
    maxWeightPercent: maxWeight === 0 ? 100 : Math.min(maxWeight, 100),
    stepWeightsPercent: [],
  };
}

/** An explicit list. Flagger cuts weights at 100; a list that does not rise makes it stall or skip steps, so both groups refuse that. */
function explicitWeights(weights: readonly number[], context: ReadingContext, report: Report): readonly number[] {
  const path = 'spec.analysis.stepWeights';
  if (weights.length === 0) report.add(path, 'SPEC_MISSING', 'is empty, must name at least one weight');
  weights.forEach((weight, index) => {
    if (weight < 1 || (weight > 100 && context.group === 'serin.dev'))
      report.add(`${path}[${index}]`, 'SPEC_RANGE', `is ${weight}, must be from 1 to 100`);
    const before = weights[index - 1];
    if (before !== undefined && weight <= before)
      report.add(
        `${path}[${index}]`,
        'SPEC_RANGE',
        `is ${weight} after ${before}, must be larger than the weight before it`,
      );
  });
  return [...new Set(weights.map((weight) => Math.min(weight, 100)))];
}

type HookInput = NonNullable<AnalysisInput['webhooks']>[number];

function hookOf(hook: HookInput, path: string, context: ReadingContext, report: Report): Hook {
  if (!isHttpUrl(hook.url)) report.add(`${path}.url`, 'SPEC_URL', 'is not a URL, must begin with http:// or https://');
  return {
    name: hook.name,
    type: hook.type || 'rollout',
    url: hook.url,
    timeoutMs: hookTimeout(hook.timeout, `${path}.timeout`, context, report),
    retries: hook.retries ?? 0,
    disableTls: hook.disableTLS ?? false,
    muteAlert: hook.muteAlert ?? false,
    metadata: { ...hook.metadata },
  };
}

function hookTimeout(text: string | undefined, path: string, context: ReadingContext, report: Report): number {
  const defaultMs = 10_000;
  if (text === undefined || text === '') return defaultMs;
  const found = parseDurationMs(text);
  if (found !== null && found > 0) return found;
  if (context.group === 'serin.dev')
    report.add(path, 'SPEC_DURATION', `"${text}" is not a usable duration, must be such as 10s or 1m`);
  else
    context.notes.push({
      path,
      code: 'SPEC_DURATION',
      message: `Took ${path} for 10s: "${text}" is not a usable duration`,
    });
  return defaultMs;
}

type AlertInput = NonNullable<AnalysisInput['alerts']>[number];

// Flagger documents info as the default and sends nothing for an empty severity; here the documentation holds.
function alertOf(alert: AlertInput, context: ReadingContext): Alert {
  const { name, namespace } = alert.providerRef;
  return {
    name: alert.name,
    severity: alert.severity || 'info',
    provider: { name, namespace: foreign(namespace, context) },
  };
}

/** The namespace of a reference; null means the Canary's own. */
function foreign(namespace: string | undefined, context: ReadingContext): string | null {
  return namespace === undefined || namespace === '' || namespace === context.namespace ? null : namespace;
}
