// A Canary as commands show it: read from its spec and status, trusting neither.
import { readState } from '../controller/status.ts';
import type { Judged } from '../core/analysis/verdict.ts';
import { isRunning, reportedPhase } from '../core/phase.ts';
import type { Run, RunSummary, State } from '../core/state.ts';
import type { KubeObject } from '../kube/contract.ts';
import { fieldOf, listOf, numberOf, textOf } from '../workload/fields.ts';

/** What there is to show. Times are milliseconds since the epoch. */
export interface CanaryView {
  readonly group: string;
  readonly namespace: string;
  readonly name: string;
  /** The reported phase; empty when no controller has looked yet. */
  readonly phase: string;
  readonly weightPercent: number;
  /** Where the run stands; null when none is under way or the run has no steps. */
  readonly step: StepPlace | null;
  readonly failedChecks: number;
  /** Failed checks that end a run. */
  readonly threshold: number;
  readonly isPaused: boolean;
  /** The controller does not work it, for the reason in the sentence. */
  readonly isRefused: boolean;
  /** The last answers of the run under way. */
  readonly checks: readonly Judged[];
  /** The one sentence. */
  readonly message: string;
  readonly target: {
    readonly kind: string;
    readonly name: string;
    readonly version: string;
    readonly images: readonly string[];
  };
  /** The run under way; null when there is none. */
  readonly run: Run | null;
  /** What the controller decided last; null when it never did. */
  readonly decision: State['because'] | null;
  /** Runs that ended, newest first. */
  readonly history: readonly RunSummary[];
  /** Conditions that say what is wrong. */
  readonly problems: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
}

/** A place among the steps, counted from 1; 0 is before the first. `of` is null where the list was too long to be kept. */
export interface StepPlace {
  readonly at: number;
  readonly of: number | null;
}

/** Reads a Canary. */
export function viewOf(object: KubeObject): CanaryView {
  const stored = readState(object);
  const state = stored.kind === 'state' ? stored.state : null;
  const run = state !== null && isRunning(state.phase) ? state.run : null;
  const threshold = Math.max(numberOf(object, 'spec', 'analysis', 'threshold') ?? 1, 1);
  return {
    group: object.apiVersion.split('/')[0] ?? '',
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    phase: state === null ? textOf(object, 'status', 'phase') : reportedPhase(state.phase),
    weightPercent: state?.weightPercent ?? numberOf(object, 'status', 'canaryWeight') ?? 0,
    step: run === null ? null : placeOf(run),
    failedChecks: run?.failedChecks ?? 0,
    threshold,
    isRefused: isRefusedIn(object),
    isPaused: run !== null && (state?.isPaused ?? false),
    checks: run?.checks ?? [],
    message: stored.kind === 'invalid' ? stored.message : textOf(object, 'status', 'message'),
    target: {
      kind: textOf(object, 'spec', 'targetRef', 'kind'),
      name: textOf(object, 'spec', 'targetRef', 'name'),
      version: textOf(object, 'status', 'observedTarget', 'version'),
      images: textsIn(fieldOf(object, 'status', 'observedTarget', 'images')),
    },
    run,
    decision: state === null || state.because.message === '' ? null : state.because,
    history: (state?.history ?? []).toSorted((a, b) => b.endedAtMs - a.endedAtMs),
    problems: problemsOf(object),
  };
}

/** Failed checks of all that may fail, and how they stand, in a few words; empty when no run is under way. */
export function describeChecks(view: CanaryView): string {
  return view.run === null ? '' : `checks ${view.failedChecks}/${view.threshold} failed`;
}

/** `step 2/5`, or nothing. */
export function describeStep(view: CanaryView): string {
  if (view.step === null) return '';
  return view.step.of === null ? `step ${view.step.at}` : `step ${view.step.at}/${view.step.of}`;
}

/** A check's value beside its bound: `98.69 < min 99`, `55 ≤ max 500`, or why there is no value. */
export function describeCheck(check: Judged): string {
  const { value, min, max } = check;
  if (value === null) return check.detail === '' ? 'no value' : check.detail;
  if (min !== null && !(value >= min)) return `${shortNumber(value)} < min ${min}`;
  if (max !== null && !(value <= max)) return `${shortNumber(value)} > max ${max}`;
  const bounds = [min === null ? '' : `>= min ${min}`, max === null ? '' : `<= max ${max}`].filter(
    (text) => text !== '',
  );
  return [shortNumber(value), bounds.join(' and ')].filter((text) => text !== '').join(' ');
}

/** At most six significant digits: a check's value is a measurement. */
function shortNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** The list of steps is remembered as text, see stepsKeyOf in core/updates.ts; people count the weights, or the ticks of a blue/green run. */
function placeOf(run: Run): StepPlace | null {
  const keys = run.stepsKey === '' ? [] : run.stepsKey.split(',');
  const isWhole = run.stepsKey.length < STEPS_KEY_MAX;
  const weights = keys.filter((key) => key.startsWith('w')).length;
  if (weights > 0) {
    const passed = keys.slice(0, run.step).filter((key) => key.startsWith('w')).length;
    return { at: passed, of: isWhole ? weights : null };
  }
  const ticks = Number(/^a(\d+)r$/.exec(keys.find((key) => /^a\d+r$/.test(key)) ?? '')?.[1] ?? 0);
  if (ticks === 0) return null;
  const isAnalysis = keys[run.step]?.endsWith('r') ?? false;
  return { at: isAnalysis ? Math.min(run.passes + 1, ticks) : run.step === 0 ? 0 : ticks, of: ticks };
}

const STEPS_KEY_MAX = 512;

/** Conditions that are worth a line: Ready when False, Promoted never (the phase says it), others when they say that something is wrong. */
function problemsOf(object: KubeObject): CanaryView['problems'] {
  return listOf(object, 'status', 'conditions').flatMap((condition) => {
    const type = textOf(condition, 'type');
    const status = textOf(condition, 'status');
    const isGoodWhenTrue = ['Ready', 'RouteWritten', 'RouteReadable'].includes(type);
    const isWrong = type !== 'Promoted' && status === (isGoodWhenTrue ? 'False' : 'True');
    const message = textOf(condition, 'message');
    // What the one sentence says need not be said twice.
    if (!isWrong || message === textOf(object, 'status', 'message')) return [];
    return [{ type, reason: textOf(condition, 'reason'), message }];
  });
}

/** A Canary that is refused has no phase yet, but a Ready condition that says why. */
function isRefusedIn(object: KubeObject): boolean {
  const ready = listOf(object, 'status', 'conditions').find((condition) => textOf(condition, 'type') === 'Ready');
  return textOf(object, 'status', 'phase') === '' && ready !== undefined && textOf(ready, 'status') === 'False';
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}
