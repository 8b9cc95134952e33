// Canaries and targets with hand-made statuses, as the controller would have left them.
import { writeState } from '../../../src/controller/status.ts';
import { initialState } from '../../../src/core/state.ts';
import type { Run, RunSummary, State } from '../../../src/core/state.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { factsOfTarget } from '../../../src/cli/match.ts';
import { aCanaryObject } from '../../support/canary-fixtures.ts';
import type { Changes } from '../../support/canary-fixtures.ts';

export const NOW_MS = Date.UTC(2026, 0, 1);

/** What of a Deployment a test changes. */
export interface TargetChanges {
  readonly namespace?: string;
  readonly name?: string;
  readonly images?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly podLabels?: Readonly<Record<string, string>>;
  readonly podAnnotations?: Readonly<Record<string, string>>;
  readonly env?: readonly { name: string; value: string }[];
}

/** Deployment `web` in `shop` with one container of the version's image. */
export function aTarget(version: string, changes: TargetChanges = {}): KubeObject {
  const { namespace = 'shop', name = 'web', images = [`registry.example/web:${version}`], labels = {} } = changes;
  const podLabels = { app: name, ...changes.podLabels };
  const containers = images.map((image, index) => ({
    name: index === 0 ? 'app' : `side-${index}`,
    image,
    ...(index === 0 && changes.env !== undefined ? { env: [...changes.env] } : {}),
  }));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { ...labels } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: podLabels, annotations: { ...changes.podAnnotations } },
        spec: { containers },
      },
    },
  };
}

/** The revision that the controller gives to a target without tracked configs. */
export function revisionOfTarget(target: KubeObject): string {
  return factsOfTarget(target, {}).revision;
}

/** What the controller notes of a target. */
export function notedFacts(target: KubeObject): NonNullable<State['targetFacts']> {
  const { version, images } = factsOfTarget(target, {});
  return { generation: 1, version, images };
}

/** A run about the target's revision. */
export function aRun(number: number, target: KubeObject, change: Partial<Run> = {}): Run {
  const { version, images, revision } = factsOfTarget(target, {});
  return {
    id: `${number}-${revision.slice(3, 11)}`,
    number,
    revision,
    base: null,
    startedAtMs: NOW_MS - 192_000,
    wasPinned: true,
    step: 6,
    stepsKey: 'a1p,gt,w10,a1r,gt,w20,a1r,gt,w30,a1r,gt,w40,a1r,gt,w50,a1r,gt,gp',
    passes: 0,
    tick: 3,
    nextCheckAtMs: NOW_MS + 10_000,
    failedChecks: 0,
    insufficientInRow: 0,
    errorsInRow: 0,
    checks: [],
    primaryFloor: 2,
    version,
    images,
    closedGate: null,
    ending: null,
    ...change,
  };
}

/** A run that ended so. */
export function anEnded(run: Run, outcome: RunSummary['outcome'], change: Partial<RunSummary> = {}): RunSummary {
  const { id, revision, version, images, startedAtMs } = run;
  return {
    id,
    revision,
    version,
    images,
    outcome,
    reason: outcome === 'promoted' ? 'Completed' : 'budgetSpent',
    message: outcome === 'promoted' ? '' : '5 of 5 checks failed, last: request-success-rate 98.69 < 99',
    startedAtMs,
    endedAtMs: NOW_MS - 60_000 + run.number,
    ...change,
  };
}

/** A state. */
export function aState(phase: State['phase'], change: Partial<State> = {}): State {
  return {
    ...initialState(NOW_MS - 3_600_000),
    phase,
    isTakenOver: true,
    ...(phase === 'Failed' ? { failure: 'rolledBack' as const } : {}),
    ...change,
  };
}

/** Canary `web` in `shop` with that state in its status. */
export function aCanaryWith(state: State, message: string, changes: Changes = {}): KubeObject {
  return aCanaryObject({
    ...changes,
    status: { ...writeState(state), conditions: [], message, ...changes.status },
  });
}
