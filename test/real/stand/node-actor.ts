// The node of the stand: binds pods, runs each as a real server at its own address, probes it, and ends it as a kubelet does.
import type { PodRunner } from '../../../src/embedded/actors/runner.ts';
import { readImageFaults } from '../../../src/embedded/actors/image-faults.ts';
import { podStatus, type PodState } from '../../../src/embedded/actors/pod-status.ts';
import { asPod } from '../../../src/embedded/actors/shapes.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { sleep, type Clock } from '../../../src/util/clock.ts';
import type { KubeApi, KubeAnswer, KubeRequest } from '../kube-api.ts';
import { EXTERNAL_LABEL, NODE_NAME } from './network.ts';
import { isAnswering, readinessProbeOf } from './probe.ts';

export interface NodeActorOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly runner: PodRunner;
  /** The address of a pod, the same at each call. */
  readonly addressOf: (pod: KubeObject) => string;
  readonly onProblem: (message: string) => void;
}

interface Running {
  readonly pod: KubeObject;
  readonly ending: AbortController;
  /** What was last reported, so that nothing is written twice. */
  reported: string;
  isStopping: boolean;
}

/** A crashing container lives this long, and waits this long after its first end; doubled up to five minutes. */
const CRASH_AFTER_MS = 300;
const BACKOFF_MS = 10_000;
const BACKOFF_MAX_MS = 300_000;
const RETRY_MS = 200;
const GRACE_DEFAULT_SECONDS = 30;
const IMAGE_PULL_MS = 500;

/** Runs the node until the signal aborts. */
export async function runNode(options: NodeActorOptions, signal: AbortSignal): Promise<void> {
  const node = new NodeActor(options, signal);
  await node.register();
  await options.api.watch('/api/v1/pods', signal, ({ type, object }) => node.see(object, type === 'DELETED'));
}

class NodeActor {
  readonly #options: NodeActorOptions;
  readonly #signal: AbortSignal;
  readonly #running = new Map<string, Running>();

  constructor(options: NodeActorOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Endpoints of pods on a node that does not exist are left out, so it must. */
  async register(): Promise<void> {
    const { api } = this.#options;
    await api.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: NODE_NAME } }, NODE_NAME);
    const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }];
    const capacity = { cpu: '64', memory: '256Gi', pods: '10000' };
    const status = { conditions, capacity, allocatable: capacity };
    await api.patch(`/api/v1/nodes/${NODE_NAME}/status`, { status });
  }

  /** Takes the news of a pod. */
  see(pod: KubeObject, isGone: boolean): void {
    const uid = pod.metadata.uid ?? '';
    if (pod.metadata.labels?.[EXTERNAL_LABEL] !== undefined) return;
    const held = this.#running.get(uid) ?? null;
    const { nodeName } = pod['spec'] as { nodeName?: string };
    if (isGone) void this.#forget(held);
    else if (pod.metadata.deletionTimestamp !== undefined) void this.#end(pod, held);
    else if (nodeName === undefined) void this.#bind(pod);
    else if (nodeName === NODE_NAME && held === null) void this.#run(pod);
  }

  async #bind({ metadata }: KubeObject): Promise<void> {
    const target = { apiVersion: 'v1', kind: 'Node', name: NODE_NAME };
    const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name: metadata.name, uid: metadata.uid }, target };
    await this.#ask({ method: 'POST', path: `${pathOf({ metadata })}/binding`, body });
  }

  async #run(pod: KubeObject): Promise<void> {
    const { clock, runner, addressOf } = this.#options;
    const entry: Running = { pod, ending: new AbortController(), reported: '', isStopping: false };
    this.#running.set(pod.metadata.uid ?? '', entry);
    const faults = readImageFaults(asPod(pod).spec.containers[0]?.image ?? '');
    if (faults.isMissing) return this.#failPull(entry);
    if (faults.isCrashing) return this.#crash(entry);
    const { signal } = entry.ending;
    const ip = addressOf(pod);
    const waiting = { reason: 'ContainerCreating', message: '' };
    await this.#report(entry, { isReady: false, ip, restarts: 0, waiting });
    if (faults.startDelayMs > 0) await sleep(clock, faults.startDelayMs, signal);
    if (signal.aborted) return;
    try {
      await runner.start(pod, faults);
      await this.#probe(entry, ip);
    } catch (error) {
      this.#options.onProblem(`Cannot start pod "${pod.metadata.name}": ${String(error)}`);
      const why = { reason: 'CreateContainerError', message: String(error) };
      await this.#report(entry, { isReady: false, ip, restarts: 0, waiting: why });
    }
  }

  async #probe(entry: Running, ip: string): Promise<void> {
    const probe = readinessProbeOf(entry.pod);
    const { signal } = entry.ending;
    const show = (isReady: boolean): Promise<void> => this.#report(entry, { isReady, ip, restarts: 0, waiting: null });
    if (probe === null) return show(true);
    let failures = 0;
    let isReady = false;
    while (!signal.aborted) {
      failures = (await isAnswering(ip, probe)) ? 0 : failures + 1;
      if (failures === 0) isReady = true;
      else if (failures >= probe.failureThreshold) isReady = false;
      if (!signal.aborted) await show(isReady);
      await sleep(this.#options.clock, probe.periodMs, signal);
    }
  }

  async #failPull(entry: Running): Promise<void> {
    const image = asPod(entry.pod).spec.containers[0]?.image ?? '';
    const show = (reason: string, message: string): Promise<void> =>
      this.#report(entry, { isReady: false, ip: null, restarts: 0, waiting: { reason, message } });
    await show('ErrImagePull', `failed to pull image "${image}": not found`);
    await sleep(this.#options.clock, IMAGE_PULL_MS, entry.ending.signal);
    if (!entry.ending.signal.aborted) await show('ImagePullBackOff', `Back-off pulling image "${image}"`);
  }

  async #crash(entry: Running): Promise<void> {
    const { clock, addressOf } = this.#options;
    const { signal } = entry.ending;
    const ip = addressOf(entry.pod);
    const container = asPod(entry.pod).spec.containers[0]?.name ?? '';
    let backoffMs = BACKOFF_MS;
    for (let restarts = 1; !signal.aborted; restarts += 1) {
      await sleep(clock, CRASH_AFTER_MS, signal);
      const what = `container=${container} pod=${entry.pod.metadata.name}`;
      const message = `back-off ${backoffMs / 1_000}s restarting failed ${what}`;
      const waiting = { reason: 'CrashLoopBackOff', message };
      if (!signal.aborted) await this.#report(entry, { isReady: false, ip, restarts, waiting });
      await sleep(clock, backoffMs, signal);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS);
    }
  }

  /** Goes on serving for the preStop pause, finishes what is under way, and tells the server that the pod is gone; all within the grace period. */
  async #end(pod: KubeObject, held: Running | null): Promise<void> {
    if (held?.isStopping === true) return;
    const { clock, runner, onProblem } = this.#options;
    const entry = held ?? { pod, ending: new AbortController(), reported: '', isStopping: true };
    entry.isStopping = true;
    this.#running.set(pod.metadata.uid ?? '', entry);
    entry.ending.abort();
    const graceSeconds = Number(pod.metadata['deletionGracePeriodSeconds'] ?? GRACE_DEFAULT_SECONDS);
    const stopped = sleep(clock, preStopSeconds(pod) * 1_000)
      .then(() => runner.stop(pod))
      .catch((error: unknown) => onProblem(`Cannot stop pod "${pod.metadata.name}": ${String(error)}`));
    const limit = new AbortController();
    await Promise.race([stopped, sleep(clock, graceSeconds * 1_000, limit.signal)]);
    limit.abort();
    const preconditions = { uid: pod.metadata.uid };
    await this.#ask({ method: 'DELETE', path: pathOf(pod), body: { gracePeriodSeconds: 0, preconditions } });
    this.#running.delete(pod.metadata.uid ?? '');
  }

  /** A pod that went without grace: whatever runs of it is stopped. */
  async #forget(held: Running | null): Promise<void> {
    if (held === null || held.isStopping) return;
    this.#running.delete(held.pod.metadata.uid ?? '');
    held.ending.abort();
    await this.#options.runner.stop(held.pod);
  }

  async #report(entry: Running, state: PodState): Promise<void> {
    const text = JSON.stringify(state);
    if (entry.reported === text) return;
    const status = podStatus(entry.pod, state, this.#options.clock.nowMs());
    const done = await this.#ask({
      method: 'PATCH',
      path: `${pathOf(entry.pod)}/status`,
      contentType: 'application/merge-patch+json',
      body: { metadata: { uid: entry.pod.metadata.uid }, status },
    });
    if (done) entry.reported = text;
  }

  /** Asks until the server answers: it may be away. True when it did as asked; a refusal is told, unless the pod is another by now. */
  async #ask(request: KubeRequest): Promise<boolean> {
    while (!this.#signal.aborted) {
      const answer: KubeAnswer | null = await this.#options.api.ask(request).catch(() => null);
      if (answer !== null && answer.status < 500 && answer.status !== 429) {
        const isRefused = answer.status >= 300 && answer.status !== 404 && answer.status !== 409;
        if (isRefused) this.#options.onProblem(`${request.method ?? ''} ${request.path}: ${answer.text}`);
        return answer.status < 300;
      }
      await sleep(this.#options.clock, RETRY_MS, this.#signal);
    }
    return false;
  }
}

const pathOf = ({ metadata }: Pick<KubeObject, 'metadata'>): string =>
  `/api/v1/namespaces/${metadata.namespace ?? 'default'}/pods/${metadata.name}`;

interface WithHook {
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
}

function preStopSeconds(pod: KubeObject): number {
  const container = asPod(pod).spec.containers[0] as WithHook | undefined;
  return container?.lifecycle?.preStop?.sleep?.seconds ?? 0;
}
