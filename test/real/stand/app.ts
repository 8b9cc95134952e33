// One app on the stand: its objects, the load on it, and what a witness saw of its Canary, its route and its pods.
import type { KubeObject } from '../../../src/kube/contract.ts';
import { viewOf, type CanaryView } from '../../../src/embedded/demo/canary-log.ts';
import { Ledger } from '../../../src/embedded/demo/ledger.ts';
import type { Answer } from '../../../src/embedded/demo/load.ts';
import { startLoadThread, type LoadThread } from '../../../src/embedded/demo/load-thread.ts';
import { canaryWeightOf, type RouteStep } from '../../../src/embedded/demo/route-log.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { waitFor } from '../waiting.ts';
import { addressOf, APP, appObjects, canaryObject, hostOf, type AppSpec } from './app-objects.ts';
import { liveWeight } from './data-plane.ts';
import type { Stand } from './stand.ts';

/** What the Canary said at some time; monotonic milliseconds. */
export interface SeenCanary extends CanaryView {
  readonly atMs: number;
}

/** Some more than the 50 that are claimed, because this machine has other things to do. */
const REQUESTS_PER_SECOND = 80;
const DEPLOYED_MAX_MS = 60_000;
const INITIALIZED_MAX_MS = 90_000;
const RUN_MAX_MS = 150_000;
const LIVE_EVERY_MS = 50;

/** An app with load on it. Open it with `openApp`. */
export class StandApp {
  readonly spec: AppSpec;
  readonly ledger = new Ledger();
  /** Every state of the Canary that a watch told. */
  readonly canaries: SeenCanary[] = [];
  readonly steps: RouteStep[] = [];
  /** When the target was told to have no pods. */
  readonly scaledDownMs: number[] = [];
  readonly #stand: Stand;
  readonly #watching = new AbortController();
  #load: LoadThread | null = null;
  #images = 0;
  #route: KubeObject | null = null;

  constructor(stand: Stand, spec: AppSpec) {
    this.#stand = stand;
    this.spec = spec;
  }

  get path(): string {
    return `/apis/serin.dev/v1beta1/namespaces/${this.spec.namespace}/canaries/${APP}`;
  }

  get deploymentPath(): string {
    return `/apis/apps/v1/namespaces/${this.spec.namespace}/deployments/${APP}`;
  }

  get routePath(): string {
    const { namespace, mesh, protocol } = this.spec;
    if (mesh === 'istio') return `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/${APP}`;
    const plural = protocol === 'grpc' ? 'grpcroutes' : 'httproutes';
    return `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/${plural}/${APP}`;
  }

  /** The Canary as it was last seen. */
  get canary(): CanaryView {
    return this.canaries.at(-1) ?? viewOf(null);
  }

  /** Deploys the app as a user has it, without a Canary, and starts the load once it answers. */
  async deploy(): Promise<void> {
    const { api } = this.#stand.plane;
    for (const object of appObjects(this.spec)) await api.apply(object, 'user');
    this.#watch();
    await waitFor(
      `${this.spec.namespace} to be deployed`,
      async () => {
        const status = (await api.get(this.deploymentPath))?.['status'] as { availableReplicas?: number } | undefined;
        return status?.availableReplicas === 2 && (await this.live()) !== null;
      },
      DEPLOYED_MAX_MS,
    );
    await waitFor(`${this.spec.namespace} to answer`, () => this.#isAnswering(), DEPLOYED_MAX_MS);
    this.#startLoad();
  }

  /** Creates the Canary and waits until the app is taken over. */
  async adopt(): Promise<void> {
    await this.#stand.plane.api.apply(canaryObject(this.spec), 'user');
    await this.waitForPhase('Initialized', INITIALIZED_MAX_MS);
  }

  /** An image that was never used, with a fault. */
  nextImage(fault = ''): string {
    this.#images += 1;
    return `app:1.${this.#images}.0${fault === '' ? '' : `_${fault}`}`;
  }

  /** Changes the Canary's spec, as `kubectl apply` does. */
  async change(spec: Readonly<Record<string, unknown>>): Promise<void> {
    const canary = canaryObject(this.spec);
    await this.#stand.plane.api.apply({ ...canary, spec: { ...(canary['spec'] as object), ...spec } }, 'user');
  }

  /** Deletes the Canary and waits until it is gone. */
  async release(limitMs = RUN_MAX_MS): Promise<void> {
    const { api } = this.#stand.plane;
    await api.remove(this.path);
    const isGone = async (): Promise<boolean> => (await api.get(this.path)) === null;
    await waitFor(`the Canary of ${this.spec.namespace} to be gone`, isGone, limitMs);
  }

  /** Changes the image, as `kubectl set image` does. Returns when; monotonic milliseconds. */
  async setImage(image: string): Promise<number> {
    const path = '/spec/template/spec/containers/0/image';
    const atMs = systemClock.monotonicMs();
    const change = [{ op: 'replace', path, value: image }];
    await this.#stand.plane.api.patch(this.deploymentPath, change, 'application/json-patch+json');
    return atMs;
  }

  /** Waits for a phase that was entered at or after `sinceMs`. */
  async waitForPhase(phase: string, limitMs = RUN_MAX_MS, sinceMs = 0): Promise<void> {
    await waitFor(
      () => `${this.spec.namespace} to be ${phase}; it is ${this.canary.phase}: ${this.canary.message}`,
      () => this.canaries.some((seen) => seen.atMs >= sinceMs && seen.phase === phase) && this.canary.phase === phase,
      limitMs,
    );
  }

  /** Waits until the run of this image is in the history and the Canary rests. Resolves with how it ended. */
  async waitForEnd(image: string, limitMs = RUN_MAX_MS): Promise<CanaryView['ended'][number]> {
    return waitFor(
      () => `${this.spec.namespace} to end ${image}; it is ${this.canary.phase}: ${this.canary.message}`,
      () => {
        const { phase, ended } = this.canary;
        const isResting = phase === 'Succeeded' || phase === 'Failed';
        return (isResting && ended.find(({ images }) => images.includes(image))) || null;
      },
      limitMs,
    );
  }

  /** Waits until the route asks for at least this weight. */
  async waitForWeight(percent: number, limitMs = RUN_MAX_MS): Promise<void> {
    await waitFor(
      () => `${this.spec.namespace} to have weight ${percent}; it is ${this.canary.phase}: ${this.canary.message}`,
      () => (this.steps.at(-1)?.weightPercent ?? 0) >= percent,
      limitMs,
    );
  }

  /** The weight that Envoy has. */
  live(): Promise<number | null> {
    const { istio, contour } = this.#stand;
    const admin = this.spec.mesh === 'gateway-api-contour' ? contour.envoyAdmin : istio.gatewayAdmin;
    return liveWeight(admin, this.spec.namespace, APP);
  }

  /** The user's route as it was last seen. */
  get route(): KubeObject | null {
    return this.#route;
  }

  /** Images that the pods of a Deployment are asked to run. */
  async imageOf(deployment: string): Promise<string | null> {
    const found = await this.#stand.plane.api.get(this.deploymentPath.replace(/[^/]+$/, deployment));
    const spec = found?.['spec'] as { template: { spec: { containers: readonly { image: string }[] } } } | undefined;
    return spec?.template.spec.containers[0]?.image ?? null;
  }

  /** Waits until every request that was sent before now has its answer. */
  async settle(): Promise<void> {
    const nowMs = systemClock.monotonicMs();
    await waitFor('all answers', () => this.#load?.isAnsweredUntil(nowMs) ?? true, 30_000);
  }

  /** Answers to requests sent from `fromMs` on. */
  answersSince(fromMs: number): readonly Answer[] {
    return this.ledger.between(fromMs, Number.POSITIVE_INFINITY);
  }

  /** Ends load and watches, and takes the app away. */
  async close(): Promise<void> {
    await this.#load?.stop();
    this.#watching.abort();
    await this.#stand.plane.api.remove(`/api/v1/namespaces/${this.spec.namespace}`).catch(() => undefined);
  }

  #startLoad(): void {
    const { protocol } = this.spec;
    const address = addressOf(this.spec);
    this.#load = startLoadThread({
      clock: systemClock,
      protocol,
      address: protocol === 'grpc' ? address : `http://${address}/`,
      requestsPerSecond: REQUESTS_PER_SECOND,
      hosts: () => [hostOf(this.spec)],
      onAnswer: (answer) => this.ledger.note(answer),
    });
  }

  /** One probe; only used before there is any load. */
  async #isAnswering(): Promise<boolean> {
    const seen: boolean[] = [];
    const { protocol } = this.spec;
    const address = addressOf(this.spec);
    const probe = startLoadThread({
      clock: systemClock,
      protocol,
      address: protocol === 'grpc' ? address : `http://${address}/`,
      requestsPerSecond: 50,
      hosts: () => [hostOf(this.spec)],
      onAnswer: ({ isOk }) => seen.push(isOk),
    });
    await waitFor('some answers', () => seen.length >= 20, 30_000);
    await probe.stop();
    return seen.slice(-20).every(Boolean);
  }

  #watch(): void {
    const { api } = this.#stand.plane;
    const { signal } = this.#watching;
    const follow = (path: string, take: (object: KubeObject) => void): void => {
      const at = path.lastIndexOf('/');
      const query = `?fieldSelector=metadata.name%3D${path.slice(at + 1)}`;
      void api.watch(path.slice(0, at) + query, signal, ({ type, object }) => {
        if (type !== 'DELETED') take(object);
      });
    };
    follow(this.path, (object) => this.canaries.push({ ...viewOf(object), atMs: systemClock.monotonicMs() }));
    follow(this.deploymentPath, (object) => {
      const { replicas } = object['spec'] as { replicas?: number };
      if (replicas === 0) this.scaledDownMs.push(systemClock.monotonicMs());
    });
    follow(this.routePath, (object) => {
      this.#route = object;
      const weightPercent = canaryWeightOf(object, APP) ?? 0;
      if (weightPercent === this.steps.at(-1)?.weightPercent) return;
      const step = { weightPercent, committedMs: systemClock.monotonicMs(), followedMs: null };
      this.steps.push(step);
      void this.#seeFollowed(step, this.steps.length - 1);
    });
  }

  /** Looks at Envoy until it has the weight of a step, or the next step is there. */
  async #seeFollowed(step: RouteStep, index: number): Promise<void> {
    while (this.steps.length - 1 === index && !this.#watching.signal.aborted) {
      const live = await this.live().catch(() => null);
      if (live === step.weightPercent) {
        this.steps[index] = { ...step, followedMs: systemClock.monotonicMs() };
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, LIVE_EVERY_MS));
    }
  }
}

/** Deploys an app and puts load on it. */
export async function openApp(stand: Stand, spec: AppSpec): Promise<StandApp> {
  const app = new StandApp(stand, spec);
  await app.deploy();
  return app;
}
