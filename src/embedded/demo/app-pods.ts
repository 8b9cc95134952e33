// The pods of the app: where the new revision serves its numbers, and what the primary runs.
import type { KubeObject } from '../../kube/contract.ts';
import { POD } from '../../kube/kinds.ts';
import { asPod, readySince } from '../actors/shapes.ts';
import type { ApiServer } from '../apiserver/server.ts';
import type { Scene } from './scene.ts';

/** Addresses of the numbers of the pods that run `image` as the canary. The primary runs it too once it is promoted. */
export function scrapeUrls(api: ApiServer, { namespace, name }: Scene, image: string): readonly string[] {
  return api.store.list(POD, namespace).flatMap((pod) => {
    const { annotations = {}, name: podName } = pod.metadata;
    const port = annotations['prometheus.io/port'];
    const ip = asPod(pod).status?.podIP;
    const isOurs = imageOf(pod) === image && !podName.startsWith(`${name}-primary-`);
    return isOurs && port !== undefined && ip !== undefined ? [`http://${ip}:${port}/metrics`] : [];
  });
}

const imageOf = (pod: KubeObject): string => asPod(pod).spec.containers[0]?.image ?? '';

/** Images that ready pods of the primary run. */
export function primaryImages(api: ApiServer, { namespace, name }: Scene): readonly string[] {
  const pods = api.store.list(POD, namespace).filter((pod) => pod.metadata.name.startsWith(`${name}-primary-`));
  return [...new Set(pods.filter((pod) => readySince(pod) !== null).map(imageOf))];
}
