// What istiod's debug endpoint answers, read: which push each proxy has acknowledged, and what its routes say of one Canary.
import type { RouteRequest } from './contract.ts';
import { numberAt, objectsAt, textAt } from './members.ts';
import { isHostOf } from './names.ts';
import { isObject } from '../util/json.ts';
import { timeOf } from '../util/time.ts';

/** HTTP is routed in RouteConfigurations (RDS), TCP in listeners (LDS). */
export type XdsType = 'RDS' | 'LDS';

/** One connected proxy: the nonce of what was last sent to it, and of what it last acknowledged. Null for a type that it does not ask for. */
export interface ProxySync {
  readonly proxy: string;
  readonly RDS: Exchange | null;
  readonly LDS: Exchange | null;
}

/** Equal nonces: the proxy has taken what was sent. */
export interface Exchange {
  readonly sent: string;
  readonly acked: string;
}

/** What one proxy does with the traffic of a Canary. */
export interface ProxyRoutes {
  /** The canary's shares, 0 to 100, in the lists of weighted clusters that hold it. istiod leaves out destinations of weight 0. */
  readonly canaryShares: readonly number[];
  /** The primary is in some list. */
  readonly hasPrimary: boolean;
}

/** The answer of `/debug/syncz`; null when it is none. */
export function readSyncz(body: unknown): readonly ProxySync[] | null {
  if (!Array.isArray(body)) return null;
  return objectsAt(body).map((entry) => {
    const exchange = (type: string): Exchange | null => {
      const sent = textAt(entry, `${type}_sent`) ?? '';
      return sent === '' ? null : { sent, acked: textAt(entry, `${type}_acked`) ?? '' };
    };
    return { proxy: textAt(entry, 'proxy') ?? '', RDS: exchange('route'), LDS: exchange('listener') };
  });
}

/** Length of the UUID at the end of a nonce. */
const UUID_LENGTH = 36;

/** One push of one istiod: pushes compare by time, then by their number. */
export interface Push {
  readonly atMs: number;
  readonly number: number;
}

/** The push that a nonce belongs to: `<RFC 3339 time>/<number of the push><UUID>`; null when it is written in another way. */
export function pushOf(nonce: string): Push | null {
  const [time = '', number = ''] = nonce.slice(0, -UUID_LENGTH).split('/');
  const push = { atMs: timeOf(time), number: /^\d+$/.test(number) ? Number(number) : Number.NaN };
  return Number.isNaN(push.atMs) || Number.isNaN(push.number) ? null : push;
}

/** True when `a` is `b` or comes after it. */
export function isSince(a: Push, b: Push): boolean {
  return a.atMs > b.atMs || (a.atMs === b.atMs && a.number >= b.number);
}

/** What `/debug/config_dump?types=` says of the Canary; null when it is no dump. */
export function readRoutes(body: unknown, request: RouteRequest): ProxyRoutes | null {
  if (!isObject(body)) return null;
  const lists: (readonly Weighted[])[] = [];
  for (const config of objectsAt(body, 'configs')) collect(config, request, lists);
  const ours = lists
    .map((list) => ({
      total: sum(list),
      canary: sum(list.filter(({ host }) => isRole(host, 'canary', request))),
      list,
    }))
    .filter(({ total }) => total > 0);
  return {
    canaryShares: ours.filter(({ canary }) => canary > 0).map(({ total, canary }) => (100 * canary) / total),
    hasPrimary: ours.some(({ list }) => list.some(({ host }) => isRole(host, 'primary', request))),
  };
}

interface Weighted {
  readonly host: string;
  readonly weight: number;
}

const sum = (list: readonly Weighted[]): number => list.reduce((total, { weight }) => total + weight, 0);

const isRole = (host: string, role: 'primary' | 'canary', { names, owner }: RouteRequest): boolean =>
  isHostOf(host, names[role], owner.namespace);

/** Walks a RouteConfiguration or Listener down to its routes and TCP proxies. */
function collect(node: unknown, request: RouteRequest, lists: (readonly Weighted[])[]): void {
  if (Array.isArray(node)) {
    for (const item of node as readonly unknown[]) collect(item, request, lists);
    return;
  }
  if (!isObject(node) || isOthers(node, request)) return;
  const weighted = objectsAt(node, 'weightedClusters', 'clusters');
  if (weighted.length > 0) {
    lists.push(
      weighted.map((cluster) => ({
        host: hostOf(textAt(cluster, 'name') ?? ''),
        weight: numberAt(cluster, 'weight') ?? 0,
      })),
    );
  } else if (isObject(node['route'])) {
    const cluster = textAt(node, 'route', 'cluster');
    if (cluster !== null) lists.push([{ host: hostOf(cluster), weight: 1 }]);
  }
  for (const member of Object.values(node)) collect(member, request, lists);
}

/** A virtual host of the primary's or the canary's own Service, or a route that another VirtualService made. */
function isOthers(node: Readonly<Record<string, unknown>>, request: RouteRequest): boolean {
  if (Array.isArray(node['routes'])) {
    const [host = ''] = (textAt(node, 'name') ?? '').split(':');
    return isRole(host, 'primary', request) || isRole(host, 'canary', request);
  }
  // A delegate's rules carry the name of the VirtualService that leads to it.
  const origin = textAt(node, 'metadata', 'filterMetadata', 'istio', 'config');
  if (origin === null || request.service.delegation) return false;
  return !origin.endsWith(`/namespaces/${request.owner.namespace}/virtual-service/${request.names.apex}`);
}

/** The host of a cluster: `outbound|<port>|<subset>|<host>`. */
const hostOf = (cluster: string): string => cluster.split('|')[3] ?? '';

/** The generation of a VirtualService that istiod holds, from `/debug/configz`; null when it holds none or tells none. */
export function readGeneration(body: unknown, namespace: string, name: string): number | null {
  const found = objectsAt(body).find(
    (config) =>
      config['kind'] === 'VirtualService' &&
      textAt(config, 'metadata', 'namespace') === namespace &&
      textAt(config, 'metadata', 'name') === name,
  );
  return numberAt(found, 'metadata', 'generation');
}
