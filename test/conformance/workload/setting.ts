// What the workload exam is set in: a namespace with a Deployment, its configs and its autoscaler, and a Canary.
import { expect } from 'vitest';
import { aCanary, aCanaryObject } from '../../support/canary-fixtures.ts';
import type { Canary } from '../../../src/api/types.ts';
import type { OpenKube } from '../../../src/kube/connect.ts';
import type { KubeObject, PatchOperation, ResourceKind } from '../../../src/kube/contract.ts';
import { CONFIG_MAP, CRD, DEPLOYMENT, HPA, NAMESPACE, SECRET, canaryKind, refOf } from '../../../src/kube/kinds.ts';
import type {
  WorkloadContext,
  WorkloadDriver,
  WorkloadFound,
  WorkloadSettings,
} from '../../../src/workload/contract.ts';
import { deploymentProvider } from '../../../src/workload/deployment.ts';
import { fieldOf, listOf } from '../../../src/workload/fields.ts';
import { projections } from '../../../src/workload/projections.ts';

export const SETTINGS: WorkloadSettings = {
  selectorLabels: ['app', 'name', 'app.kubernetes.io/name'],
  includeLabelPrefixes: ['team'],
  isConfigTrackingOn: true,
};

export type Group = 'serin.dev' | 'flagger.app';

/** One Canary in a namespace of its own, with a driver on the real client and cache. */
export interface Setting {
  readonly kube: OpenKube;
  readonly driver: WorkloadDriver;
  readonly canary: Canary;
  readonly namespace: string;
  context(changes?: Partial<WorkloadContext>): WorkloadContext;
  /** Asks the server. */
  live(kind: ResourceKind, name: string): Promise<KubeObject>;
  exists(kind: ResourceKind, name: string): Promise<boolean>;
  create(kind: ResourceKind, object: Record<string, unknown>): Promise<KubeObject>;
  /** Edits an object as a user would. */
  edit(kind: ResourceKind, name: string, operations: readonly PatchOperation[]): Promise<void>;
}

export interface SettingOptions {
  readonly group?: Group;
  readonly name?: string;
  readonly spec?: Record<string, unknown>;
  readonly settings?: Partial<WorkloadSettings>;
  /** Watches kinds, projected, as the controller does; without it every read is live. */
  readonly isWatching?: boolean;
  readonly namespace?: string;
}

let count = 0;

/** Makes a namespace with the Canary in it. The target and what belongs to it are for the test to create. */
export async function makeSetting(kube: OpenKube, options: SettingOptions = {}): Promise<Setting> {
  const group = options.group ?? 'serin.dev';
  await ensureCrd(kube, group);
  count += 1;
  const namespace = options.namespace ?? `exam-${count}-${process.pid}`;
  if (options.namespace === undefined) {
    await kube.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, NAMESPACE);
  }
  const changes = {
    group,
    namespace,
    name: options.name ?? 'web',
    spec: { targetRef: { name: 'web' }, ...options.spec },
  };
  const wanted = aCanaryObject(changes);
  const { name } = wanted.metadata;
  const stored = await kube.client.create({ ...wanted, metadata: { name, namespace } }, canaryKind(group));
  const canary = aCanary({ ...changes, metadata: stored.metadata });
  const driver = deploymentProvider.create(kube, { ...SETTINGS, ...options.settings });
  if (options.isWatching ?? true) {
    for (const kind of [...(await driver.kinds(canary)), canaryKind(group)]) {
      const project = projections[kind.kind];
      await kube.cache.want(kind, { namespace, ...(project === undefined ? {} : { project }) });
    }
  }
  const live = async (kind: ResourceKind, object: string): Promise<KubeObject> => {
    const found = await kube.client.get(refOf(kind, namespace, object));
    expect(found, `${kind.kind} ${object} exists`).not.toBeNull();
    return found!;
  };
  return {
    kube,
    driver,
    canary,
    namespace,
    context: (context = {}) => ({ ...contextOf(canary), ...context }),
    live,
    exists: async (kind, object) => (await kube.client.get(refOf(kind, namespace, object))) !== null,
    create: (kind, object) =>
      kube.client.create({ ...object, metadata: { ...(object['metadata'] as object), namespace } } as KubeObject, kind),
    async edit(kind, object, operations) {
      const before = await live(kind, object);
      const version = {
        op: 'replace',
        path: '/metadata/resourceVersion',
        value: before.metadata.resourceVersion!,
      } as const;
      const after = await kube.client.patch(refOf(kind, namespace, object), [version, ...operations]);
      kube.cache.noteWrite(kind, after);
    },
  };
}

function contextOf(canary: Canary): WorkloadContext {
  return {
    runRevision: null,
    promotedRevision: null,
    isActive: false,
    shouldReadSecrets: true,
    knownDigests: {},
    primaryFloor: null,
    fenceKey: `fence.serin.dev/${canary.identity.uid}`,
  };
}

/** The Deployment `web` with two tracked configs, a probe, and rules that name its own pods. */
export function aTarget(
  changes: { name?: string; replicas?: number; image?: string; labels?: Record<string, string> } = {},
): Record<string, unknown> {
  const { name = 'web', replicas = 3, image = 'shop/web:1.0.0', labels = { app: name } } = changes;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      labels: { ...labels, team: 'checkout', tier: 'front' },
      annotations: { 'team/on-call': 'sam', note: 'x' },
    },
    spec: {
      replicas,
      minReadySeconds: 3,
      progressDeadlineSeconds: 60,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels: { ...labels, 'app.kubernetes.io/version': '1.0.0' },
          annotations: { 'prometheus.io/scrape': 'true' },
        },
        spec: {
          containers: [
            {
              name: 'web',
              image,
              ports: [{ name: 'http', containerPort: 8080 }],
              envFrom: [{ configMapRef: { name: 'settings' } }],
              volumeMounts: [{ name: 'keys', mountPath: '/keys' }],
            },
          ],
          volumes: [{ name: 'keys', secret: { secretName: 'keys' } }],
        },
      },
    },
  };
}

/** Creates target, configs and, with `hpa`, its autoscaler. */
export async function deploy(
  setting: Setting,
  changes: { replicas?: number; image?: string; hpa?: { min: number; max: number } } = {},
): Promise<void> {
  await setting.create(CONFIG_MAP, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings' },
    data: { COLOR: 'blue' },
    binaryData: { logo: 'AAEC' },
  });
  await setting.create(SECRET, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'keys' },
    type: 'Opaque',
    data: { token: 'c2VjcmV0' },
  });
  if (changes.hpa !== undefined) await setting.create(HPA, anAutoscaler(changes.hpa));
  await setting.create(DEPLOYMENT, aTarget(changes));
}

export function anAutoscaler({ min, max }: { min: number; max: number }): Record<string, unknown> {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', labels: { team: 'checkout' } },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: min,
      maxReplicas: max,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
    },
  };
}

export function aService(
  name: string,
  spec: Record<string, unknown>,
  metadata: Record<string, unknown> = {},
): Record<string, unknown> {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, ...metadata }, spec };
}

/** Looks, pins and makes Services and primary, as an initialization does. Returns the revision. */
export async function initialize(setting: Setting, context: Partial<WorkloadContext> = {}): Promise<string> {
  const { driver, canary } = setting;
  const first = await driver.read(canary, setting.context(context));
  expect(first.problem).toBeNull();
  await driver.pin(canary, first);
  const revision = first.content!.revision;
  const second = await driver.read(canary, setting.context({ ...context, runRevision: revision }));
  await driver.ensureServices(canary, second);
  await driver.applyPrimary(canary, second, revision, '0/1');
  if (canary.autoscalerRef !== null)
    await driver.applyScaler(canary, second, { floor: null, copiesTarget: false }, null);
  return revision;
}

export const HPA_SPEC = {
  autoscalerRef: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', name: 'web' },
};
/** A member of an object's spec. */
export const spec = (object: KubeObject, ...path: string[]): unknown => fieldOf(object, 'spec', ...path);

/** One look of the driver. */
export async function look(setting: Setting, changes: Partial<WorkloadContext> = {}): Promise<WorkloadFound> {
  return setting.driver.read(setting.canary, setting.context(changes));
}

/** Names of the ConfigMaps and Secrets that a Deployment's pods mount. */
export function mounted(deployment: KubeObject): { settings: string; keys: string } {
  const [container] = listOf(deployment, 'spec', 'template', 'spec', 'containers');
  const [volume] = listOf(deployment, 'spec', 'template', 'spec', 'volumes');
  return {
    settings: String(fieldOf(listOf(container, 'envFrom')[0], 'configMapRef', 'name')),
    keys: String(fieldOf(volume, 'secret', 'secretName')),
  };
}

const defined = new WeakMap<OpenKube, Map<Group, Promise<void>>>();

function ensureCrd(kube: OpenKube, group: Group): Promise<void> {
  const known = defined.get(kube) ?? new Map<Group, Promise<void>>();
  defined.set(kube, known);
  const definition = known.get(group) ?? defineCanary(kube, group);
  known.set(group, definition);
  return definition;
}

async function defineCanary(kube: OpenKube, group: Group): Promise<void> {
  const name = `canaries.${group}`;
  if ((await kube.client.get(refOf(CRD, null, name))) === null) {
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural: 'canaries', singular: 'canary', kind: 'Canary', listKind: 'CanaryList' },
        versions: [{ name: 'v1beta1', served: true, storage: true, schema, subresources: { status: {} } }],
      },
    };
    await kube.client.create(crd, CRD);
  }
  // A real server serves a new kind a moment after its definition was stored.
  await expect
    .poll(
      () =>
        kube.client.list(canaryKind(group), 'default').then(
          () => true,
          () => false,
        ),
      { timeout: 10_000, interval: 100 },
    )
    .toBe(true);
}
