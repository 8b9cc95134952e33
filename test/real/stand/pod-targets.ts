// Tells Prometheus where the pods are: Debian's build of it has no discovery of Kubernetes, so a file stands in for that.
import { renameSync, writeFileSync } from 'node:fs';
import type { KubeObject } from '../../../src/kube/contract.ts';
import type { KubeApi } from '../kube-api.ts';

/** Keeps the file of targets as the pods are, until the signal aborts. Which pods and by which labels is what the example configuration of Prometheus does with annotations. */
export async function followPods(api: KubeApi, path: string, signal: AbortSignal): Promise<void> {
  const groups = new Map<string, unknown>();
  const write = (): void => {
    writeFileSync(`${path}.partial`, JSON.stringify([...groups.values()]));
    renameSync(`${path}.partial`, path);
  };
  write();
  await api.watch('/api/v1/pods', signal, ({ type, object }) => {
    const uid = object.metadata.uid ?? '';
    const group = type === 'DELETED' ? null : groupOf(object);
    if (JSON.stringify(group) === JSON.stringify(groups.get(uid) ?? null)) return;
    if (group === null) groups.delete(uid);
    else groups.set(uid, group);
    write();
  });
}

function groupOf({ metadata, ...pod }: KubeObject): unknown {
  const { annotations = {}, namespace, name } = metadata;
  const { podIP, phase } = (pod['status'] ?? {}) as { podIP?: string; phase?: string };
  if (annotations['prometheus.io/scrape'] !== 'true' || phase !== 'Running' || podIP === undefined) return null;
  return {
    targets: [`${podIP}:${annotations['prometheus.io/port'] ?? '8080'}`],
    labels: { kubernetes_namespace: namespace, kubernetes_pod_name: name },
  };
}
