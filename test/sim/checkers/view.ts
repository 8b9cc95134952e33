// What the checkers see of the cluster at a commit: the route's weights, the target, the primary and the stored state.
import type { ApiServer } from '../../../src/embedded/apiserver/server.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { canaryKind, CONTROLLER_REVISION, DEPLOYMENT, SERVICE } from '../../../src/kube/kinds.ts';

export const VIRTUAL_SERVICE = {
  group: 'networking.istio.io',
  version: 'v1',
  kind: 'VirtualService',
  plural: 'virtualservices',
  namespaced: true,
};

type Route = { destination?: { host?: string }; weight?: number };

/** Reads the store without any code of the controller. */
export class View {
  readonly #api: ApiServer;

  constructor(api: ApiServer) {
    this.#api = api;
  }

  target(): KubeObject | null {
    return this.#api.store.get(DEPLOYMENT, 'web', 'shop');
  }

  primary(): KubeObject | null {
    return this.#api.store.get(DEPLOYMENT, 'web', 'shop-primary');
  }

  route(): KubeObject | null {
    return this.#api.store.get(VIRTUAL_SERVICE, 'web', 'shop');
  }

  canary(): KubeObject | null {
    return this.#api.store.get(canaryKind('serin.dev'), 'web', 'shop');
  }

  apex(): KubeObject | null {
    return this.#api.store.get(SERVICE, 'web', 'shop');
  }

  pins(): readonly KubeObject[] {
    return this.#api.store.list(CONTROLLER_REVISION, 'web');
  }

  /** The stored state of the run record; empty before the first record. */
  state(canary: KubeObject | null = this.canary()): StoredRun {
    const status = (canary?.['status'] ?? {}) as { run?: StoredRun };
    return status.run ?? {};
  }
}

/** The members of status.run that the checkers judge by. */
export interface StoredRun {
  readonly phase?: string;
  readonly weightPercent?: number;
  readonly promotedRevision?: string | null;
  readonly seenRevision?: string | null;
  readonly fence?: string | null;
  readonly failure?: string | null;
  readonly isDrainPending?: boolean;
  readonly record?: number;
  readonly run?: {
    readonly id: string;
    readonly revision: string;
    readonly base: string | null;
    readonly number: number;
  } | null;
}

/** The canary's share that a VirtualService asks for; null when it names neither canary nor primary. */
export function weightOf(
  route: KubeObject | null,
): { readonly canary: number; readonly sum: number; readonly isWhole: boolean } | null {
  for (const rule of rulesOf(route)) {
    const routes = rule.route ?? [];
    const canary = routes.find(({ destination }) => destination?.host?.startsWith('shop-canary'));
    const primary = routes.find(({ destination }) => destination?.host?.startsWith('shop-primary'));
    if (canary === undefined && primary === undefined) continue;
    const weights = [
      canary?.weight ?? (primary === undefined ? 100 : 0),
      primary?.weight ?? (canary === undefined ? 100 : 0),
    ];
    return { canary: weights[0]!, sum: weights[0]! + weights[1]!, isWhole: weights.every(Number.isInteger) };
  }
  return null;
}

function rulesOf(route: KubeObject | null): { name?: string; route?: Route[] }[] {
  const spec = route?.['spec'] as { http?: { name?: string; route?: Route[] }[] } | undefined;
  return spec?.http ?? [];
}

/** Everything in a VirtualService that is not ours: the rules that name neither the apex nor our pair, and the rest of the spec. */
export function foreignPart(route: KubeObject | null): string {
  const spec = (route?.['spec'] ?? {}) as Record<string, unknown>;
  const rules = rulesOf(route).map((rule) => {
    const isOurs = (rule.route ?? []).some(({ destination }) =>
      /^shop(-primary|-canary)?$/.test(destination?.host ?? ''),
    );
    return isOurs ? { ...rule, route: 'ours' } : rule;
  });
  const annotations = Object.fromEntries(
    Object.entries(route?.metadata.annotations ?? {}).filter(([key]) => !key.includes('serin.dev')),
  );
  return JSON.stringify([{ ...spec, http: rules }, annotations, route?.metadata.labels ?? {}]);
}

/** Value of our fence on an object. */
export function fenceOf(object: KubeObject | null, uid: string): string | null {
  return object?.metadata.annotations?.[`fence.serin.dev/${uid}`] ?? null;
}

/** Numbers of a Deployment. */
export function countsOf(deployment: KubeObject | null): {
  readonly replicas: number;
  readonly ready: number;
  readonly isObserved: boolean;
} {
  const spec = (deployment?.['spec'] ?? {}) as { replicas?: number };
  const status = (deployment?.['status'] ?? {}) as {
    readyReplicas?: number;
    observedGeneration?: number;
    updatedReplicas?: number;
  };
  return {
    replicas: spec.replicas ?? 0,
    ready: status.readyReplicas ?? 0,
    isObserved: status.observedGeneration === deployment?.metadata.generation,
  };
}

/** A Deployment's pod template without what promotion rewrites: labels of selection, our annotations, names of config copies. */
export function templateOf(deployment: KubeObject | null): string {
  const spec = (deployment?.['spec'] ?? {}) as { template?: { spec?: unknown } };
  return JSON.stringify(spec.template?.spec ?? null);
}
