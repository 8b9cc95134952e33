// What the proxies really have: the canary's weight in the routes that Envoy was given, read from Envoy itself.
import { isObject } from '../../../src/util/json.ts';

/**
 * The weight of the canary of an app in Envoy's routes, in percent; 0 where all traffic has one backend that is not the canary; null where the
 * app has no route. Istio names clusters `outbound|80||web-canary.ns.svc.cluster.local`, Contour `ns/web-canary/80/hash`.
 */
export async function liveWeight(admin: string, namespace: string, name: string): Promise<number | null> {
  const answer = await fetch(`${admin}/config_dump?resource=dynamic_route_configs`);
  const dump: unknown = await answer.json();
  const ours = new RegExp(
    `(\\|\\|${name}(-primary|-canary)?\\.${namespace}\\.|^${namespace}/${name}(-primary|-canary)?/)`,
  );
  const weights = actionsOf(dump).flatMap((action) => weightOf(action, ours));
  return weights[0] ?? null;
}

type Action = Readonly<Record<string, unknown>>;

/** All route actions, wherever they stand. */
function actionsOf(value: unknown): readonly Action[] {
  if (Array.isArray(value)) return value.flatMap(actionsOf);
  if (!isObject(value)) return [];
  const isAction = 'cluster' in value || 'weighted_clusters' in value;
  return [...(isAction ? [value] : []), ...Object.values(value).flatMap(actionsOf)];
}

interface Weighted {
  readonly clusters: readonly { readonly name: string; readonly weight?: number }[];
}

function weightOf(action: Action, ours: RegExp): readonly number[] {
  const { cluster, weighted_clusters: weighted } = action;
  if (typeof cluster === 'string') return ours.test(cluster) ? [isCanary(cluster, ours) ? 100 : 0] : [];
  const { clusters = [] } = (weighted ?? {}) as Partial<Weighted>;
  const own = clusters.filter((one) => ours.test(one.name));
  const sum = own.reduce((total, { weight = 0 }) => total + weight, 0);
  const canary = own.filter((one) => isCanary(one.name, ours)).reduce((total, { weight = 0 }) => total + weight, 0);
  return sum === 0 ? [] : [(100 * canary) / sum];
}

/** The apex is no canary: it stands for whoever serves. */
function isCanary(cluster: string, ours: RegExp): boolean {
  const [, , a, b] = ours.exec(cluster) ?? [];
  return (a ?? b) === '-canary';
}
