// A whole cluster in virtual time with the real loop in it: embedded API server, actors, kube client, queue, scripted HTTP.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { composeLoop } from '../../src/compose.ts';
import { readSettings } from '../../src/config/read-settings.ts';
import type { Loop } from '../../src/controller/loop.ts';
import { startActors } from '../../src/embedded/actors/start.ts';
import { openVirtualRunner } from '../../src/embedded/actors/virtual-runner.ts';
import { createApiServer, type ApiServer } from '../../src/embedded/apiserver/server.ts';
import type { ApiServerOptions } from '../../src/embedded/apiserver/types.ts';
import { openKube } from '../../src/kube/connect.ts';
import type { KubeObject } from '../../src/kube/contract.ts';
import type { HttpClient } from '../../src/http/contract.ts';
import { loopMeters } from '../../src/loop-meters.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createMeters, type Meters } from '../../src/telemetry/metrics.ts';
import { Effects } from '../sim/effects.ts';
import { NO_FAULTS, simulatedTransport } from '../sim/network.ts';
import { ProcessLife } from '../sim/process-life.ts';
import { openSimQueue, SimStore } from '../sim/sim-queue.ts';
import type { Wire } from '../sim/wire.ts';
import { prometheusAnswer, ScriptedHttp } from './loop-http.ts';
import { LoopView } from './loop-view.ts';
import { sleep } from '../../src/util/clock.ts';
import { seededRandom, VirtualClock } from './virtual-clock.ts';

const CRD_FOLDER = join(import.meta.dirname, '..', '..', 'crds');
const CRDS: readonly KubeObject[] = readdirSync(CRD_FOLDER).map(
  (file) => parse(readFileSync(join(CRD_FOLDER, file), 'utf8')) as KubeObject,
);

/** How a world is made. */
export interface LoopWorldOptions {
  /** Flags of the controller. */
  readonly args?: readonly string[];
  /** CRDs without schemas, as an older installation or Flagger's own may be: then only the controller refuses. */
  readonly hasLenientCrds?: boolean;
  readonly readyAfterMs?: number;
  readonly beforeRequest?: ApiServerOptions['beforeRequest'];
  readonly authorize?: ApiServerOptions['authorize'];
  /** Instead of the scripted client. */
  readonly http?: (clock: VirtualClock) => HttpClient;
  /** The app may be without a ready pod: what these tests are about breaks it on purpose. */
  readonly mayFail?: boolean;
}

/** One replica of the controller. */
export interface LoopReplica {
  readonly name: string;
  readonly user: string;
  readonly life: ProcessLife;
  readonly loop: Loop;
  /** What its `/metrics` shows. */
  readonly meters: Meters;
}

/** The world. `close` in the end fails when a write was unfenced, a status was written in a spin, or the app was without a ready pod. */
export class LoopWorld extends LoopView {
  readonly http: ScriptedHttp;
  readonly store: SimStore;
  readonly logs: string[] = [];
  readonly replicas: LoopReplica[] = [];
  /** What a pod takes longer than usual to become ready, in milliseconds; Infinity is never. */
  podDelayMs: (pod: KubeObject) => number = () => 0;
  readonly #options: LoopWorldOptions;
  readonly #random = seededRandom(11);

  constructor(options: LoopWorldOptions = {}) {
    const clock = new VirtualClock({ turns: 1 });
    super(clock, openApi(clock, options));
    this.#options = options;
    this.http = new ScriptedHttp(clock);
    this.http.on('prometheus.sim', () =>
      prometheusAnswer(this.targetImage().includes('bad') ? '50' : '100', clock.nowMs()),
    );
    this.store = new SimStore(clock, this.#random);
    this.#furnish();
  }

  #furnish(): void {
    for (const crd of CRDS) this.api.store.create(this.#options.hasLenientCrds ? lenient(crd) : crd, { user: 'admin' });
    this.api.store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'web' } }, { user: 'admin' });
    const { clock } = this;
    const runner = openVirtualRunner({ clock, readyAfterMs: this.#options.readyAfterMs ?? 2_000, goneAfterMs: 500 });
    startActors({
      store: this.api.store,
      clock,
      random: this.#random,
      delayMs: 20,
      runner: { ...runner, start: (pod, faults) => this.#delayed(pod).then(() => runner.start(pod, faults)) },
      hasEndpoints: false,
    });
  }

  /** The delay is asked again each second, so that a test can end it. */
  async #delayed(pod: KubeObject): Promise<void> {
    const startedMs = this.clock.monotonicMs();
    while (this.clock.monotonicMs() - startedMs < this.podDelayMs(pod)) await sleep(this.clock, 1_000);
  }

  /** Starts one replica and waits until it watches. */
  async boot(name = `serin-${this.replicas.length}`, args = this.#options.args ?? []): Promise<LoopReplica> {
    const { clock } = this;
    const life = new ProcessLife(clock, 0);
    const random = seededRandom(100 + this.replicas.length);
    const log = createLog({ level: 'debug', write: (line) => this.logs.push(line), clock: life.clock });
    const user = `serin:${name}`;
    const effects = new Effects(() => null);
    const meters = createMeters({ version: 'test', meshProvider: '' });
    const wire: Pick<Wire, 'ask'> = { ask: (request) => this.api.handle(request) };
    const parts = { wire, clock, random, effects, life, user, faults: () => NO_FAULTS };
    const kube = openKube({ transport: simulatedTransport(parts), clock: life.clock, random, log });
    const loop = composeLoop(settingsOf(args), {
      clock: life.clock,
      random,
      log,
      kube,
      http: this.#options.http?.(clock) ?? this.http,
      queue: openSimQueue(this.store, life),
      meters: loopMeters(meters),
      replica: name,
    });
    const replica = { name, user, life, loop, meters };
    this.replicas.push(replica);
    await this.finish(loop.start());
    return replica;
  }

  /** Kills a replica as SIGKILL would: nothing that it has in flight comes back. */
  kill(replica: LoopReplica): void {
    replica.life.die();
    const others = this.store.workers.filter(({ life }) => life !== replica.life);
    this.store.workers.splice(0, this.store.workers.length, ...others);
  }

  /** Runs the clock until `promise` ends. */
  async finish<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    let isDone = false;
    const mark = (): void => {
      isDone = true;
    };
    promise.then(mark, mark);
    await this.clock.runUntil(() => isDone, limitMs);
    return promise;
  }

  /** Ends everything, and says what no test may leave behind. */
  close(): void {
    for (const replica of this.replicas) this.kill(replica);
    this.api.close();
    for (const { meters } of this.replicas) meters.stop();
    if (this.api.violations.length > 0)
      throw new Error(`Unfenced writes: ${JSON.stringify(this.api.violations.slice(0, 3))}`);
    if (this.storms.size > 0) throw new Error(`Written again and again: ${[...this.storms].slice(0, 3).join('; ')}`);
    if (this.options.mayFail !== true && this.outages.length > 0)
      throw new Error(`The app was without a ready pod: ${this.outages.slice(0, 3).join('; ')}`);
  }

  get options(): LoopWorldOptions {
    return this.#options;
  }
}

function openApi(clock: VirtualClock, options: LoopWorldOptions): ApiServer {
  return createApiServer({
    clock,
    random: seededRandom(7),
    requireFence: (user) => user.startsWith('serin'),
    isTrackingUpdates: false,
    isKeepingUnknownFields: true,
    ...(options.beforeRequest === undefined ? {} : { beforeRequest: options.beforeRequest }),
    ...(options.authorize === undefined ? {} : { authorize: options.authorize }),
  });
}

function settingsOf(args: readonly string[]): Parameters<typeof composeLoop>[0] {
  const read = readSettings({ args, env: {}, readFile: () => '' });
  if (read.kind === 'invalid') throw new Error(read.problems.join('; '));
  return read.settings;
}

function lenient(crd: KubeObject): KubeObject {
  const copy = structuredClone(crd) as KubeObject & { spec: { versions: { schema: unknown }[] } };
  for (const version of copy.spec.versions)
    version.schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return copy;
}
