// Finds Canaries in the cluster: in the group asked for or in whichever holds them, with a hint where a name is a slip.
import { RefusedError, UnsupportedError } from '../errors.ts';
import { nearMatch } from '../config/near-match.ts';
import type { ConnectedKube } from '../kube/connect.ts';
import type { CallOptions, KubeObject, ResourceKind } from '../kube/contract.ts';
import { CANARY_GROUPS, canaryKind, refOf } from '../kube/kinds.ts';
import type { CanaryGroup } from '../kube/kinds.ts';
import type { CliContext } from './context.ts';
import type { ClusterFlags, TargetFlags } from './flags.ts';

/** A Canary and its kind. */
export interface FoundCanary {
  readonly kind: ResourceKind;
  readonly namespace: string;
  readonly name: string;
  readonly object: KubeObject;
}

/** Runs `work` on the cluster that the flags mean, and closes the connections after it. */
export async function withCluster<T>(
  context: CliContext,
  flags: ClusterFlags,
  work: (kube: ConnectedKube) => Promise<T>,
): Promise<T> {
  const kube = await context.connect({
    clock: context.clock,
    random: context.random,
    kubeconfigPath: flags.kubeconfig,
    context: flags.context,
  });
  try {
    return await work(kube);
  } finally {
    await kube.close();
  }
}

/** The namespace of the flags, of the context, or `default`. */
export function namespaceOf(kube: ConnectedKube, flags: TargetFlags): string {
  return flags.namespace ?? kube.namespace ?? 'default';
}

/** The kinds named Canary that the cluster serves, serin.dev first. Throws UnsupportedError CAPABILITY_KIND when there is none. */
export async function servedKinds(
  kube: ConnectedKube,
  group: CanaryGroup | undefined,
): Promise<readonly ResourceKind[]> {
  const groups = group === undefined ? CANARY_GROUPS : [group];
  const served: ResourceKind[] = [];
  for (const one of groups) {
    const { kind, version } = canaryKind(one);
    const found = await kube.client.discover(one, kind, [version]);
    if (found !== null) served.push(found);
  }
  if (served.length > 0) return served;
  throw new UnsupportedError(
    'CAPABILITY_KIND',
    `Cannot find Canaries: the cluster serves none of ${groups.map((one) => `canaries.${one}`).join(', ')}; install the CustomResourceDefinitions of serin`,
  );
}

/** The Canary. Throws RefusedError 404 with the nearest name when there is none, RefusedError 403 when it may not be read. */
export async function findCanary(
  kube: ConnectedKube,
  name: string,
  flags: TargetFlags,
  options: CallOptions,
): Promise<FoundCanary> {
  const namespace = namespaceOf(kube, flags);
  const kinds = await servedKinds(kube, flags.group);
  let unread = '';
  for (const [index, kind] of kinds.entries()) {
    try {
      const object = await kube.client.get(refOf(kind, namespace, name), options);
      if (object !== null) return { kind, namespace, name, object };
    } catch (error) {
      // The group asked for first has said that it has none: that counts, a second one that may not be read is only mentioned.
      if (index === 0 || !(error instanceof RefusedError)) throw error;
      unread = `, and canaries.${kind.group} may not be read`;
    }
  }
  const hint = await nearName(kube, kinds, namespace, name, options);
  throw new RefusedError(404, `Cannot find Canary "${namespace}/${name}": there is none of that name${unread}${hint}`);
}

/** `; must perhaps be "web"`, or nothing where no name is near or names may not be listed. */
async function nearName(
  kube: ConnectedKube,
  kinds: readonly ResourceKind[],
  namespace: string,
  name: string,
  options: CallOptions,
): Promise<string> {
  const names: string[] = [];
  for (const kind of kinds) {
    try {
      const list = await kube.client.list(kind, namespace, options);
      names.push(...list.items.map((item) => item.metadata.name));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
    }
  }
  const near = nearMatch(name, names);
  return near === null ? '' : `; must perhaps be "${near}"`;
}

/** `canary.serin.dev/web`: as kubectl names what it speaks of. */
export function shownName(canary: Pick<FoundCanary, 'kind' | 'name'>): string {
  return `canary.${canary.kind.group}/${canary.name}`;
}
