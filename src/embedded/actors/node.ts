// The one node of the embedded cluster: a kubelet that runs every pod through a PodRunner.
import type { KubeObject } from '../../kube/contract.ts';
import { POD } from '../../kube/kinds.ts';
import { sleep } from '../../util/clock.ts';
import type { Actor, ActorOptions } from './actor.ts';
import { readImageFaults } from './image-faults.ts';
import { startLoop } from './loop.ts';
import type { PodState } from './pod-status.ts';
import { podStatus } from './pod-status.ts';
import type { PodRunner, StartedPod } from './runner.ts';
import { asPod, keyOf, splitKey } from './shapes.ts';

const WRITE = { user: 'kubelet' } as const;
/** A crashing container lives this long, and waits this long after its first end; doubled up to five minutes. */
const CRASH_AFTER_MS = 300;
const BACKOFF_MS = 10_000;
const BACKOFF_MAX_MS = 300_000;
const PULL_FAILS_AFTER_MS = 500;
const GRACE_DEFAULT_SECONDS = 30;

export interface NodeOptions extends ActorOptions {
  readonly runner: PodRunner;
  /** Called when a runner cannot start or stop a pod. */
  readonly onProblem?: (message: string) => void;
}

/** The node. */
export interface Node extends Actor {
  /** Pods that are running or about to. */
  count(): number;
}

interface Running {
  pod: KubeObject;
  readonly ending: AbortController;
  isStopping: boolean;
}

/** Starts the node: every pod of the store is its own, also one that names no node (there is no binding here). */
export function startNode(options: NodeOptions): Node {
  const { store, clock, delayMs } = options;
  const running = new Map<string, Running>();
  const loop = startLoop({ clock, delayMs, look: (key) => lookAt(options, running, key) });
  const stopWatch = store.watch(POD, (before, after) => {
    const uid = (after ?? before)?.metadata.uid ?? '';
    if (after === null) void forget(options, running, uid);
    else if (isNews(before, after)) loop.enqueue(keyOf(after));
  });
  for (const pod of store.list(POD, null)) loop.enqueue(keyOf(pod));
  return {
    count: () => running.size,
    stop() {
      stopWatch();
      loop.stop();
      for (const { ending } of running.values()) ending.abort();
    },
  };
}

/** The node's own status writes are no news to it. */
function isNews(before: KubeObject | null, after: KubeObject): boolean {
  return before === null || before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp;
}

function lookAt(options: NodeOptions, running: Map<string, Running>, key: string): void {
  const [namespace, name] = splitKey(key);
  const pod = options.store.get(POD, namespace, name);
  if (pod === null) return;
  const uid = pod.metadata.uid ?? '';
  const held = running.get(uid);
  if (pod.metadata.deletionTimestamp !== undefined) {
    void end(options, running, pod, held ?? null);
    return;
  }
  if (held !== undefined) return;
  const entry: Running = { pod, ending: new AbortController(), isStopping: false };
  running.set(uid, entry);
  void run(options, entry);
}

async function run(options: NodeOptions, entry: Running): Promise<void> {
  const { clock, runner } = options;
  const { signal } = entry.ending;
  const faults = readImageFaults(asPod(entry.pod).spec.containers[0]?.image ?? '');
  if (faults.isMissing) return failPull(options, entry);
  if (faults.isCrashing) return crash(options, entry);
  try {
    const started = await runner.start(entry.pod, faults);
    if (!signal.aborted && faults.startDelayMs > 0) await sleep(clock, faults.startDelayMs, signal);
    if (!signal.aborted) showReady(options, entry, started);
  } catch (error) {
    options.onProblem?.(`Cannot start pod "${keyOf(entry.pod)}": ${String(error)}`);
    const waiting = { reason: 'CreateContainerError', message: 'the container could not be started' };
    report(options, entry, { isReady: false, ip: null, restarts: 0, waiting });
  }
}

function showReady(options: NodeOptions, entry: Running, started: StartedPod): void {
  if (Object.keys(started.annotations).length > 0) annotate(options, entry, started.annotations);
  report(options, entry, { isReady: true, ip: started.ip, restarts: 0, waiting: null });
}

async function failPull(options: NodeOptions, entry: Running): Promise<void> {
  const { signal } = entry.ending;
  const image = asPod(entry.pod).spec.containers[0]?.image ?? '';
  const show = (reason: string, message: string): void =>
    report(options, entry, { isReady: false, ip: null, restarts: 0, waiting: { reason, message } });
  show('ErrImagePull', `failed to pull image "${image}": not found`);
  await sleep(options.clock, PULL_FAILS_AFTER_MS, signal);
  if (!signal.aborted) show('ImagePullBackOff', `Back-off pulling image "${image}"`);
}

async function crash(options: NodeOptions, entry: Running): Promise<void> {
  const { signal } = entry.ending;
  let backoffMs = BACKOFF_MS;
  for (let restarts = 1; !signal.aborted; restarts += 1) {
    await sleep(options.clock, CRASH_AFTER_MS, signal);
    if (signal.aborted) return;
    const container = asPod(entry.pod).spec.containers[0]?.name ?? '';
    const message = `back-off ${backoffMs / 1000}s restarting failed container=${container} pod=${entry.pod.metadata.name}`;
    report(options, entry, { isReady: false, ip: null, restarts, waiting: { reason: 'CrashLoopBackOff', message } });
    await sleep(options.clock, backoffMs, signal);
    backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS);
  }
}

function report({ store, clock }: NodeOptions, { pod }: Running, state: PodState): void {
  const { namespace = '', name, uid } = pod.metadata;
  if (store.get(POD, namespace, name)?.metadata.uid !== uid) return;
  store.mutate(
    POD,
    namespace,
    name,
    (draft) => {
      draft['status'] = podStatus(draft, state, clock.nowMs());
    },
    { ...WRITE, subresource: 'status' },
  );
}

function annotate({ store }: NodeOptions, { pod }: Running, annotations: Readonly<Record<string, string>>): void {
  const { namespace = '', name, uid } = pod.metadata;
  if (store.get(POD, namespace, name)?.metadata.uid !== uid) return;
  store.mutate(
    POD,
    namespace,
    name,
    (draft) => {
      draft.metadata.annotations = { ...draft.metadata.annotations, ...annotations };
    },
    WRITE,
  );
}

/** Ends a pod gracefully, at most for its grace period, and then takes it out of the store. */
async function end(
  options: NodeOptions,
  running: Map<string, Running>,
  pod: KubeObject,
  held: Running | null,
): Promise<void> {
  const uid = pod.metadata.uid ?? '';
  if (held?.isStopping === true) return;
  const entry: Running = held ?? { pod, ending: new AbortController(), isStopping: true };
  entry.isStopping = true;
  running.set(uid, entry);
  entry.ending.abort();
  const graceSeconds = Number(pod.metadata['deletionGracePeriodSeconds'] ?? GRACE_DEFAULT_SECONDS);
  const stopped = options.runner.stop(pod).catch((error: unknown) => {
    options.onProblem?.(`Cannot stop pod "${keyOf(pod)}": ${String(error)}`);
  });
  const limit = new AbortController();
  await Promise.race([stopped, sleep(options.clock, graceSeconds * 1000, limit.signal)]);
  limit.abort();
  const { namespace = '', name } = pod.metadata;
  running.delete(uid);
  if (options.store.get(POD, namespace, name)?.metadata.uid === uid) {
    options.store.remove(POD, namespace, name, { ...WRITE, uid, graceSeconds: 0 });
  }
}

/** A pod that is gone without grace: whatever runs of it is stopped. */
async function forget(options: NodeOptions, running: Map<string, Running>, uid: string): Promise<void> {
  const held = running.get(uid);
  if (held === undefined || held.isStopping) return;
  running.delete(uid);
  held.ending.abort();
  try {
    await options.runner.stop(held.pod);
  } catch (error) {
    options.onProblem?.(`Cannot stop pod "${keyOf(held.pod)}": ${String(error)}`);
  }
}
