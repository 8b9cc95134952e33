// Where the stories play: which manifests are applied on which mesh, what the app is called, and where clients knock.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { parseDurationMs } from '../../api/duration.ts';
import type { KubeObject } from '../../kube/contract.ts';
import type { MetricsAs } from '../actors/exposition.ts';
import type { DataPlaneMesh } from '../dataplane/start.ts';
import type { Entrance } from '../dataplane/table.ts';
import type { DemoOptions } from './options.ts';

/** The place of a demo. */
export interface Scene {
  /** In the order in which they are applied. */
  readonly manifests: readonly KubeObject[];
  readonly namespace: string;
  /** Name of the Deployment, of the Canary, and of the apex Service. */
  readonly name: string;
  readonly image: string;
  /** What clients call: a host for the gateway, the name of the Service for clients within the mesh. */
  readonly host: string;
  /** The Service of the canary, which has to be called by itself where there is no mesh; null elsewhere. */
  readonly canaryHost: string | null;
  readonly entrance: Entrance;
  readonly metricsAs: MetricsAs;
  readonly bounds: Bounds;
}

/** What the Canary asks of a revision. */
export interface Bounds {
  readonly successMinPercent: number;
  readonly durationMaxMs: number;
  /** Time over which both are measured. */
  readonly windowMs: number;
}

const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url));

const METRICS: Readonly<Record<DataPlaneMesh, MetricsAs>> = {
  kubernetes: 'app',
  istio: 'istio',
  'gateway-api': 'app',
  'appmesh-v1beta1': 'appmesh',
  'appmesh-v1beta2': 'appmesh',
  smi: 'osm',
};

/** Reads the scene from the examples. */
export function readScene({ mesh, protocol }: Pick<DemoOptions, 'mesh' | 'protocol'>): Scene {
  const manifests = filesOf(mesh, protocol).flatMap((file) => readManifests(EXAMPLES + file));
  const deployment = only(manifests, 'Deployment');
  const canary = only(manifests, 'Canary');
  const { name, namespace = 'default' } = canary.metadata;
  const spec = deployment['spec'] as { template: { spec: { containers: readonly { image: string }[] } } };
  const { hosts } = (canary['spec'] as { service: { hosts?: readonly string[] } }).service;
  const apex = `${name}.${namespace}`;
  return {
    manifests,
    namespace,
    name,
    image: spec.template.spec.containers[0]?.image ?? '',
    host: hosts?.[0] ?? apex,
    canaryHost: mesh === 'kubernetes' ? `${name}-canary.${namespace}` : null,
    entrance: mesh === 'gateway-api' ? 'gateway' : 'mesh',
    metricsAs: METRICS[mesh],
    bounds: boundsOf(canary),
  };
}

interface Metric {
  readonly name: string;
  readonly interval: string;
  readonly thresholdRange: { readonly min?: number; readonly max?: number };
}

function boundsOf(canary: KubeObject): Bounds {
  const { metrics } = (canary['spec'] as { analysis: { metrics: readonly Metric[] } }).analysis;
  const success = metrics.find(({ name }) => name === 'request-success-rate');
  const duration = metrics.find(({ name }) => name === 'request-duration');
  return {
    successMinPercent: success?.thresholdRange.min ?? 99,
    durationMaxMs: duration?.thresholdRange.max ?? 500,
    windowMs: parseDurationMs(success?.interval ?? '') ?? 2_000,
  };
}

/** The examples of a mesh, as `kubectl apply` would be given them. */
function filesOf(mesh: DataPlaneMesh, protocol: DemoOptions['protocol']): readonly string[] {
  if (protocol === 'http') return ['quickstart/app.yaml', `quickstart/${mesh}.yaml`];
  if (mesh === 'appmesh-v1beta1')
    return ['appmesh-grpc/app.yaml', 'appmesh-grpc/mesh.yaml', 'appmesh-grpc/canary.yaml'];
  return ['quickstart/grpc/app.yaml', `quickstart/grpc/${mesh}.yaml`];
}

function readManifests(path: string): readonly KubeObject[] {
  return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS() as KubeObject);
}

function only(manifests: readonly KubeObject[], kind: string): KubeObject {
  const found = manifests.find((object) => object.kind === kind);
  if (found === undefined) throw new TypeError(`Cannot play the scene: its manifests hold no ${kind}, must hold one`);
  return found;
}

/** The same image at a later version: `shop:1.0.0` and 2 give `shop:1.0.2`; `fault` is appended to the tag. */
export function laterImage({ image }: Scene, by: number, fault: string): string {
  const [, name = '', major = '', patch = ''] = /^(.*):(.*\.)(\d+)$/.exec(image) ?? [];
  return `${name}:${major}${Number(patch) + by}${fault === '' ? '' : `_${fault}`}`;
}
