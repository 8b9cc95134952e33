// SMI's TrafficSplit v1alpha2: traffic to the root Service is divided among Services by relative weights.
import type { KubeObject, ResourceKind } from '../../kube/contract.ts';
import { numberAt, objectsAt, textAt } from './read.ts';
import type { Rule } from './table.ts';
import { NO_CHANGES, hostMatcher, parseHost } from './table.ts';
import type { RouteReader } from './view.ts';

const TRAFFIC_SPLIT: ResourceKind = {
  group: 'split.smi-spec.io',
  version: 'v1alpha2',
  kind: 'TrafficSplit',
  plural: 'trafficsplits',
  namespaced: true,
};

/** Reads SMI's splits. */
export const smiReader: RouteReader = {
  kinds: [TRAFFIC_SPLIT],
  read: (store) => store.list(TRAFFIC_SPLIT, null).map(ruleOf),
};

function ruleOf(split: KubeObject): Rule {
  const namespace = split.metadata.namespace ?? '';
  return {
    origin: `TrafficSplit ${namespace}/${split.metadata.name}`,
    via: ['mesh'],
    // A split without matches knows no protocol.
    carries: 'both',
    isFor: hostMatcher(textAt(split, 'spec', 'service') ?? '', namespace),
    matches: () => true,
    backends: objectsAt(split, 'spec', 'backends').map((backend) => ({
      service: parseHost(textAt(backend, 'service') ?? '', namespace).service,
      port: null,
      labels: null,
      weight: numberAt(backend, 'weight') ?? 0,
      headers: NO_CHANGES,
    })),
    headers: NO_CHANGES,
    timeoutMs: null,
    rewrite: null,
  };
}
