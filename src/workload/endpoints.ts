// What EndpointSlices say of a Service: a pod that a Deployment calls available is not yet one that proxies know of.
import type { KubeCache, KubeObject } from '../kube/contract.ts';
import { ENDPOINT_SLICE, SERVICE_NAME_LABEL } from '../kube/kinds.ts';
import { listOf, objectOf } from './fields.ts';

/**
 * Ready addresses that the slices of a Service hold; null when it has no slice (none is watched, or the cluster makes none). The EndpointSlice
 * controller may be a second behind the Deployment's status, because it tries again after a conflict with its own cache; proxies know
 * only its slices, and answer 503 for a backend without a ready address.
 */
export function readyEndpointsOf(
  cache: Pick<KubeCache, 'all'>,
  namespace: string | null,
  service: string,
): number | null {
  const slices = cache
    .all(ENDPOINT_SLICE, namespace)
    .filter(({ metadata }) => metadata.labels?.[SERVICE_NAME_LABEL] === service);
  if (slices.length === 0) return null;
  const ready = slices.flatMap((slice) => listOf(slice, 'endpoints').filter(isReady));
  // A pod is in two slices while it moves from one to the other, and in one for each family of addresses.
  return new Set(ready.map(nameOfEndpoint)).size;
}

/** No condition means ready, as the API has it. */
const isReady = (endpoint: Record<string, unknown>): boolean => objectOf(endpoint, 'conditions')['ready'] !== false;

function nameOfEndpoint(endpoint: Record<string, unknown>): string {
  const { uid } = objectOf(endpoint, 'targetRef');
  return typeof uid === 'string' ? uid : JSON.stringify(endpoint['addresses']);
}

/** Keeps the Service's name, and of each endpoint whose it is and whether it is ready. */
export function projectEndpointSlice({ apiVersion, kind, metadata, ...slice }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, labels = {} } = metadata;
  const service = labels[SERVICE_NAME_LABEL];
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      labels: service === undefined ? {} : { [SERVICE_NAME_LABEL]: service },
    },
    endpoints: listOf(slice, 'endpoints').map((endpoint) => {
      const { uid: target } = objectOf(endpoint, 'targetRef');
      const conditions = { ready: objectOf(endpoint, 'conditions')['ready'] };
      return target === undefined
        ? { addresses: endpoint['addresses'], conditions }
        : { targetRef: { uid: target }, conditions };
    }),
  };
}
