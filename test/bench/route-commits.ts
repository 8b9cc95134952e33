// Every weight that a VirtualService was given, and when: read off the store, as the data plane would.
import type { ApiServer } from '../../src/embedded/apiserver/server.ts';
import type { KubeObject } from '../../src/kube/contract.ts';

/** The canary's share from a moment on; monotonic milliseconds. */
export interface WeightCommit {
  readonly atMs: number;
  readonly percent: number;
}

/** Weights by the name of the route. Ends with the server. */
export function followRoutes(api: ApiServer): ReadonlyMap<string, readonly WeightCommit[]> {
  const commits = new Map<string, WeightCommit[]>();
  api.onCommit(({ kind, ref, after }) => {
    if (kind.kind !== 'VirtualService' || after === null) return;
    const known = commits.get(ref.name) ?? [];
    commits.set(ref.name, known);
    const percent = canaryPercent(after);
    if (known.at(-1)?.percent !== percent) known.push({ atMs: performance.now(), percent });
  });
  return commits;
}

function canaryPercent(route: KubeObject): number {
  const spec = route['spec'] as { http?: { route?: { destination?: { host?: string }; weight?: number }[] }[] };
  const backends = (spec.http ?? []).flatMap((rule) => rule.route ?? []);
  return backends.find(({ destination }) => destination?.host?.endsWith('-canary') === true)?.weight ?? 0;
}
