// The figures of a demo: what `--json` prints.
import type { StepShare } from './route-log.ts';

/** What one story came to. Times are milliseconds unless named seconds. */
export interface StoryFigures {
  readonly name: string;
  readonly expected: string;
  /** As the Canary's history has it; `none` when the story did not end. */
  readonly outcome: string;
  /** Why it ended so, as the history has it. */
  readonly reason: string;
  /** The phase in which the Canary rests. */
  readonly phase: string;
  /** What did not go as told; empty when all did. */
  readonly problems: readonly string[];
  /** From the change of the image to the resting phase. */
  readonly runSeconds: number;
  /** With the calm after it. */
  readonly seconds: number;
  readonly requests: number;
  readonly failed: number;
  /** Failed without any canary having answered: 0 in every story. */
  readonly failedElsewhere: number;
  /** What was wrong with these. */
  readonly failures: readonly string[];
  readonly requestsPerSecond: number;
  readonly newConnectionsShare: number;
  /** The weights that the route asked for, in order. */
  readonly weights: readonly number[];
  readonly shares: readonly StepShare[];
  /** From the moment when the breach was visible to the commit that gave the primary all traffic. */
  readonly detectionToPrimaryMs: number | null;
  /** The last answer that was bad, after the breach was visible. */
  readonly lastBadAnswerMs: number | null;
  /** Requests sent after the data plane had followed that commit, and answered badly: 0. */
  readonly badAfterRollback: number | null;
  /** What the controller asked of the API server in this run, watches left out; Events are among these. */
  readonly apiRequests: number;
  readonly apiEvents: number;
  /** Without Events, from one weight to the next; null where there are fewer than two weights. */
  readonly apiRequestsPerStep: number | null;
  readonly apiWritesPerStep: number | null;
}

/** What the whole demo came to. */
export interface DemoFigures {
  readonly isAsTold: boolean;
  readonly mesh: string;
  readonly protocol: string;
  /** From the start of the process to the end of the last story. */
  readonly seconds: number;
  /** From the start of the controller's process until its caches and its queue's store were ready. */
  readonly storeStartSeconds: number;
  /** Until the Canary was initialized and the first story could begin. */
  readonly startSeconds: number;
  readonly idleSeconds: number;
  /** Requests of the controller while nothing happened, watches left out, a minute. */
  readonly idleRequestsPerMinute: number;
  readonly stories: readonly StoryFigures[];
  readonly problems: readonly string[];
}

/** The result of a story in a few lines. */
export function describeStory(figures: StoryFigures): readonly string[] {
  const { name, outcome, requests, failed, detectionToPrimaryMs, lastBadAnswerMs, shares, problems } = figures;
  const way =
    detectionToPrimaryMs === null
      ? []
      : [
          `${name}: the primary had 100 % ${detectionToPrimaryMs} ms after the breach was visible` +
            `; the last bad answer came after ${lastBadAnswerMs ?? 0} ms`,
        ];
  const seen = shares.map(
    ({ weightPercent, sharePercent, pValue }) =>
      `${weightPercent}: ${sharePercent.toFixed(1)} (p ${pValue.toFixed(3)})`,
  );
  return [
    `${name}: ${outcome} in ${figures.runSeconds.toFixed(1)} s; ${requests} requests, ${failed} failed`,
    ...way,
    ...(seen.length === 0 ? [] : [`${name}: percent of requests at the canary by weight: ${seen.join(', ')}`]),
    ...problems.map((problem) => `${name}: NOT AS TOLD: ${problem}`),
  ];
}
