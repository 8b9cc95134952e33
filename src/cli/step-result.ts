// The result of a pipeline step: its outcome, its exit code, and its words.
import { rfc3339 } from '../util/time.ts';
import { EXIT } from './exit-codes.ts';
import type { JudgedRun, Outcome } from './judge.ts';
import { describeWanted } from './match.ts';
import type { Wanted } from './match.ts';

/** Every way in which a step ends. */
export type StepOutcome = Outcome | 'timeout' | 'interrupted' | 'notFound' | 'forbidden' | 'usage';

/** How a step ended, before it is put into words. */
export interface Verdict {
  readonly outcome: StepOutcome;
  /** The run that was judged; null where none began, or none is remembered. */
  readonly run: JudgedRun | null;
  /** One word, stable. */
  readonly reason: string;
  readonly message: string;
}

/** What `-o json` prints. */
export interface StepResult extends Verdict {
  readonly apiVersion: 'serin.dev/v1beta1';
  readonly kind: 'StepResult';
  readonly exitCode: number;
  readonly canary: { readonly group: string; readonly namespace: string; readonly name: string };
  readonly wanted: string;
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** What the outcomes exit with; an interrupted step exits as its signal says. */
export const EXIT_BY_OUTCOME: Readonly<Record<Exclude<StepOutcome, 'interrupted'>, number>> = {
  promoted: EXIT.done,
  initialized: EXIT.done,
  alreadyPromoted: EXIT.done,
  error: EXIT.error,
  usage: EXIT.usage,
  rolledBack: EXIT.rolledBack,
  aborted: EXIT.aborted,
  superseded: EXIT.superseded,
  notFound: EXIT.notFound,
  forbidden: EXIT.forbidden,
  timeout: EXIT.timeout,
};

/** The outcome that an exit code of an error stands for. */
export function outcomeOfError(exitCode: number): StepOutcome {
  if (exitCode === EXIT.interrupted || exitCode === EXIT.terminated) return 'interrupted';
  const found = (['usage', 'notFound', 'forbidden'] as const).find((outcome) => EXIT_BY_OUTCOME[outcome] === exitCode);
  return found ?? 'error';
}

/** Puts a verdict together with what it is about. Times are milliseconds since the epoch. */
export function resultOf(
  verdict: Verdict,
  exitCode: number,
  canary: StepResult['canary'],
  wanted: Wanted | null,
  startedMs: number,
  finishedMs: number,
): StepResult {
  const { outcome, run, reason, message } = verdict;
  return {
    apiVersion: 'serin.dev/v1beta1',
    kind: 'StepResult',
    outcome,
    exitCode,
    canary,
    wanted: wanted === null ? '' : describeWanted(wanted),
    run,
    reason,
    message,
    startedAt: rfc3339(startedMs),
    finishedAt: rfc3339(finishedMs),
  };
}

const WORDS: Readonly<Record<StepOutcome, string>> = {
  promoted: 'promoted',
  initialized: 'initialized',
  alreadyPromoted: 'already promoted',
  error: 'error',
  usage: 'not understood',
  rolledBack: 'rolled back',
  aborted: 'aborted',
  superseded: 'superseded',
  notFound: 'not found',
  forbidden: 'forbidden',
  timeout: 'timed out',
  interrupted: 'interrupted',
};

/** The result in one line, such as `canary.serin.dev/web rolled back: 5 of 5 checks failed (version 1.2.4, run 7-abc)`. */
export function resultText(result: StepResult): string {
  const { canary, run, outcome, message } = result;
  const isGood = result.exitCode === EXIT.done;
  const facts = [
    run === null || run.version === '' ? result.wanted : `version ${run.version}`,
    run === null ? '' : `run ${run.id}`,
  ].filter((fact) => fact !== '');
  const about = facts.length === 0 ? '' : ` (${facts.join(', ')})`;
  return `canary.${canary.group}/${canary.name} ${WORDS[outcome]}${isGood || message === '' ? '' : `: ${message}`}${about}`;
}
