// Every mesh provider sits its exam on a real API server with the vendor's CRDs, which refuse any field that they do not know.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kube/contract.ts';
import { examineMesh } from '../conformance/mesh/exam.ts';
import type { MeshSubject } from '../conformance/mesh/subject.ts';
import { EXAMINED_SUBJECTS } from '../conformance/mesh/subjects.ts';
import type { ExamWorld } from '../conformance/mesh/world.ts';
import { hasVendorCrds, loadCrds, servableCrd } from '../support/crd-validator.ts';
import { CONTROL_PLANE_PARTS, startControlPlane, type ControlPlane } from './control-plane.ts';
import { openRealKube } from './real-kube.ts';
import { hasRealParts } from './suite.ts';
import { SyncStore, type ExamStore } from './sync-store.ts';
import { waitFor } from './waiting.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const EXAM_NAMESPACE = 'shop';

describe.skipIf(!hasRealParts(CONTROL_PLANE_PARTS) || !hasVendorCrds())('on a real API server', () => {
  let plane: ControlPlane;
  let store: SyncStore;

  beforeAll(async () => {
    plane = await startControlPlane();
    store = new SyncStore({ url: plane.url, caPem: plane.caPem, token: plane.tokenOf('admin') });
    store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: EXAM_NAMESPACE } });
  });
  afterAll(async () => {
    await store?.close();
    await plane?.stop();
  });

  for (const subject of EXAMINED_SUBJECTS) {
    describe(subject.provider.name, () => {
      const seen: KubeObject[] = [];
      let installed: readonly KubeObject[] = [];

      beforeAll(async () => {
        installed = await install(subject.crds[0] ?? []);
      });
      afterAll(async () => {
        await uninstall(installed);
      });

      examineMesh(subject, () => openRealWorld(subject, seen));

      it('has written what every release of the vendor takes', async () => {
        expect(seen.length).toBeGreaterThan(10);
        for (const files of subject.crds.slice(1)) {
          await uninstall(installed);
          installed = await install(files);
          for (const object of distinct(seen)) expect(tryAgain(object), JSON.stringify(object)).toBe(201);
        }
      });
    });
  }

  async function install(files: readonly string[]): Promise<readonly KubeObject[]> {
    const crds = loadCrds(files).documents.map((crd) => servedWhole(servableCrd(crd)));
    for (const crd of crds) store.create(crd);
    const isServed = (crd: KubeObject): boolean =>
      versionsOf(crd).every(({ root, path }) => [root, path].every((asked) => store.ask('GET', asked).status === 200));
    for (const crd of crds) await waitFor(`${crd.metadata.name} to be served`, () => isServed(crd), 30_000);
    return crds;
  }

  async function uninstall(crds: readonly KubeObject[]): Promise<void> {
    for (const { metadata } of crds) store.ask('DELETE', `${CRDS}/${metadata.name}`);
    const isGone = ({ metadata }: KubeObject): boolean => store.ask('GET', `${CRDS}/${metadata.name}`).status === 404;
    for (const crd of crds) await waitFor(`${crd.metadata.name} to be gone`, () => isGone(crd), 30_000);
  }

  /** A world like that of the embedded server: nothing in it but what the exam puts there. */
  function openRealWorld(subject: MeshSubject, seen: KubeObject[]): ExamWorld {
    for (const crd of loadCrds(subject.crds[0] ?? []).documents) {
      const [version] = versionsOf(servableCrd(crd));
      if (version !== undefined) store.ask('DELETE', version.objects);
    }
    const kube = openRealKube(plane);
    const { transport } = kube;
    const driver = subject.provider.create(kube);
    const { kind, name } = subject.routeRef;
    // What others have touched is not only the provider's any more.
    let isOurs = true;
    const shared = <Answer>(change: () => Answer): Answer => {
      isOurs = false;
      return change();
    };
    const touched: ExamStore = {
      get: (...place) => store.get(...place),
      create: (object) => shared(() => store.create(object)),
      mutate: (...change) => shared(() => store.mutate(...change)),
      remove: (kind, namespace, name) => store.remove(kind, namespace, name),
    };
    const close = async (): Promise<void> => {
      if (isOurs) seen.push(...transport.written);
      await kube.close();
    };
    return {
      embedded: { api: { store: touched, violations: [] }, close },
      driver,
      written: transport.written,
      writes: () => transport.writes(),
      route: () => store.get(kind, EXAM_NAMESPACE, name)!,
      read: (request) => driver.read(request),
      ensure: async (request, weightPercent, fence = null) =>
        driver.ensure(request, await driver.read(request), { weightPercent, fence }),
      write: async (request, weightPercent, fence = null) =>
        driver.write(request, await driver.read(request), { weightPercent, fence }),
      put: (objects) => {
        for (const object of objects) touched.create(structuredClone(object));
      },
    };
  }

  /** With which status the server would take the object once more. */
  function tryAgain(object: KubeObject): number {
    const { name, namespace, labels, annotations, ownerReferences } = object.metadata;
    const metadata = { name: `${name}-again`, namespace, labels, annotations, ownerReferences };
    const { status: _status, ...rest } = object;
    return store.tryCreate({ ...rest, metadata } as KubeObject).status;
  }
});

/** The CRD with all its versions served: a release that has given one up still says what it takes. */
function servedWhole(crd: KubeObject): KubeObject {
  const spec = crd['spec'] as { versions: readonly object[] };
  return { ...crd, spec: { ...spec, versions: spec.versions.map((version) => ({ ...version, served: true })) } };
}

/** Where the served versions of a CRD are: what is told of them, all objects, and those of the exam's namespace. */
function versionsOf(
  crd: KubeObject,
): readonly { readonly root: string; readonly path: string; readonly objects: string }[] {
  const { group, names, versions, scope } = crd['spec'] as {
    group: string;
    names: { plural: string };
    scope: string;
    versions: readonly { name: string; served: boolean }[];
  };
  return versions
    .filter(({ served }) => served)
    .map(({ name }) => {
      const root = `/apis/${group}/${name}`;
      const place = scope === 'Namespaced' ? `/namespaces/${EXAM_NAMESPACE}` : '';
      return { root, path: `${root}/${names.plural}`, objects: `${root}${place}/${names.plural}` };
    });
}

/** Objects that differ in more than what the server sets. */
function distinct(objects: readonly KubeObject[]): readonly KubeObject[] {
  const byContent = new Map<string, KubeObject>();
  for (const object of objects) {
    const { labels, annotations, name } = object.metadata;
    byContent.set(JSON.stringify([object.kind, name, labels, annotations, object['spec']]), object);
  }
  return [...byContent.values()];
}
