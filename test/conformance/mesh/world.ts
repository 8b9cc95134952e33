// A cluster for tests of mesh providers: the real client over the embedded API server, with the vendors' schemas where they are present.
import type { StoreAccess } from '../../../src/embedded/apiserver/access.ts';
import type { KubeObject, ObjectRef } from '../../../src/kube/contract.ts';
import type { MeshDriver, MeshProvider, RouteFound, RouteRequest } from '../../../src/mesh/contract.ts';
import { hasVendorCrds, loadCrds } from '../../support/crd-validator.ts';
import type { EmbeddedKube } from '../../support/workload-kube.ts';
import { openEmbeddedKube } from '../../support/workload-kube.ts';

/** What a world is opened for. */
export interface WorldOf {
  readonly provider: MeshProvider;
  readonly routeRef: ObjectRef;
  readonly crds: readonly (readonly string[])[];
  readonly crdNames: readonly string[];
}

const WRITES = ['create', 'patch', 'apply', 'update', 'delete'];

/** What an exam does to a cluster behind the provider's back; the embedded server and a real one both can. */
export interface ClusterUnderExam {
  readonly api: {
    readonly store: Pick<StoreAccess, 'get' | 'create' | 'mutate' | 'remove'>;
    /** Unfenced writes (S11), where the server notes them. */
    readonly violations: readonly unknown[];
  };
  close(): Promise<void>;
}

/** A cluster with one provider at work. */
export interface ExamWorld {
  readonly embedded: ClusterUnderExam;
  readonly driver: MeshDriver;
  readonly written: KubeObject[];
  writes(): number;
  route(): KubeObject;
  read(request: RouteRequest): Promise<RouteFound>;
  ensure(request: RouteRequest, weightPercent: number, fence?: string | null): Promise<void>;
  write(request: RouteRequest, weightPercent: number, fence?: string | null): Promise<void>;
  put(objects: readonly KubeObject[]): void;
}

/** One within the process. */
export interface World extends ExamWorld {
  readonly embedded: EmbeddedKube;
}

/** Opens one within the process. */
export function openWorld(subject: WorldOf): World {
  const embedded = openEmbeddedKube();
  const { api, kube, requests } = embedded;
  api.store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, { user: 'someone' });
  if (subject.crdNames.length > 0 && hasVendorCrds()) {
    const used = loadCrds(subject.crds[0] ?? []).documents.filter(({ metadata }) =>
      subject.crdNames.includes(metadata.name),
    );
    for (const crd of used) api.store.create(withoutRules(crd), { user: 'vendor' });
  }
  const written: KubeObject[] = [];
  api.onCommit(({ user, after }) => {
    if (user === 'serin' && after !== null) written.push(after);
  });
  const driver = subject.provider.create(kube);
  const read = (request: RouteRequest): Promise<RouteFound> => driver.read(request);
  const { kind, name } = subject.routeRef;
  return {
    embedded,
    driver,
    written,
    read,
    writes: () => requests.filter(({ verb, user }) => user === 'serin' && WRITES.includes(verb)).length,
    route: () => api.store.get(kind, 'shop', name) as KubeObject,
    ensure: async (request, weightPercent, fence = null) =>
      driver.ensure(request, await read(request), { weightPercent, fence }),
    write: async (request, weightPercent, fence = null) =>
      driver.write(request, await read(request), { weightPercent, fence }),
    put(objects) {
      for (const object of objects) api.store.create(structuredClone(object), { user: 'someone' });
    },
  };
}

/** The CRD without CEL rules: what is written is checked against them by the validator, which knows what its evaluator cannot do. */
function withoutRules(crd: KubeObject): KubeObject {
  const text = JSON.stringify(crd, (key, value: unknown) => (key === 'x-kubernetes-validations' ? undefined : value));
  return JSON.parse(text) as KubeObject;
}
