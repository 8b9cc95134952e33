// The life of a Canary on a real API server: taken over, promoted, promoted with new configs, rolled back, deleted.
import type { KubeObject } from '../../../src/kube/contract.ts';
import { configObject, shopCanary, shopDeployment } from '../../support/loop-fixtures.ts';
import type { KubeApi } from '../kube-api.ts';
import { waitFor } from '../waiting.ts';

/** Which Canary lives. */
export interface Life {
  /** Its namespace, and what it is called in errors. */
  readonly namespace: string;
  readonly group: 'serin.dev' | 'flagger.app';
  readonly provider: string;
  readonly service?: Readonly<Record<string, unknown>>;
  readonly analysis?: Readonly<Record<string, unknown>>;
}

/** Revisions of such an image are bad: what is asked of Prometheus says so. */
export const BAD_IMAGE = 'app:bad';
const PHASE_MAX_MS = 240_000;

const POD_SPEC = {
  volumes: [
    { name: 'config', configMap: { name: 'settings' } },
    { name: 'secret', secret: { secretName: 'password' } },
  ],
};
const AUTOSCALER = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', name: 'shop' };

/** Lives it. Throws when a phase does not come, with what the Canary says instead. */
export async function live(api: KubeApi, life: Life, metricsServer: string): Promise<void> {
  const { namespace, group } = life;
  const path = `/apis/${group}/v1beta1/namespaces/${namespace}/canaries/shop`;
  const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/shop`;
  const setImage = async (image: string): Promise<void> => {
    const json = [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: image }];
    await api.patch(deployment, json, 'application/json-patch+json');
  };
  /** Until the Canary rests so, with the primary on this image. */
  const rests = async (phase: string, image: string): Promise<void> => {
    let said = '';
    const isSo = async (): Promise<boolean> => {
      const status = ((await api.get(path))?.['status'] ?? {}) as Record<string, unknown>;
      said = `${String(status['phase'])}: ${String(status['message'])}`;
      return status['phase'] === phase && imageOf(await api.get(`${deployment}-primary`)) === image;
    };
    await waitFor(() => `${phase} of ${namespace} on ${image}, which says ${said}`, isSo, PHASE_MAX_MS);
  };

  await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  for (const object of furnishing(namespace)) await api.apply(object);
  await api.apply(shopDeployment('app:1', { namespace, podSpec: POD_SPEC }));
  await api.apply(canaryOf(life, metricsServer));
  await rests('Initialized', 'app:1');
  await setImage('app:2');
  await rests('Succeeded', 'app:2');
  for (const kind of ['ConfigMap', 'Secret'] as const)
    await api.apply(
      inNamespace(configObject(kind, kind === 'Secret' ? 'password' : 'settings', { a: '2' }), namespace),
    );
  await setImage('app:3');
  await rests('Succeeded', 'app:3');
  await setImage(BAD_IMAGE);
  await rests('Failed', 'app:3');
  // The copy of the autoscaler goes with the reference.
  await api.patch(path, { spec: { autoscalerRef: null } });
  await setImage('app:4');
  await rests('Succeeded', 'app:4');
}

const imageOf = (object: KubeObject | null): string | undefined =>
  (object?.['spec'] as { template: { spec: { containers: { image: string }[] } } } | undefined)?.template.spec
    .containers[0]?.image;

/** Deletes a Canary, and waits until the target has everything back. */
export async function leave(api: KubeApi, { namespace, group }: Life): Promise<void> {
  const path = `/apis/${group}/v1beta1/namespaces/${namespace}/canaries/shop`;
  await api.remove(path, { apiVersion: 'v1', kind: 'DeleteOptions' });
  await waitFor(`the end of the Canary in ${namespace}`, async () => (await api.get(path)) === null, PHASE_MAX_MS);
  await expectReleased(api, namespace);
}

/** The target serves by itself, and what was made for the Canary is gone. */
export async function expectReleased(api: KubeApi, namespace: string): Promise<void> {
  const apps = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const replicas = (object: KubeObject | null): unknown => (object?.['spec'] as { replicas?: number })?.replicas;
  if (replicas(await api.get(`${apps}/shop`)) !== 2)
    throw new Error(`The target in ${namespace} has not its pods back`);
  const isGone = async (): Promise<boolean> => (await api.get(`${apps}/shop-primary`)) === null;
  await waitFor(`the end of the primary in ${namespace}`, isGone, PHASE_MAX_MS);
}

function furnishing(namespace: string): readonly KubeObject[] {
  const autoscaler = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'shop', namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' },
      minReplicas: 2,
      maxReplicas: 4,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
    },
  };
  return [
    inNamespace(configObject('ConfigMap', 'settings', { a: '1' }), namespace),
    inNamespace(configObject('Secret', 'password', { b: '1' }), namespace),
    autoscaler,
  ];
}

const inNamespace = (object: KubeObject, namespace: string): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace },
});

function canaryOf(
  { namespace, group, provider, service = {}, analysis = {} }: Life,
  metricsServer: string,
): KubeObject {
  const steps = { interval: group === 'serin.dev' ? '1s' : '10s', threshold: 1, stepWeight: 50, maxWeight: 50 };
  const metrics = [
    { name: 'errors', interval: '30s', thresholdRange: { max: 1 }, query: `errors_${namespace.replaceAll('-', '_')}` },
  ];
  return shopCanary({
    group,
    namespace,
    spec: { provider, metricsServer, service, autoscalerRef: AUTOSCALER },
    analysis: { ...steps, metrics, ...analysis },
  });
}
