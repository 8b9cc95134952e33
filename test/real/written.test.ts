// What the whole controller writes in simulated histories is taken by a real API server under our own CRDs, unknown fields forbidden.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { KubeObject } from '../../src/kube/contract.ts';
import { CORPUS, runPlan, seedPlan } from '../sim/run.ts';
import { canaryObject } from '../sim/scenarios.ts';
import { loadSource, ROOT } from '../sim/source.ts';
import { hasVendorCrds, loadCrds } from '../support/crd-validator.ts';
import { CONTROL_PLANE_PARTS, startControlPlane, type ControlPlane } from './control-plane.ts';
import { hasRealParts } from './suite.ts';
import { SyncStore } from './sync-store.ts';
import { waitFor } from './waiting.ts';

const CANARIES = '/apis/serin.dev/v1beta1/namespaces/web/canaries';
/** The simulation's Deployment carries a member from the future, to show that it survives; no server of today takes it. */
const FROM_THE_FUTURE = 'x-future';

describe.skipIf(!hasRealParts(CONTROL_PLANE_PARTS) || !hasVendorCrds())('what the controller writes', async () => {
  const source = await loadSource();
  let plane: ControlPlane;
  let store: SyncStore;

  beforeAll(async () => {
    plane = await startControlPlane();
    store = new SyncStore({ url: plane.url, caPem: plane.caPem, token: plane.tokenOf('admin') });
    store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'web' } });
    for (const file of readdirSync(join(ROOT, 'crds'))) {
      store.create(parse(readFileSync(join(ROOT, 'crds', file), 'utf8')) as KubeObject);
    }
    for (const crd of loadCrds(['istio/crd-all.gen.yaml']).documents) store.create(crd);
    for (const path of [CANARIES, '/apis/networking.istio.io/v1/virtualservices']) {
      await waitFor(path, () => store.ask('GET', path).status === 200, 30_000);
    }
  });
  afterAll(async () => {
    await store?.close();
    await plane?.stop();
  });

  it('is accepted, object by object, and so is every status', async () => {
    const objects = new Map<string, KubeObject>();
    for (const seed of CORPUS) {
      const { outcome } = await runPlan(source, `seed ${seed}`, seedPlan(seed));
      for (const write of outcome.writes) {
        const object = objectOf(write);
        if (object !== null) objects.set(JSON.stringify([object.kind, object.metadata.name, object]), object);
      }
    }
    const made = store.create(canaryObject());
    const kinds = new Map<string, number>();
    for (const object of objects.values()) {
      kinds.set(object.kind, (kinds.get(object.kind) ?? 0) + 1);
      const isCanary = object.kind === 'Canary';
      const answer = isCanary ? putStatus(made, object) : create(object);
      expect(answer.text, `${object.kind}: ${JSON.stringify(object)}`).not.toContain('"status":"Failure"');
      expect(answer.status).toBe(isCanary ? 200 : 201);
    }
    const written = [
      'Canary',
      'ControllerRevision',
      'Deployment',
      'DestinationRule',
      'Event',
      'Service',
      'VirtualService',
    ];
    expect([...kinds.keys()].toSorted()).toEqual(written);
    expect(kinds.get('Canary')).toBeGreaterThan(100);
  });

  /** Nothing comes of it: the server only says what it would do. */
  function create(object: KubeObject): { readonly status: number; readonly text: string } {
    return store.tryCreate(object);
  }

  function putStatus(made: KubeObject, canary: KubeObject): { readonly status: number; readonly text: string } {
    const path = `${CANARIES}/${made.metadata.name}/status?dryRun=All&fieldValidation=Strict`;
    return store.ask('PUT', path, { ...made, status: canary['status'] });
  }
});

/** The object of a write as a user could put it there: without what only a server sets. Null for a deletion. */
function objectOf(write: string): KubeObject | null {
  const object = JSON.parse(
    write.slice(write.indexOf('{') < 0 ? write.lastIndexOf(' ') : write.indexOf('{')),
  ) as KubeObject | null;
  if (object === null) return null;
  const { name, namespace, labels, annotations, ownerReferences } = object.metadata;
  const members = object.kind === 'Canary' ? {} : { status: undefined };
  const metadata = { name, namespace, labels, annotations, ownerReferences };
  const text = JSON.stringify({ ...object, ...members, metadata }, (key, value: unknown) =>
    key === FROM_THE_FUTURE || key === 'clusterIP' || key === 'clusterIPs' ? undefined : value,
  );
  return JSON.parse(text) as KubeObject;
}
