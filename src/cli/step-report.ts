// What a pipeline step says: progress as lines of text or JSON, and one result at the end.
import { formatDurationMs } from '../api/duration.ts';
import type { KubeObject } from '../kube/contract.ts';
import { rfc3339 } from '../util/time.ts';
import type { CliContext } from './context.ts';
import type { Judgement } from './judge.ts';
import { describeCheck, describeChecks, describeStep, viewOf } from './view.ts';
import type { CanaryView } from './view.ts';

/** How a step reports: text for people, `jsonl` with one JSON line an event on standard output, `json` with the result alone there. */
export type StepFormat = 'text' | 'jsonl' | 'json';

/** Tells what happens while a step waits. */
export class StepReport {
  readonly #context: CliContext;
  readonly #format: StepFormat;
  #last = '';

  constructor(context: CliContext, format: StepFormat) {
    this.#context = context;
    this.#format = format;
  }

  /** False where somebody watches. */
  get needsHeartbeat(): boolean {
    return !this.#context.isTerminal || this.#format === 'jsonl';
  }

  begin(sentence: string): void {
    this.#say('begin', sentence, {});
  }

  /** Tells what a look found where it is news. True when something was said. */
  look(canary: KubeObject, judged: Judgement): boolean {
    if (judged.kind === 'verdict') return false;
    const view = viewOf(canary);
    const sentence = judged.kind === 'arrived' ? progressOf(view) : `Not there: ${whyNot(judged, view)}`;
    if (sentence === this.#last) return false;
    this.#last = sentence;
    this.#say(judged.kind, sentence, factsOf(view));
    return true;
  }

  heartbeat(judged: Judgement, waitedMs: number, silentMs: number | null): void {
    const waited = formatDurationMs(Math.round(waitedMs / 1_000) * 1_000);
    const lost =
      silentMs === null
        ? ''
        : `, no news from the API server for ${formatDurationMs(Math.round(silentMs / 1_000) * 1_000)}`;
    const message = judged.message === '' ? '' : `: ${judged.message}`;
    this.#say('heartbeat', `Still waiting after ${waited}${lost}${message}`, { waitedMs });
  }

  #say(event: string, sentence: string, facts: Readonly<Record<string, unknown>>): void {
    const time = rfc3339(this.#context.clock.nowMs());
    if (this.#format === 'jsonl') this.#context.write(`${JSON.stringify({ time, event, sentence, ...facts })}\n`);
    else this.#context.warn(`${time} ${sentence}\n`);
  }
}

function whyNot(judged: Judgement & { kind: 'waiting' }, view: CanaryView): string {
  if (judged.where === 'target') return judged.message;
  return `${view.target.kind} ${view.target.name} has it, serin has not begun with it: ${judged.message}`;
}

/** One line of progress: phase, weight, step, checks. The values of checks that pass would make each look news, so they are left out. */
function progressOf(view: CanaryView): string {
  const failing = view.checks
    .filter((check) => check.verdict !== 'Pass')
    .map((check) => `${check.name} ${describeCheck(check)} ${check.verdict}`);
  const parts = [
    `${view.phase}${view.isPaused ? ' (paused)' : ''} ${view.weightPercent}%`,
    describeStep(view),
    describeChecks(view),
    ...failing,
    ...view.problems.map((problem) => `${problem.type} ${problem.reason}`),
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function factsOf(view: CanaryView): Readonly<Record<string, unknown>> {
  const { phase, weightPercent, step, failedChecks, threshold, isPaused, checks, message, run } = view;
  return { phase, weightPercent, step, failedChecks, threshold, isPaused, checks, message, run: run?.id ?? null };
}
