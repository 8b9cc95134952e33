// The live weight of Gateway API beyond the route's status: time for proxies to follow, and whether the Gateways are programmed.
import type { Kube, ResourceKind } from '../kube/contract.ts';
import { refOf } from '../kube/kinds.ts';
import type { Clock } from '../util/clock.ts';
import type { LiveSeen, RouteFound, RouteRequest } from './contract.ts';
import { isGateway, parentsOf } from './gateway-status.ts';
import { objectsAt } from './members.ts';

/** A status says that the control plane has taken a version; its proxies had it 0.11 s after the write where that was measured. */
const SETTLE_MS = 1_000;
/** How long what a Gateway said is believed; many Canaries share one. */
const GATEWAY_MS = 30_000;
/** Until the first answer about a Gateway is in. */
const ASKED_MS = 500;

interface Known {
  /** Null while asked, where it may not be read, and where it does not say. */
  readonly isProgrammed: boolean | null;
  readonly isAnswered: boolean;
  readonly atMs: number;
}

/** Looks beyond the status of routes. */
export class GatewayLive {
  readonly #kube: Kube;
  readonly #clock: Clock;
  /** By Canary: since when this version of its route is reported as taken. */
  readonly #taken = new Map<string, { readonly version: string; readonly atMs: number }>();
  readonly #gateways = new Map<string, Known>();

  constructor(kube: Kube, clock: Clock) {
    this.#kube = kube;
    this.#clock = clock;
  }

  /** What is known by now; Gateways are read in the background. */
  see(request: RouteRequest, { seen, objects }: RouteFound, shouldAsk: boolean): LiveSeen {
    const { livePercent } = seen;
    if (!shouldAsk) return { livePercent };
    const key = request.owner.uid;
    if (typeof livePercent !== 'number') {
      this.#taken.delete(key);
      return { livePercent };
    }
    const [route = null] = objects.values();
    const version = `${route?.metadata.uid} ${route?.metadata.generation}`;
    const nowMs = this.#clock.monotonicMs();
    const known = this.#taken.get(key);
    const sinceMs = known?.version === version ? known.atMs : nowMs;
    this.#taken.set(key, { version, atMs: sinceMs });
    const leftMs = SETTLE_MS - (nowMs - sinceMs);
    if (leftMs > 0) return { livePercent: 'pending', pollMs: leftMs };
    // Only where pods wait for it: what a Gateway says changes nothing else.
    if (livePercent > 0 || route === null) return { livePercent };
    const gateways = parentsOf(route).filter(isGateway);
    const answers = gateways.map(({ namespace, name }) => this.#gateway(namespace, name, nowMs));
    if (answers.some(({ isAnswered }) => !isAnswered)) return { livePercent: 'pending', pollMs: ASKED_MS };
    return answers.some(({ isProgrammed }) => isProgrammed === false) ? { livePercent: 'unknown' } : { livePercent };
  }

  #gateway(namespace: string, name: string, nowMs: number): Known {
    const key = `${namespace}/${name}`;
    const known = this.#gateways.get(key);
    if (known !== undefined && nowMs - known.atMs < GATEWAY_MS) return known;
    const asked: Known = {
      isProgrammed: known?.isProgrammed ?? null,
      isAnswered: known?.isAnswered ?? false,
      atMs: nowMs,
    };
    this.#gateways.set(key, asked);
    void this.#ask(key, namespace, name);
    return asked;
  }

  /** Never throws: a Gateway that may not be read says nothing. */
  async #ask(key: string, namespace: string, name: string): Promise<void> {
    let isProgrammed: boolean | null = null;
    try {
      const kind = await this.#kube.client.discover('gateway.networking.k8s.io', 'Gateway', ['v1', 'v1beta1']);
      isProgrammed = kind === null ? null : await this.#read(kind, namespace, name);
    } catch {
      // Not readable: the route's own status has to do.
    }
    this.#gateways.set(key, { isProgrammed, isAnswered: true, atMs: this.#clock.monotonicMs() });
  }

  async #read(kind: ResourceKind, namespace: string, name: string): Promise<boolean | null> {
    const gateway = await this.#kube.client.get(refOf(kind, namespace, name));
    const condition = objectsAt(gateway, 'status', 'conditions').find(({ type }) => type === 'Programmed');
    return condition === undefined ? null : condition['status'] === 'True';
  }
}
