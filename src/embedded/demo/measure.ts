// Turns what happened in a story into figures, and holds them against what was told.
import { primaryImages } from './app-pods.ts';
import type { EndedRun } from './canary-log.ts';
import type { StoryFigures } from './figures.ts';
import { sumAnswers } from './ledger.ts';
import type { Answer } from './load.ts';
import { judgeShares, type RouteStep } from './route-log.ts';
import { round } from './round.ts';
import type { Stage } from './stage.ts';
import type { Story } from './stories.ts';

/** A story that is over. Times are monotonic milliseconds. */
export interface Told {
  readonly story: Story;
  readonly image: string;
  readonly beginMs: number;
  /** When the Canary rested again, or the wait for it was given up. */
  readonly restMs: number;
  readonly endMs: number;
  /** What the Canary's history says; null when the story did not end. */
  readonly run: EndedRun | null;
  readonly breachMs: number | null;
}

/** Below this a share is not chance any more. */
const P_VALUE_MIN = 1e-6;
const REQUESTS_MIN = 2_000;
const RATE_MIN = 100;
const NEW_CONNECTIONS_MIN = 0.5;
const GOOD_WEIGHTS = [0, 10, 20, 30, 40, 50, 0];

/** Measures a story. */
export function measure(told: Told, stage: Stage): StoryFigures {
  const { story, beginMs, restMs, endMs, breachMs } = told;
  const { audit, canary, ledger, route } = stage;
  const steps = route.since(beginMs).map((step) => clip(step, beginMs));
  const answers = ledger.between(beginMs, endMs);
  const sums = sumAnswers(answers);
  const seconds = (endMs - beginMs) / 1_000;
  const back = story.breach === null ? null : wayBack(beginMs, stage, steps);
  const bad = answers.filter((answer) => isBad(answer, story, stage));
  const run = audit.sum([[beginMs, restMs]]);
  const figures: StoryFigures = {
    name: story.name,
    expected: story.expected,
    outcome: told.run?.outcome ?? 'none',
    reason: told.run === null ? canary.now().message : `${told.run.reason}: ${told.run.message}`,
    phase: canary.now().phase,
    problems: [],
    runSeconds: round((restMs - beginMs) / 1_000),
    seconds: round(seconds),
    requests: sums.requests,
    failed: sums.failed,
    failedElsewhere: sums.failedElsewhere,
    failures: failuresOf(answers),
    requestsPerSecond: round(sums.requests / seconds),
    newConnectionsShare: round(sums.newConnections / Math.max(sums.requests, 1)),
    weights: steps.map(({ weightPercent }) => weightPercent),
    shares: judgeShares(steps, answers, endMs),
    detectionToPrimaryMs: since(breachMs, back?.committedMs ?? null),
    lastBadAnswerMs: since(breachMs, bad.length === 0 ? null : Math.max(...bad.map((answer) => answer.endMs))),
    badAfterRollback:
      back === null ? null : bad.filter((answer) => isLate(answer, back.followedMs ?? endMs, stage)).length,
    apiRequests: run.requests,
    apiEvents: run.events,
    ...perStep(steps, stage),
  };
  return { ...figures, problems: problemsOf(told, stage, figures) };
}

/** A step as far as it belongs to the story. */
function clip(step: RouteStep, beginMs: number): RouteStep {
  const followedMs = step.followedMs === null ? null : Math.max(step.followedMs, beginMs);
  return { ...step, committedMs: Math.max(step.committedMs, beginMs), followedMs };
}

/** The step that gave the primary all traffic again. Where no route splits traffic, the commit of phase Failed. */
function wayBack(beginMs: number, { canary, scene }: Stage, steps: readonly RouteStep[]): RouteStep | null {
  if (scene.canaryHost !== null) {
    const atMs = canary.enteredMs('Failed', beginMs);
    return atMs === null ? null : { weightPercent: 0, committedMs: atMs, followedMs: atMs };
  }
  const last = steps.findLastIndex(({ weightPercent }) => weightPercent > 0);
  return last < 0 ? null : (steps[last + 1] ?? null);
}

/** Failed; or, where slowness is the fault, answered by the canary too late. (That this machine can be slow itself is no fault.) */
function isBad(answer: Answer, { breach }: Story, { scene }: Stage): boolean {
  if (!answer.isOk) return true;
  const { role, startMs, endMs } = answer;
  return breach === 'slow' && role === 'canary' && endMs - startMs > scene.bounds.durationMaxMs;
}

/** Sent after the way back, and not to the canary by its own name, at which it goes on answering until it ends. */
const isLate = ({ host, startMs }: Answer, backMs: number, { scene }: Stage): boolean =>
  startMs >= backMs && host !== scene.canaryHost;

/** What was wrong with requests that no canary answered, and to whom they were sent: one entry for each kind. */
function failuresOf(answers: readonly Answer[]): readonly string[] {
  const elsewhere = answers.filter(({ isOk, role }) => !isOk && role !== 'canary');
  const byText = Map.groupBy(elsewhere, ({ host, problem }) => `${host}: ${problem}`);
  return [...byText].map(([text, { length }]) => `${text} (${length})`);
}

const since = (fromMs: number | null, atMs: number | null): number | null =>
  fromMs === null || atMs === null ? null : Math.round(atMs - fromMs);

type PerStep = Pick<StoryFigures, 'apiRequestsPerStep' | 'apiWritesPerStep'>;

/** From the first weight to the last: each of these steps is one that the controller took by itself. */
function perStep(steps: readonly RouteStep[], { audit }: Stage): PerStep {
  const weighted = steps.filter(({ weightPercent }) => weightPercent > 0);
  const count = weighted.length - 1;
  if (count < 1) return { apiRequestsPerStep: null, apiWritesPerStep: null };
  const sums = audit.sum([[weighted[0]!.committedMs, weighted.at(-1)!.committedMs]]);
  return {
    apiRequestsPerStep: round((sums.requests - sums.events) / count),
    apiWritesPerStep: round((sums.writes - sums.events) / count),
  };
}

/** One sentence for everything that is not as it was told. */
function problemsOf(told: Told, stage: Stage, figures: StoryFigures): readonly string[] {
  const { story, image } = told;
  const runs = primaryImages(stage.cluster.api, stage.scene);
  const isOnPrimary = runs.includes(image);
  const isPromoted = story.expected === 'promoted';
  const checks: readonly (readonly [isWrong: boolean, what: string])[] = [
    [figures.outcome !== story.expected, `the outcome is ${figures.outcome} (${figures.reason})`],
    [story.check !== null && !isFailedBy(told.run, story.check), `it was no failure of ${story.check}`],
    [isOnPrimary !== isPromoted || runs.length !== 1, `the primary runs ${runs.join(' and ') || 'nothing'}`],
    [isPromoted && figures.failed > 0, `${figures.failed} requests failed`],
    [
      figures.failedElsewhere > 0,
      `${figures.failedElsewhere} requests failed for another reason: ${figures.failures.join(', ')}`,
    ],
    [(figures.badAfterRollback ?? 0) > 0, `${figures.badAfterRollback ?? 0} bad answers after the rollback`],
    [!isPromoted && figures.detectionToPrimaryMs === null, 'the breach or the way back was not seen'],
    [figures.requests < REQUESTS_MIN, `only ${figures.requests} requests, must be ${REQUESTS_MIN}`],
    [figures.requestsPerSecond < RATE_MIN, `only ${figures.requestsPerSecond} requests a second, must be ${RATE_MIN}`],
    [figures.newConnectionsShare < NEW_CONNECTIONS_MIN, 'fewer than half of the requests were on new connections'],
    ...(stage.scene.canaryHost === null ? routeChecks(story, figures) : []),
  ];
  return checks.filter(([isWrong]) => isWrong).map(([, what]) => what);
}

/** Only the check that was meant counts: a rollback for want of numbers would prove nothing. */
const isFailedBy = (run: EndedRun | null, check: string): boolean =>
  run !== null && run.message.includes('checks failed') && run.message.includes(check);

function routeChecks(story: Story, { weights, shares }: StoryFigures): readonly (readonly [boolean, string])[] {
  const isWalk =
    story.expected === 'promoted'
      ? weights.join() === GOOD_WEIGHTS.join()
      : weights[1] === GOOD_WEIGHTS[1] && weights.at(-1) === 0;
  const unlikely = shares.filter(({ pValue }) => pValue < P_VALUE_MIN);
  return [
    [!isWalk, `the route went ${weights.join(', ')}`],
    ...weights
      .filter((weight) => weight > 0 && !shares.some(({ weightPercent }) => weightPercent === weight))
      .map((weight) => [true, `nobody saw the weight ${weight}`] as const),
    ...unlikely.map(({ weightPercent, canary, requests, pValue }) => {
      const what = `${canary} of ${requests} requests at weight ${weightPercent}`;
      return [true, `${what} are no chance (p ${pValue.toExponential(1)})`] as const;
    }),
  ];
}
