// CRDs that the tests of the installation need: of meshes from the shared folder, of the Prometheus Operator from its Go module, pinned by hash.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../../src/kube/contract.ts';
import type { KubeApi } from '../kube-api.ts';
import { waitFor } from '../waiting.ts';

const SHARED = fileURLToPath(new URL('../../../../shared/crds/', import.meta.url));
const OPERATOR = fileURLToPath(new URL('../go/prometheus-operator', import.meta.url));
const OPERATOR_MODULE = 'github.com/prometheus-operator/prometheus-operator';
const OPERATOR_KINDS = ['servicemonitors', 'podmonitors', 'prometheusrules'];
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const SERVED_MAX_MS = 60_000;

/** The CRDs of a mesh, by the name of its folder. */
export function meshCrds(folder: string): readonly KubeObject[] {
  const path = join(SHARED, folder);
  return readdirSync(path)
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) => crdsIn(join(path, name)));
}

/** ServiceMonitor, PodMonitor and PrometheusRule. Downloads the module once; Go checks its hash. */
export function operatorCrds(): readonly KubeObject[] {
  const version = new RegExp(`${OPERATOR_MODULE} (v\\S+)`).exec(readFileSync(join(OPERATOR, 'go.mod'), 'utf8'))?.[1];
  const args = ['-C', OPERATOR, 'mod', 'download', '-json', `${OPERATOR_MODULE}@${version ?? ''}`];
  const { status, stdout, stderr } = spawnSync('go', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Cannot download ${OPERATOR_MODULE}: ${stdout}${stderr}`);
  const { Dir: folder } = JSON.parse(stdout) as { Dir: string };
  return OPERATOR_KINDS.flatMap((kind) =>
    crdsIn(join(folder, `example/prometheus-operator-crd/monitoring.coreos.com_${kind}.yaml`)),
  );
}

/** Creates CRDs, and waits until they are served. */
export async function serveCrds(api: KubeApi, crds: readonly KubeObject[]): Promise<void> {
  for (const crd of crds) await api.apply(crd);
  const isServed = async ({ metadata }: KubeObject): Promise<boolean> => {
    const { conditions = [] } = ((await api.get(`${CRDS}/${metadata.name}`))?.['status'] ?? {}) as {
      conditions?: readonly { type: string; status: string }[];
    };
    return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
  };
  for (const crd of crds) await waitFor(`CRD ${crd.metadata.name}`, () => isServed(crd), SERVED_MAX_MS);
}

/** Deletes CRDs with everything of theirs. */
export async function removeCrds(api: KubeApi, crds: readonly KubeObject[]): Promise<void> {
  for (const { metadata } of crds)
    await api.remove(`${CRDS}/${metadata.name}`, { apiVersion: 'v1', kind: 'DeleteOptions' });
  for (const { metadata } of crds)
    await waitFor(
      `the end of CRD ${metadata.name}`,
      async () => (await api.get(`${CRDS}/${metadata.name}`)) === null,
      SERVED_MAX_MS,
    );
}

function crdsIn(path: string): readonly KubeObject[] {
  return parseAllDocuments(readFileSync(path, 'utf8'))
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object): object is KubeObject => object?.kind === 'CustomResourceDefinition')
    .map(modern);
}

interface OldSpec {
  readonly versions: readonly Record<string, unknown>[];
  readonly subresources?: unknown;
  readonly [member: string]: unknown;
}

/** A CRD of apiextensions v1beta1, which no server takes any more, as one of v1 that knows the kinds and not their fields. */
function modern(crd: KubeObject): KubeObject {
  if (crd.apiVersion !== 'apiextensions.k8s.io/v1beta1') return crd;
  const { group, names, scope, versions, subresources } = crd['spec'] as OldSpec;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const more = subresources === undefined ? { schema } : { schema, subresources };
  const spec = { group, names, scope, versions: versions.map((version) => ({ ...version, ...more })) };
  return { ...crd, apiVersion: 'apiextensions.k8s.io/v1', spec };
}
