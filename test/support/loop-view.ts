// What a person sees of a loop world: objects, status, conditions, Events, requests by serin, and whether the app was ever down.
import type { ApiServer } from '../../src/embedded/apiserver/server.ts';
import type { Commit, LoggedRequest } from '../../src/embedded/apiserver/types.ts';
import type { KubeObject, ResourceKind } from '../../src/kube/contract.ts';
import { canaryKind, DEPLOYMENT, POD, SERVICE } from '../../src/kube/kinds.ts';
import { isObject } from '../../src/util/json.ts';
import type { VirtualClock } from './virtual-clock.ts';

export const VIRTUAL_SERVICE: ResourceKind = {
  group: 'networking.istio.io',
  version: 'v1',
  kind: 'VirtualService',
  plural: 'virtualservices',
  namespaced: true,
};

/** A condition as stored. */
export interface ConditionSeen {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

/** A Canary's status as a reader finds it. */
export interface StatusSeen {
  readonly phase?: string;
  readonly canaryWeight?: number;
  readonly failedChecks?: number;
  readonly iterations?: number;
  readonly message?: string;
  readonly observedGeneration?: number;
  readonly lastAppliedSpec?: string;
  readonly lastPromotedSpec?: string;
  readonly conditions?: readonly ConditionSeen[];
  readonly trackedConfigs?: Readonly<Record<string, string>>;
  readonly history?: readonly { outcome: string; reason: string; images: readonly string[]; message: string }[];
  readonly outbox?: readonly { type: string; acks: readonly string[] }[];
  readonly lastHandledRequest?: { id: string; verb: string; outcome: string };
  readonly run?: Readonly<Record<string, unknown>> & { phase: string; run: Record<string, unknown> | null };
}

/** One Event as `kubectl get events` lists it, in the order of creation. */
export interface EventSeen {
  readonly reason: string;
  readonly type: string;
  readonly note: string;
  readonly canary: string;
  readonly apiVersion: string;
}

/** Status writes of one Canary within a second that no honest run needs. */
const STORM = 20;

/** Looking at a world. All times are virtual. */
export class LoopView {
  readonly clock: VirtualClock;
  readonly api: ApiServer;
  readonly requests: LoggedRequest[] = [];
  readonly commits: Commit[] = [];
  readonly eventsSeen: EventSeen[] = [];
  /** Moments at which a weight above zero, or the apex, led to no ready pod although there had been one. */
  readonly outages: string[] = [];
  /** `phase/weight` of the Canary web/shop, each time one of them changed. */
  readonly trail: string[] = [];
  /** Canaries whose status was written more than twenty times within a second: a loop that spins. */
  readonly storms = new Set<string>();
  readonly #recent = new Map<string, number[]>();
  #wasServed = new Set<string>();

  constructor(clock: VirtualClock, api: ApiServer) {
    this.clock = clock;
    this.api = api;
    api.onRequest((request) => {
      this.requests.push(request);
      this.#countWrite(request);
    });
    api.onCommit((commit) => this.#commit(commit));
  }

  #countWrite({ user, resource, verb, name }: LoggedRequest): void {
    if (!user.startsWith('serin') || verb !== 'update' || !resource.startsWith('canaries')) return;
    const nowMs = this.clock.monotonicMs();
    const times = [...(this.#recent.get(name ?? '') ?? []).filter((at) => nowMs - at < 1_000), nowMs];
    this.#recent.set(name ?? '', times);
    if (times.length > STORM) this.storms.add(`${name ?? ''} at ${Math.round(nowMs)} ms`);
  }

  #commit(commit: Commit): void {
    this.commits.push(commit);
    const { kind, after, ref } = commit;
    if (kind.kind === 'Event' && after !== null && commit.before === null) this.eventsSeen.push(eventOf(after));
    if (kind.kind === 'Canary' && after !== null && ref.name === 'shop') this.#follow(after);
    if (['Pod', 'Service', 'VirtualService'].includes(kind.kind)) this.#checkServed(ref.namespace ?? '');
  }

  #follow(canary: KubeObject): void {
    const status = (canary['status'] ?? {}) as StatusSeen;
    const word = `${status.run?.phase ?? status.phase ?? ''}/${status.canaryWeight ?? 0}`;
    if (this.trail.at(-1) !== word) this.trail.push(word);
  }

  /** Whoever calls the app now must find a ready pod: through the route's weights, or by the apex Service. */
  #checkServed(namespace: string): void {
    if (this.api.store.get(SERVICE, namespace, 'shop') === null) return;
    const hosts = this.destinations(namespace);
    for (const host of hosts) {
      const isServed = this.readyBehind(namespace, host) > 0;
      if (isServed) this.#wasServed.add(`${namespace}/shop`);
      else if (this.#wasServed.has(`${namespace}/shop`))
        this.outages.push(`at ${this.clock.monotonicMs()} ms Service ${namespace}/${host} had no ready pod`);
    }
  }

  /** Services that traffic for shop may reach now. */
  destinations(namespace = 'web'): readonly string[] {
    const route = this.api.store.get(VIRTUAL_SERVICE, namespace, 'shop');
    const spec = (route?.['spec'] ?? {}) as {
      http?: { route?: { destination: { host: string }; weight?: number }[] }[];
    };
    const routed = (spec.http ?? [])
      .flatMap((rule) => rule.route ?? [])
      .filter(({ destination, weight }) => weight !== 0 && destination.host.startsWith('shop'));
    return routed.length === 0 ? ['shop'] : [...new Set(routed.map(({ destination }) => destination.host))];
  }

  /** Ready pods that a Service selects. */
  readyBehind(namespace: string, service: string): number {
    const object = this.api.store.get(SERVICE, namespace, service);
    const selector = ((object?.['spec'] ?? {}) as { selector?: Record<string, string> }).selector ?? {};
    if (object === null || Object.keys(selector).length === 0) return 0;
    return this.api.store
      .list(POD, namespace)
      .filter((pod) => Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value))
      .filter(isReadyPod).length;
  }

  get(kind: ResourceKind, name: string, namespace = 'web'): KubeObject | null {
    return this.api.store.get(kind, namespace, name);
  }

  list(kind: ResourceKind, namespace = 'web'): readonly KubeObject[] {
    return this.api.store.list(kind, namespace);
  }

  canary(name = 'shop', group = 'serin.dev', namespace = 'web'): KubeObject | null {
    return this.api.store.get(canaryKind(group), namespace, name);
  }

  status(name = 'shop', group = 'serin.dev', namespace = 'web'): StatusSeen {
    return this.canary(name, group, namespace)?.['status'] ?? {};
  }

  /** Phase as reported; `inner` is the machine's own. */
  phase(name = 'shop', group = 'serin.dev'): string {
    return this.status(name, group).phase ?? '';
  }

  inner(name = 'shop', group = 'serin.dev'): string {
    return this.status(name, group).run?.phase ?? '';
  }

  condition(type: string, name = 'shop', group = 'serin.dev'): ConditionSeen | null {
    return this.status(name, group).conditions?.find((condition) => condition.type === type) ?? null;
  }

  /** Events about a Canary, as `reason: note`. */
  events(name = 'shop'): readonly string[] {
    return this.eventsSeen.filter(({ canary }) => canary === name).map(({ reason, note }) => `${reason}: ${note}`);
  }

  reasons(name = 'shop'): readonly string[] {
    return this.eventsSeen.filter(({ canary }) => canary === name).map(({ reason }) => reason);
  }

  /** The image of a Deployment; empty when there is none. */
  image(name: string, namespace = 'web'): string {
    const spec = (this.get(DEPLOYMENT, name, namespace)?.['spec'] ?? {}) as {
      template?: { spec?: { containers?: { image?: string }[] } };
    };
    return spec.template?.spec?.containers?.[0]?.image ?? '';
  }

  targetImage(): string {
    return this.image('shop');
  }

  replicasOf(name: string, namespace = 'web'): { asked: number; ready: number } {
    const object = this.get(DEPLOYMENT, name, namespace);
    const spec = (object?.['spec'] ?? {}) as { replicas?: number };
    const status = (object?.['status'] ?? {}) as { readyReplicas?: number };
    return { asked: spec.replicas ?? 0, ready: status.readyReplicas ?? 0 };
  }

  /** The canary's share that the VirtualService asks for; null when it names neither of the pair. */
  weight(namespace = 'web'): number | null {
    const spec = (this.get(VIRTUAL_SERVICE, 'shop', namespace)?.['spec'] ?? {}) as {
      http?: { route?: { destination: { host: string }; weight?: number }[] }[];
    };
    for (const rule of spec.http ?? []) {
      const canary = rule.route?.find(({ destination }) => destination.host.startsWith('shop-canary'));
      const primary = rule.route?.find(({ destination }) => destination.host.startsWith('shop-primary'));
      if (canary !== undefined || primary !== undefined)
        return canary?.weight ?? (primary === undefined ? 100 : 100 - (primary.weight ?? 100));
    }
    return null;
  }

  /** A place in the request log. */
  mark(): number {
    return this.requests.length;
  }

  /** Requests of serin since a mark, watches apart; `verb resource/subresource name`. */
  asked(mark = 0): readonly string[] {
    return this.#bySerin(mark, ({ verb }) => verb !== 'watch');
  }

  /** Writes that serin tried since a mark, refused ones too. */
  attempts(mark = 0): readonly string[] {
    return this.#bySerin(mark, ({ verb }) => WRITING.includes(verb));
  }

  /** Writes of serin since a mark that the server took. */
  writes(mark = 0): readonly string[] {
    return this.#bySerin(mark, ({ verb, status }) => WRITING.includes(verb) && status < 300);
  }

  #bySerin(mark: number, isMeant: (request: LoggedRequest) => boolean): readonly string[] {
    return this.requests
      .slice(mark)
      .filter((request) => request.user.startsWith('serin') && isMeant(request))
      .map(({ verb, resource, subresource, name }) =>
        `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`} ${name ?? ''}`.trim(),
      );
  }

  /** Writes objects as a person. */
  apply(object: KubeObject, user = 'people'): KubeObject {
    return this.api.store.create(object, { user });
  }

  /** Changes an object as a person. */
  change(kind: ResourceKind, name: string, edit: (draft: Draft) => void, options: ChangeOptions = {}): void {
    const { namespace = 'web', user = 'people', subresource } = options;
    this.api.store.mutate(kind, namespace, name, (draft) => edit(draft as Draft), {
      user,
      ...(subresource === undefined ? {} : { subresource }),
    });
  }

  changeCanary(edit: (draft: Draft) => void, name = 'shop', group = 'serin.dev'): void {
    this.change(canaryKind(group), name, edit);
  }

  changeStatus(edit: (draft: Draft) => void, name = 'shop', group = 'serin.dev'): void {
    this.change(canaryKind(group), name, edit, { subresource: 'status' });
  }

  setImage(image: string, name = 'shop', namespace = 'web'): void {
    this.change(
      DEPLOYMENT,
      name,
      (draft) => {
        (draft.spec as unknown as DeploymentSpec).template.spec.containers[0]!.image = image;
      },
      { namespace },
    );
  }

  /** The containers of a Deployment's pods begin to crash, as after a bad configuration: they are seen in CrashLoopBackOff. */
  crashPods(app: string, namespace = 'web'): void {
    for (const pod of this.api.store.list(POD, namespace).filter(({ metadata }) => metadata.labels?.['app'] === app)) {
      const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' };
      const edit = (draft: Draft): void => {
        draft.status['conditions'] = [{ type: 'Ready', status: 'False' }];
        draft.status['containerStatuses'] = [
          {
            name: 'app',
            ready: false,
            restartCount: 4,
            state: { waiting },
            lastState: { terminated: { exitCode: 1 } },
          },
        ];
      };
      this.change(POD, pod.metadata.name, edit, { namespace, user: 'kubelet', subresource: 'status' });
    }
  }

  remove(kind: ResourceKind, name: string, namespace = 'web'): void {
    this.api.store.remove(kind, namespace, name, { user: 'people' });
  }

  /** Runs the clock until the condition holds; fails with what the Canary says when it does not within the limit. */
  async until(what: string, isDone: () => boolean, limitMs = 300_000): Promise<void> {
    const untilMs = this.clock.monotonicMs() + limitMs;
    let alarm = false;
    const cancel = this.clock.setTimer(limitMs, () => {
      alarm = true;
    });
    await this.clock.runUntil(() => isDone() || alarm, limitMs + 1_000);
    cancel();
    if (isDone()) return;
    throw new Error(
      `Not within ${limitMs / 1_000} s (until ${untilMs}): ${what}. Trail ${this.trail.slice(-6).join(' ')}; ${JSON.stringify(this.status().conditions?.map(({ type, status, reason }) => [type, status, reason]))}; ${this.status().message ?? ''}`,
    );
  }

  untilPhase(phase: string, name = 'shop', limitMs = 300_000): Promise<void> {
    return this.until(`phase ${phase} of ${name}`, () => this.phase(name) === phase, limitMs);
  }

  untilPhaseOf(phase: string, group = 'serin.dev'): Promise<void> {
    return this.until(`phase ${phase} in group ${group}`, () => this.phase('shop', group) === phase);
  }

  untilInner(phase: string, limitMs = 300_000): Promise<void> {
    return this.until(`inner phase ${phase}`, () => this.inner() === phase, limitMs);
  }

  untilWeight(percent: number, limitMs = 300_000): Promise<void> {
    return this.until(`weight ${percent}`, () => this.weight() === percent, limitMs);
  }
}

/** An object under edit. */
export type Draft = KubeObject & { spec: Record<string, unknown>; status: Record<string, unknown> };

interface ChangeOptions {
  readonly namespace?: string;
  readonly user?: string;
  readonly subresource?: 'status' | 'scale';
}

interface DeploymentSpec {
  replicas?: number;
  template: { metadata: { labels: Record<string, string> }; spec: { containers: { image: string }[] } };
}

const WRITING: readonly string[] = ['create', 'update', 'patch', 'delete', 'deletecollection'];

function eventOf(event: KubeObject): EventSeen {
  // Events are stored in the older form and served in both.
  const regarding = [event['regarding'], event['involvedObject']].find(isObject) ?? {};
  return {
    reason: String(event['reason']),
    type: String(event['type']),
    note: String(event['note'] ?? event['message']),
    canary: String(regarding['name']),
    apiVersion: String(regarding['apiVersion']),
  };
}

function isReadyPod(pod: KubeObject): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  const { conditions = [] } = (pod['status'] ?? {}) as { conditions?: { type: string; status: string }[] };
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}
