// Pods of the target and the primary: which are whose, which are of the newest template, and where they serve metrics.
import type { KubeCache, KubeObject } from '../kube/contract.ts';
import { DEPLOYMENT, POD, REPLICA_SET } from '../kube/kinds.ts';
import type { ScrapeTarget } from '../metrics/contract.ts';
import type { WorkloadFound } from './contract.ts';
import { listOf, textOf } from './fields.ts';
import { controllerOf } from './names.ts';
import { isAllUpdated, isObserved } from './readiness.ts';
import { objectIn } from './writes.ts';

/** The annotation by which the Deployment controller numbers ReplicaSets; the Deployment carries the newest number. */
const NUMBER_ANNOTATION = 'deployment.kubernetes.io/revision';

/** The pods of one Deployment, as far as they are watched. */
export interface PodsSeen {
  readonly all: readonly KubeObject[];
  /** Those of the newest template; empty while it cannot be told which they are. */
  readonly newest: readonly KubeObject[];
}

/** Pods belong to a Deployment through their ReplicaSet. */
export function podsOf(cache: Pick<KubeCache, 'all'>, deployment: KubeObject): PodsSeen {
  const namespace = deployment.metadata.namespace ?? null;
  const sets = cache.all(REPLICA_SET, namespace).filter((set) => controllerOf(set)?.uid === deployment.metadata.uid);
  const uids = new Set(sets.map((set) => set.metadata.uid));
  const all = cache.all(POD, namespace).filter((pod) => {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return false;
    return sets.length > 0 ? uids.has(owner.uid) : deploymentNameOf(pod) === deployment.metadata.name;
  });
  return { all, newest: newestOf(deployment, sets, all) };
}

/**
 * The newest ReplicaSet has the Deployment's own number; where ReplicaSets are not watched, the condition Progressing
 * names it. Where neither tells, all pods count as newest once none is of an older template.
 */
function newestOf(
  deployment: KubeObject,
  sets: readonly KubeObject[],
  all: readonly KubeObject[],
): readonly KubeObject[] {
  if (!isObserved(deployment)) return [];
  const number = deployment.metadata.annotations?.[NUMBER_ANNOTATION];
  const numbered = sets.find((set) => number !== undefined && set.metadata.annotations?.[NUMBER_ANNOTATION] === number);
  const name = numbered?.metadata.name ?? (sets.length > 0 ? null : progressingSet(deployment));
  const named = all.filter((pod) => controllerOf(pod)?.name === name);
  return named.length === 0 && isAllUpdated(deployment) ? all : named;
}

/** `ReplicaSet "web-5d4f" is progressing.` and its kin: the name in quotes is that of the newest. */
function progressingSet(deployment: KubeObject): string | null {
  const condition = listOf(deployment, 'status', 'conditions').find(({ type }) => type === 'Progressing');
  return /"([^"]+)"/.exec(textOf(condition, 'message'))?.[1] ?? null;
}

/** The Deployment that a pod belongs to by name (its ReplicaSet is `<deployment>-<pod-template-hash>`); null when it is not of one. */
export function deploymentNameOf(pod: KubeObject): string | null {
  const owner = controllerOf(pod);
  const hash = pod.metadata.labels?.['pod-template-hash'];
  if (owner?.kind !== 'ReplicaSet' || hash === undefined || !owner.name.endsWith(`-${hash}`)) return null;
  return owner.name.slice(0, -(hash.length + 1));
}

/**
 * Where the running pods of target and primary serve metrics: `defaults` unless the annotations prometheus.io/port,
 * /path and /scheme say otherwise. Only pods of these two Deployments are named, and of the target only those of its
 * newest template, so that a verdict is never taken from a revision that was there before.
 */
export function scrapeTargets(
  cache: Pick<KubeCache, 'all'>,
  found: WorkloadFound,
  names: { readonly target: string; readonly primary: string },
  defaults: { readonly port: number; readonly path: string },
): readonly ScrapeTarget[] {
  const targets: ScrapeTarget[] = [];
  for (const [role, name] of [
    ['primary', names.primary],
    ['canary', names.target],
  ] as const) {
    const deployment = objectIn(found, DEPLOYMENT, name);
    if (deployment === null) continue;
    const { all, newest } = podsOf(cache, deployment);
    for (const pod of role === 'canary' ? newest : all) {
      const url = scrapeUrlOf(pod, defaults);
      if (url !== null) targets.push({ uid: pod.metadata.uid ?? pod.metadata.name, role, url });
    }
  }
  return targets.toSorted((a, b) => a.role.localeCompare(b.role) || a.uid.localeCompare(b.uid));
}

function scrapeUrlOf(pod: KubeObject, defaults: { readonly port: number; readonly path: string }): string | null {
  const ip = textOf(pod, 'status', 'podIP');
  if (ip === '' || textOf(pod, 'status', 'phase') !== 'Running' || pod.metadata.deletionTimestamp !== undefined)
    return null;
  const annotation = (key: string): string => pod.metadata.annotations?.[`prometheus.io/${key}`] ?? '';
  const port = /^\d{1,5}$/.test(annotation('port')) ? Number(annotation('port')) : defaults.port;
  if (port < 1 || port > 65_535) return null;
  const path = annotation('path') === '' ? defaults.path : annotation('path');
  const scheme = annotation('scheme') === 'https' ? 'https' : 'http';
  const url = URL.parse(`${scheme}://${ip.includes(':') ? `[${ip}]` : ip}:${port}`);
  if (url === null) return null;
  const [pathname, query] = splitOnce(path.startsWith('/') ? path : `/${path}`, '?');
  url.pathname = pathname;
  url.search = query;
  return url.href;
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
