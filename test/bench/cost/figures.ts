// The figures of the cost bench: what one store costs with so many Canaries, phase by phase.
import type { Durations } from '../figures.ts';
import type { StoreName } from '../options.ts';

/** What was used in one phase; cores are shares of one core, means over the phase. */
export interface PhaseFigures {
  readonly seconds: number;
  /** Without Events and watches. */
  readonly requestsPerCanary: number;
  readonly requestsPerSecondMax: number;
  readonly writesPerCanary: number;
  readonly eventsPerCanary: number;
  readonly conflictsPerCanary: number;
  readonly queriesPerCanary: number;
  readonly controllerCores: number;
  readonly apiServerCores: number;
  /** At the end of the phase. */
  readonly residentMebibytes: number;
  readonly loopLagP99Ms: number;
  /** `verb resource` → requests a canary, Events and watches too. */
  readonly byKind: Readonly<Record<string, number>>;
}

/** One store at one number of Canaries. */
export interface CostFigures {
  readonly store: StoreName;
  readonly canaries: number;
  readonly intervalSeconds: number;
  /** The processor, for figures from several machines. */
  readonly machine: string;
  /** Load average of the last minutes at the end: on a machine that is shared, times mean little. */
  readonly loadAverage: number;
  /** A controller without any Canary. */
  readonly emptyMebibytes: number;
  /** From the start of the controller beside all Canaries until all are Initialized. */
  readonly initialize: PhaseFigures;
  /** A minute in which nothing happens, after that work; requests are those of the whole minute. */
  readonly idle: PhaseFigures;
  /** New images for all at once, until all are promoted. */
  readonly run: PhaseFigures & {
    readonly writesPerStep: number;
    readonly writesPerStepMax: number;
  };
  /** All are in the middle of a run when their metrics breach, until all are rolled back. */
  readonly breach: PhaseFigures & {
    /** From the moment when an answer would show the breach to the write of 100/0. */
    readonly visibleToCommitMs: Durations;
    /** From the answer that spends the budget, as it leaves Prometheus, to the write of 100/0. */
    readonly answerToCommitMs: Durations;
  };
  /** A controller that is started anew beside all of them: its first lists, then rest. */
  readonly restart: PhaseFigures & { readonly startSeconds: number };
  /** Resident at rest, above the empty controller: after all the work, and after the restart. */
  readonly kibibytesPerCanary: { readonly worked: number; readonly restarted: number };
}
