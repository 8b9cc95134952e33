// `serin step verify`: waits until one release arrives, then for its verdict, and ends with the exit code that says it.
import { TransientError, messageOf } from '../errors.ts';
import type { ConnectedKube } from '../kube/connect.ts';
import type { KubeObject, ObjectRef } from '../kube/contract.ts';
import { DEPLOYMENT, refOf } from '../kube/kinds.ts';
import { formatDurationMs } from '../api/duration.ts';
import { textOf } from '../workload/fields.ts';
import type { FoundCanary } from './cluster.ts';
import { shownName } from './cluster.ts';
import type { CliContext } from './context.ts';
import { follow } from './follow.ts';
import type { Follow } from './follow.ts';
import { firstMemory, judgeRevision, remember } from './judge.ts';
import type { Judgement, Memory } from './judge.ts';
import { describeWanted } from './match.ts';
import type { Wanted } from './match.ts';
import type { StepReport } from './step-report.ts';
import type { Verdict } from './step-result.ts';

/** What to wait for and how long. */
export interface VerifyTask {
  readonly canary: FoundCanary;
  readonly wanted: Wanted;
  readonly timeoutMs: number;
  readonly arrivalTimeoutMs: number;
}

/** How often a sign of life is given where nobody watches, in milliseconds: CI systems end silent jobs. */
const HEARTBEAT_MS = 30_000;
/** How long the cache may take to see what a live read has seen, in milliseconds. */
const CATCH_UP_MS = 1_000;

/** Waits. Errors: those of listing the Canaries and Deployments of the namespace. */
export async function verify(
  kube: ConnectedKube,
  task: VerifyTask,
  context: CliContext,
  report: StepReport,
): Promise<Verdict> {
  const watching = new Watching(task, context, report);
  report.begin(
    `Waits for ${describeWanted(task.wanted)} of ${shownName(task.canary)} in ${task.canary.namespace}: at most ` +
      `${formatDurationMs(task.arrivalTimeoutMs)} until it arrives, ${formatDurationMs(task.timeoutMs)} in all`,
  );
  const limit = new AbortController();
  const cancel = context.clock.setTimer(task.timeoutMs, () => limit.abort());
  try {
    return await watching.run(kube, AbortSignal.any([context.signal, limit.signal]));
  } catch (error) {
    if (context.signal.aborted) return interrupted();
    if (limit.signal.aborted && error instanceof TransientError)
      return { outcome: 'timeout', run: null, reason: 'NoAnswer', message: messageOf(error) };
    throw error;
  } finally {
    cancel();
  }
}

function interrupted(): Verdict {
  return {
    outcome: 'interrupted',
    run: null,
    reason: 'Interrupted',
    message: 'The step was interrupted; the canary is left running',
  };
}

/** One step that waits: what it has seen, and since when. */
class Watching {
  readonly #task: VerifyTask;
  readonly #context: CliContext;
  readonly #report: StepReport;
  readonly #beganMs: number;
  readonly #canaryRef: ObjectRef;
  readonly #targetRef: ObjectRef | null;
  #memory: Memory;
  #hasArrived = false;
  #heartbeatAtMs: number;

  constructor(task: VerifyTask, context: CliContext, report: StepReport) {
    const { kind, namespace, name, object } = task.canary;
    this.#task = task;
    this.#context = context;
    this.#report = report;
    this.#beganMs = context.clock.monotonicMs();
    this.#heartbeatAtMs = this.#beganMs + HEARTBEAT_MS;
    this.#canaryRef = refOf(kind, namespace, name);
    this.#targetRef = targetRefOf(object);
    this.#memory = firstMemory(object);
  }

  async run(kube: ConnectedKube, signal: AbortSignal): Promise<Verdict> {
    const { clock } = this.#context;
    const scope = { namespace: this.#task.canary.namespace };
    const wanted = [
      { kind: this.#canaryRef.kind, scope },
      ...(this.#targetRef === null ? [] : [{ kind: DEPLOYMENT, scope: { ...scope, project: projectTarget } }]),
    ];
    const following = await follow(kube, clock, wanted, signal);
    try {
      for (;;) {
        if (this.#context.signal.aborted) return interrupted();
        const look = this.#look(following);
        if (look.kind === 'gone') return look.verdict;
        const { judged } = look;
        if (judged.kind === 'verdict' && (await this.#isConfirmed(kube, judged, signal))) return verdictOf(judged);
        const leftMs = this.#leftMs(judged);
        if (leftMs <= 0) return this.#timeout(judged);
        await following.changed(Math.min(leftMs, this.#pauseMs(judged)), this.#context.signal);
        this.#beat(judged, following.silentMs());
      }
    } finally {
      following.close();
    }
  }

  #look(
    following: Follow,
  ): { readonly kind: 'gone'; readonly verdict: Verdict } | { readonly kind: 'seen'; readonly judged: Judgement } {
    const canary = following.look(this.#canaryRef);
    if (canary === null) {
      const message = `Canary "${this.#canaryRef.namespace ?? ''}/${this.#canaryRef.name}" was deleted`;
      return { kind: 'gone', verdict: { outcome: 'notFound', run: null, reason: 'Deleted', message } };
    }
    const judged = this.#judge(canary, this.#targetRef === null ? null : following.look(this.#targetRef));
    this.#memory = remember(this.#memory, judged);
    this.#hasArrived ||= judged.kind === 'arrived';
    if (this.#report.look(canary, judged)) this.#restartHeartbeat();
    return { kind: 'seen', judged };
  }

  #judge(canary: KubeObject, target: KubeObject | null): Judgement {
    return judgeRevision(canary, target, this.#task.wanted, this.#memory);
  }

  /** The cache may show the Canary and the target of different moments: a verdict counts only when both say so now. */
  async #isConfirmed(
    kube: ConnectedKube,
    judged: Judgement & { kind: 'verdict' },
    signal: AbortSignal,
  ): Promise<boolean> {
    const [canary, target] = await Promise.all([
      kube.client.get(this.#canaryRef, { signal }),
      this.#targetRef === null ? null : kube.client.get(this.#targetRef, { signal }),
    ]);
    if (canary === null) return false;
    const now = this.#judge(canary, target);
    return now.kind === 'verdict' && now.outcome === judged.outcome && now.run?.id === judged.run?.id;
  }

  /** Time left in milliseconds. Once the release has arrived only the limit of the whole step counts. */
  #leftMs(judged: Judgement): number {
    const { timeoutMs, arrivalTimeoutMs } = this.#task;
    const isExpected = judged.kind === 'waiting' && !this.#hasArrived;
    const limitMs = isExpected ? Math.min(arrivalTimeoutMs, timeoutMs) : timeoutMs;
    return this.#beganMs + limitMs - this.#context.clock.monotonicMs();
  }

  /** Longest wait without a change, in milliseconds. */
  #pauseMs(judged: Judgement): number {
    if (judged.kind === 'verdict') return CATCH_UP_MS;
    return this.#report.needsHeartbeat ? this.#untilHeartbeatMs() : Number.POSITIVE_INFINITY;
  }

  #untilHeartbeatMs(): number {
    return Math.max(this.#heartbeatAtMs - this.#context.clock.monotonicMs(), 0);
  }

  #restartHeartbeat(): void {
    this.#heartbeatAtMs = this.#context.clock.monotonicMs() + HEARTBEAT_MS;
  }

  #beat(judged: Judgement, silentMs: number | null): void {
    if (!this.#report.needsHeartbeat || this.#untilHeartbeatMs() > 0) return;
    this.#restartHeartbeat();
    this.#report.heartbeat(judged, this.#context.clock.monotonicMs() - this.#beganMs, silentMs);
  }

  #timeout(judged: Judgement): Verdict {
    const ended = { outcome: 'timeout', run: judged.kind === 'arrived' ? judged.run : null } as const;
    const what = describeWanted(this.#task.wanted);
    if (judged.kind === 'waiting' && judged.where === 'target') {
      const hint = `${what} never reached the cluster: is the promotion pull request merged? Now ${judged.message}`;
      return { ...ended, reason: 'NeverArrived', message: hint };
    }
    if (judged.kind === 'waiting') {
      const hint = `${what} is on the target, but serin has not begun with it: ${judged.message}`;
      return { ...ended, reason: 'NeverBegun', message: hint };
    }
    return { ...ended, reason: 'TooSlow', message: `No verdict yet, the canary is left running: ${judged.message}` };
  }
}

function verdictOf({ outcome, run, reason, message }: Judgement & { kind: 'verdict' }): Verdict {
  return { outcome, run, reason, message };
}

/** The target; null when it is of a kind that no controller of this version works. */
export function targetRefOf(canary: KubeObject): ObjectRef | null {
  const kind = textOf(canary, 'spec', 'targetRef', 'kind');
  const name = textOf(canary, 'spec', 'targetRef', 'name');
  return kind === DEPLOYMENT.kind && name !== '' ? refOf(DEPLOYMENT, canary.metadata.namespace ?? '', name) : null;
}

/** Keeps of a Deployment what tells its revision. */
function projectTarget(deployment: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, labels } = deployment.metadata;
  const kept = { namespace, uid, resourceVersion, labels };
  const metadata: KubeObject['metadata'] = { name };
  for (const [member, value] of Object.entries(kept)) if (value !== undefined) metadata[member] = value;
  const spec = deployment['spec'];
  const template = typeof spec === 'object' && spec !== null && 'template' in spec ? spec.template : {};
  return { apiVersion: deployment.apiVersion, kind: deployment.kind, metadata, spec: { template } };
}
