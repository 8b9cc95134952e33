// The CRDs that the stand's control plane serves: those of the vendors and our own.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../../src/kube/contract.ts';
import type { KubeApi } from '../kube-api.ts';
import { waitFor } from '../waiting.ts';

const VENDORS = fileURLToPath(new URL('../../../../shared/crds/', import.meta.url));
const OURS = fileURLToPath(new URL('../../../crds/', import.meta.url));
/** The experimental channel holds the standard one, and kinds and versions that Contour asks for. */
const FOLDERS = ['istio', 'gateway-api-experimental', 'contour'] as const;
const ESTABLISHED_MAX_MS = 60_000;

/** Creates them and waits until all are served. */
export async function installCrds(api: KubeApi): Promise<void> {
  const files = FOLDERS.flatMap((folder) => filesIn(`${VENDORS}${folder}/`));
  const ours = filesIn(OURS).filter((path) => path.includes('/serin.dev_'));
  const crds = [...files, ...ours].flatMap(readCrds);
  for (const crd of crds) await api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
  await waitFor(
    'served CRDs',
    async () => {
      const found = await api.list('/apis/apiextensions.k8s.io/v1/customresourcedefinitions');
      return found.every(isEstablished) && found.length === crds.length;
    },
    ESTABLISHED_MAX_MS,
  );
}

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => folder + name);

function readCrds(path: string): readonly KubeObject[] {
  return parseAllDocuments(readFileSync(path, 'utf8'))
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object): object is KubeObject => object?.kind === 'CustomResourceDefinition');
}

function isEstablished(crd: KubeObject): boolean {
  const { conditions = [] } = (crd['status'] ?? {}) as { conditions?: readonly { type: string; status: string }[] };
  return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
}
