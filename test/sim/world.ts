// The simulated world: one API server and its actors, a queue, replicas of the real controller, people, and faults, from one seed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startActors } from '../../src/embedded/actors/start.ts';
import { openVirtualRunner } from '../../src/embedded/actors/virtual-runner.ts';
import { createApiServer, type ApiServer } from '../../src/embedded/apiserver/server.ts';
import type { KubeObject } from '../../src/kube/contract.ts';
import { canaryKind, DEPLOYMENT } from '../../src/kube/kinds.ts';
import { silentLog } from '../../src/telemetry/contract.ts';
import { seededRandom, type VirtualClock } from '../support/virtual-clock.ts';
import { VIRTUAL_SERVICE } from './checkers/view.ts';
import { Checkers } from './checkers/checkers.ts';
import type { Cut, EffectSeen } from './effects.ts';
import { Effects } from './effects.ts';
import { NO_FAULTS, simulatedTransport, type NetworkFaults } from './network.ts';
import { simulatedHttp } from './outgoing.ts';
import { ProcessLife } from './process-life.ts';
import { canaryObject, foreignVirtualService, targetDeployment, type Scenario } from './scenarios.ts';
import { FAITHFUL, openSimQueue, SimStore, type QueueFaults } from './sim-queue.ts';
import { ROOT, type Source } from './source.ts';
import { openDirectWire, type Wire } from './wire.ts';

/** How one run of the world is made. */
export interface Plan {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly replicas: number;
  /** Which effect is cut, and how. */
  readonly cut: (effect: EffectSeen) => Cut | null;
  readonly network?: NetworkFaults;
  readonly queue?: QueueFaults;
  /** Crashes, pauses and queue outages at random moments. */
  readonly chaos?: number;
  readonly skewMs?: number;
}

export interface Outcome {
  readonly violations: readonly string[];
  readonly effects: readonly EffectSeen[];
  readonly phase: string;
  readonly events: readonly string[];
  /** Simulated milliseconds. */
  readonly elapsedMs: number;
  /** What the controller committed, in order: each write and what the object was after it. */
  readonly writes: readonly string[];
}

interface Replica {
  readonly name: string;
  readonly life: ProcessLife;
}

const CRDS: readonly KubeObject[] = readdirSync(join(ROOT, 'crds')).map(
  (file) => parse(readFileSync(join(ROOT, 'crds', file), 'utf8')) as KubeObject,
);
const RESTART_AFTER_MS = 4_000;
/** Time that a healed world has to come to its end. */
const HEALED_LIMIT_MS = 1_500_000;
const IDLE_MS = 600_000;
/** What a dead replica did not tell is taken over after two minutes, and recorded within another two. */
const SETTLE_MS = 320_000;

export class World {
  readonly clock: VirtualClock;
  readonly api: ApiServer;
  readonly checkers: Checkers;
  readonly #wire: Wire;
  readonly #plan: Plan;
  readonly #source: Source;
  readonly #random: ReturnType<typeof seededRandom>;
  readonly #store: SimStore;
  readonly #effects: Effects;
  readonly #replicas: Replica[] = [];
  #isHealed = false;
  #names = 0;
  readonly #writes: string[] = [];
  readonly calls: string[] = [];

  constructor(source: Source, plan: Plan, wire: Wire = openDirectWire()) {
    this.#wire = wire;
    this.clock = wire.clock;
    this.#plan = plan;
    this.#source = source;
    this.#random = seededRandom(plan.seed);
    this.api = createApiServer({
      clock: this.clock,
      random: this.#random,
      kinds: ['istio'],
      requireFence: (user) => user.startsWith('serin'),
      isTrackingUpdates: false,
      isKeepingUnknownFields: true,
    });
    this.#store = new SimStore(this.clock, this.#random);
    this.#store.faults = plan.queue ?? FAITHFUL;
    this.#effects = new Effects((effect) => (this.#isHealed ? null : plan.cut(effect)));
    this.checkers = new Checkers(this.api, this.clock, plan.scenario, (plan.skewMs ?? 0) > 2_000);
    this.api.onCommit(({ user, verb, kind, ref, subresource, after }) => {
      if (!user.startsWith('serin')) return;
      const path = [kind.kind, ref.namespace, ref.name, subresource].join('/');
      this.#writes.push(`${user} ${verb} ${path} ${JSON.stringify(after)}`);
    });
    this.#furnish();
  }

  #furnish(): void {
    for (const crd of CRDS) this.api.store.create(crd, { user: 'admin' });
    this.api.store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'web' } }, { user: 'admin' });
    startActors({
      store: this.api.store,
      clock: this.clock,
      random: this.#random,
      delayMs: 20,
      runner: openVirtualRunner({ clock: this.clock, readyAfterMs: 2_000, goneAfterMs: 500 }),
      hasEndpoints: false,
    });
    if (this.#plan.scenario.hasForeignRoute) this.api.store.create(foreignVirtualService(), { user: 'people' });
    this.api.store.create(targetDeployment('app:1'), { user: 'people' });
    // A Canary of the group that is not served: nobody may touch it, whatever the queue says.
    this.api.store.create(canaryObject('flagger.app'), { user: 'people' });
    this.#store.forgedKeys = ['flagger.app/web/shop', 'serin.dev/web/shop', 'serin.dev/web/nobody', '../../etc', ''];
  }

  /** Runs the plan to its end. */
  async run(): Promise<Outcome> {
    await this.#wire.open(this.api);
    for (let i = 0; i < this.#plan.replicas; i += 1) this.#boot();
    await this.clock.advance(5_000);
    this.api.store.create(canaryObject(), { user: 'people' });
    await this.#until(() => this.phase() === 'Initialized', 400_000, 'Initialized');
    this.checkers.begin();
    this.#arrange();
    const last = Math.max(...this.#plan.scenario.happenings.map(({ atMs }) => atMs));
    await this.clock.advance(last + 30_000);
    await this.#finish();
    for (const { life } of this.#replicas) life.die();
    await this.#wire.close();
    return {
      violations: this.checkers.violations,
      effects: this.#effects.seen,
      phase: this.phase(),
      events: this.checkers.events(),
      elapsedMs: this.clock.monotonicMs(),
      writes: this.#writes,
    };
  }

  /** Heals the world and waits for the end that the scenario defines, then for ten idle minutes without a write. */
  async #finish(): Promise<void> {
    await this.#until(
      () => this.#isEnded(),
      HEALED_LIMIT_MS,
      'an end',
      () => this.#heal(),
    );
    await this.clock.advance(SETTLE_MS);
    this.checkers.beginIdle();
    await this.clock.advance(IDLE_MS);
    this.checkers.end();
  }

  #heal(): void {
    this.#isHealed = true;
    this.#store.isUp = true;
    this.#store.faults = FAITHFUL;
    for (const { life } of this.#replicas) life.resume();
  }

  #isEnded(): boolean {
    const { end } = this.#plan.scenario;
    const canary = this.canary();
    if (canary === null) return true;
    if (end === null)
      return ['Succeeded', 'Failed', 'Initialized'].includes(this.phase()) && this.checkers.isCaughtUp();
    return this.phase() === end.phase && this.checkers.primaryImage() === end.primaryImage;
  }

  async #until(isDone: () => boolean, limitMs: number, what: string, halfway?: () => void): Promise<void> {
    const step = 1_000;
    for (let passed = 0; passed < limitMs; passed += step) {
      if (isDone() && (halfway === undefined || passed > 0)) return;
      if (halfway !== undefined && passed === 20_000) halfway();
      await this.clock.advance(step);
    }
    halfway?.();
    if (!isDone())
      this.checkers.violate(
        'L1',
        `${what} was not reached within ${limitMs / 1_000} s: phase is ${this.phase()} (${this.sentence()})`,
      );
  }

  #boot(): void {
    this.#names += 1;
    const name = `replica-${this.#names}`;
    const skewMs = (this.#random.next() - 0.5) * 2 * (this.#plan.skewMs ?? 0);
    const life = new ProcessLife(this.clock, skewMs);
    const replica = { name, life };
    this.#replicas.push(replica);
    life.onDeath(() => {
      this.#replicas.splice(this.#replicas.indexOf(replica), 1);
      this.#store.leave(life);
      this.clock.setTimer(RESTART_AFTER_MS, () => this.#boot());
    });
    const random = seededRandom(Math.floor(this.#random.next() * 2 ** 32));
    const parts = {
      wire: this.#wire,
      clock: this.clock,
      random,
      effects: this.#effects,
      life,
      user: `serin:${name}`,
      faults: () => this.#faults(),
    };
    const kube = this.#source.openKube({
      transport: simulatedTransport(parts),
      clock: life.clock,
      random,
      log: silentLog,
    });
    const http = simulatedHttp(parts, {
      metric: () =>
        this.checkers.metricAsked(this.#plan.scenario.metric(this.targetImage(), () => this.#random.next())),
      called: (host, request) => {
        this.calls.push(`${host} ${request.headers?.['Idempotency-Key'] ?? ''}`);
        this.checkers.called(request);
        return { status: 200, headers: {}, body: 'ok' };
      },
      nowMs: () => this.clock.nowMs(),
    });
    const loop = this.#source.composeLoop(settingsOf(this.#source), {
      clock: life.clock,
      random,
      log: silentLog,
      kube,
      http,
      queue: openSimQueue(this.#store, life),
      meters: NO_METERS,
      replica: name,
    });
    loop.start().catch((error: unknown) => {
      if (!life.isDead) this.checkers.violate('START', String(error));
    });
  }

  #faults(): NetworkFaults {
    return this.#isHealed ? NO_FAULTS : (this.#plan.network ?? NO_FAULTS);
  }

  /** Sets the happenings, and chaos, at their times. */
  #arrange(): void {
    for (const { atMs, what, value = '' } of this.#plan.scenario.happenings) {
      this.clock.setTimer(atMs, () => this.#happen(what, value));
    }
    const chaos = this.#plan.chaos ?? 0;
    for (let i = 0; i < chaos; i += 1) this.clock.setTimer(this.#random.next() * 150_000, () => this.#disturb());
  }

  #happen(what: string, value: string): void {
    if (what === 'image') {
      this.checkers.revision(value);
      this.api.store.mutate(
        DEPLOYMENT,
        'web',
        'shop',
        (draft) => {
          (
            draft['spec'] as { template: { spec: { containers: { image: string }[] } } }
          ).template.spec.containers[0]!.image = value;
        },
        { user: 'people' },
      );
    }
    if (what === 'delete-primary') this.api.store.remove(DEPLOYMENT, 'web', 'shop-primary', { user: 'people' });
    if (what === 'move-weight') this.#moveWeight();
    if (what === 'delete') this.api.store.remove(canaryKind('serin.dev'), 'web', 'shop', { user: 'people' });
  }

  /** Somebody edits the route by hand and gives the canary all traffic. */
  #moveWeight(): void {
    this.api.store.mutate(VIRTUAL_SERVICE, 'web', 'shop', moveWeights, { user: 'people' });
  }

  #disturb(): void {
    if (this.#isHealed) return;
    const draw = this.#random.next();
    const victim = this.#replicas[Math.floor(this.#random.next() * this.#replicas.length)];
    if (draw < 0.4) victim?.life.die();
    else if (draw < 0.7) victim?.life.pause(1_000 + this.#random.next() * 120_000);
    else if (draw < 0.85) this.#store.flush();
    else if (draw < 0.95) this.#outage();
    else this.api.endWatches();
  }

  #outage(): void {
    this.#store.isUp = false;
    this.#store.flush();
    this.clock.setTimer(this.#random.next() * 60_000, () => {
      this.#store.isUp = true;
    });
  }

  canary(): KubeObject | null {
    return this.api.store.get(canaryKind('serin.dev'), 'web', 'shop');
  }

  phase(): string {
    const status = this.canary()?.['status'] as { phase?: string } | undefined;
    return status?.phase ?? '';
  }

  sentence(): string {
    const status = this.canary()?.['status'] as { message?: string } | undefined;
    return status?.message ?? '';
  }

  targetImage(): string {
    return imageOf(this.api.store.get(DEPLOYMENT, 'web', 'shop'));
  }
}

function moveWeights(route: KubeObject): void {
  const spec = route['spec'] as { http?: { route?: { destination?: { host?: string }; weight?: number }[] }[] };
  for (const backend of (spec.http ?? []).flatMap((rule) => rule.route ?? [])) {
    const host = backend.destination?.host ?? '';
    if (host.startsWith('shop-canary')) backend.weight = 100;
    if (host.startsWith('shop-primary')) backend.weight = 0;
  }
}

/** The image of a Deployment's first container; empty when there is none. */
function imageOf(deployment: KubeObject | null): string {
  const spec = deployment?.['spec'] as { template?: { spec?: { containers?: { image?: string }[] } } } | undefined;
  return spec?.template?.spec?.containers?.[0]?.image ?? '';
}

const NO_METERS = {
  looked: () => undefined,
  decided: () => undefined,
  checked: () => undefined,
  ended: () => undefined,
  delivered: () => undefined,
  hooked: () => undefined,
  measured: () => undefined,
  followed: () => undefined,
  overdue: () => undefined,
  gone: () => undefined,
};

function settingsOf(source: Source): Parameters<Source['composeLoop']>[0] {
  const read = source.readSettings({
    args: ['--replica-count', '3', '--redis-url', 'redis://sim'],
    env: {},
    readFile: () => '',
  });
  if (read.kind === 'invalid') throw new Error(read.problems.join('; '));
  return read.settings;
}
