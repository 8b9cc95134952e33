// One look: capacity, problems, Secrets that are not read for nothing, and primaries that Flagger made.
import { describe, expect, it } from 'vitest';
import { aCanary } from '../../support/canary-fixtures.ts';
import { SETTINGS, aTarget, anAutoscaler } from '../../conformance/workload/setting.ts';
import { RefusedError, TransientError } from '../../../src/errors.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import type { WorkloadContext, WorkloadDriver, WorkloadFound } from '../../../src/workload/contract.ts';
import { deploymentProvider } from '../../../src/workload/deployment.ts';
import { listOf, objectOf } from '../../../src/workload/fields.ts';
import { buildPrimary } from '../../../src/workload/primary.ts';
import { littleKube, stored } from './little-kube.ts';
import type { LittleKube } from './little-kube.ts';

const canary = aCanary();
const settings = stored({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings' },
  data: { COLOR: 'blue' },
});
const keys = stored({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'keys' },
  type: 'Opaque',
  data: { token: 'YQ==' },
});
const owned = (object: KubeObject, uid = canary.identity.uid): KubeObject => ({
  ...object,
  metadata: {
    ...object.metadata,
    ownerReferences: [{ apiVersion: 'serin.dev/v1beta1', kind: 'Canary', name: 'web', uid, controller: true }],
  },
});
const target = (changes: Parameters<typeof aTarget>[0] = {}): KubeObject => stored(aTarget(changes));
const primary = (replicas: number): KubeObject => {
  const object = target({ name: 'web-primary', replicas });
  const spec = { ...objectOf(object, 'spec'), selector: { matchLabels: { app: 'web-primary' } } };
  return owned({ ...object, spec, metadata: { ...object.metadata, annotations: { 'serin.dev/revision': 'v1-old' } } });
};

function look(
  kube: LittleKube,
  context: Partial<WorkloadContext> = {},
  who = canary,
  driver?: WorkloadDriver,
): Promise<WorkloadFound> {
  return (driver ?? deploymentProvider.create(kube, SETTINGS)).read(who, {
    runRevision: null,
    promotedRevision: null,
    isActive: false,
    shouldReadSecrets: true,
    knownDigests: {},
    primaryFloor: null,
    fenceKey: 'fence.serin.dev/x',
    ...context,
  });
}

describe('capacity', () => {
  const withHpa = aCanary({
    spec: { autoscalerRef: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', name: 'web' } },
  });
  const hpa = (min: number): KubeObject => stored(anAutoscaler({ min, max: 9 }));

  it.each<[string, KubeObject[], Partial<WorkloadContext>, { target: number; primary: number }]>([
    ['the target as it stands', [target({ replicas: 2 })], {}, { target: 2, primary: 2 }],
    ['nothing known', [target({ replicas: 0 })], {}, { target: 1, primary: 1 }],
    ['as many as the primary', [target({ replicas: 0 }), primary(5)], {}, { target: 5, primary: 5 }],
    ['what the run must not fall below', [target({ replicas: 2 })], { primaryFloor: 7 }, { target: 2, primary: 7 }],
  ])('%s', async (_, objects, context, expected) => {
    expect((await look(littleKube(settings, keys, ...objects), context)).capacity).toEqual(expected);
  });

  it('is the minimum of the autoscaler when that is above 1', async () => {
    const objects = [settings, keys, target({ replicas: 0 }), primary(5)];
    expect((await look(littleKube(...objects, hpa(3)), {}, withHpa)).capacity.target).toBe(3);
    expect((await look(littleKube(...objects, hpa(1)), {}, withHpa)).capacity.target).toBe(5);
  });
});

describe('Secrets', () => {
  const known = { 'secret/keys': 'abc' };

  it('are not asked for while their digests are known', async () => {
    const kube = littleKube(settings, keys, target());
    const found = await look(kube, { shouldReadSecrets: false, knownDigests: known });
    expect(kube.asked).toEqual([]);
    expect(found.configs.digests['secret/keys']).toBe('abc');
    await look(kube, { shouldReadSecrets: true, knownDigests: known });
    expect(kube.asked).toEqual(['Secret shop/keys']);
  });

  it('that are new are read whatever is said, and those that are not tracked only once', async () => {
    const kube = littleKube(settings, { ...keys, type: 'kubernetes.io/dockerconfigjson' }, target());
    const driver = deploymentProvider.create(kube, SETTINGS);
    for (const _ of [1, 2, 3]) {
      const found = await look(kube, { shouldReadSecrets: false }, canary, driver);
      expect(Object.keys(found.configs.digests)).toEqual(['configmap/settings']);
    }
    expect(kube.asked).toEqual(['Secret shop/keys']);
  });

  it('that cannot be read are missing, never unchanged, and end no look (U22)', async () => {
    const kube = littleKube(settings, keys, target(), primary(3));
    for (const failure of [
      new TransientError('IO_TIMEOUT', 'Cannot read: timed out'),
      new RefusedError(403, 'Cannot read: forbidden'),
    ]) {
      kube.failure = failure;
      const found = await look(kube, { knownDigests: known });
      expect(found.content).toBeNull();
      expect(found.target?.revision).toBeNull();
      expect(found.configs.missing).toBe(`secret/keys cannot be read: ${failure.message}`);
      expect(found.primary?.replicas).toBe(3);
    }
  });

  it('are left alone when the Canary or the controller says so', async () => {
    const kube = littleKube(settings, keys, target());
    const found = await look(kube, {}, { ...canary, secretTracking: 'off' });
    expect(Object.keys(found.configs.digests)).toEqual(['configmap/settings']);
    const off = deploymentProvider.create(kube, { ...SETTINGS, isConfigTrackingOn: false });
    expect((await look(kube, {}, canary, off)).configs).toEqual({ digests: {}, missing: null, objects: [] });
    expect(kube.asked).toEqual([]);
  });
});

describe('problems', () => {
  const problemOf = async (objects: KubeObject[], who = canary): Promise<string> => {
    const { problem } = await look(littleKube(settings, keys, ...objects), {}, who);
    return problem === null ? 'none' : `${problem.reason}: ${problem.message}`;
  };

  it('name the labels that were looked for', async () => {
    expect(await problemOf([target({ labels: { component: 'web' } })])).toBe(
      'SelectorLabelMissing: Cannot tell the pods of Deployment shop/web: its selector has the labels component, one of app, name, app.kubernetes.io/name must be there (setting --selector-labels)',
    );
  });

  it('are none for several labels, unless the one that counts is on the pods of another Deployment', async () => {
    const several = target({ labels: { app: 'shop', component: 'web' } });
    expect(await problemOf([several])).toBe('none');
    const database = target({ name: 'db', labels: { app: 'shop', component: 'db' } });
    expect(await problemOf([several, database])).toMatch(
      /^SelectorAmbiguous: .*app=shop is also on the pods of Deployment db/,
    );
  });

  it('are names that grow too long, and a target that is a primary', async () => {
    const name = 'w'.repeat(56);
    const long = { ...canary, targetRef: { ...canary.targetRef, name } };
    expect(await problemOf([target({ name })], long)).toMatch(
      /^NameTooLong: Cannot make Deployment "w+-primary": the name has 64 characters, 63 are allowed/,
    );
    expect(await problemOf([target({ labels: { app: 'w'.repeat(60) } })])).toMatch(/^NameTooLong: Cannot label/);
    expect(await problemOf([owned(target())])).toMatch(/^TargetIsPrimary/);
  });

  it('are a primary of another owner, and one whose selector cannot be what it must', async () => {
    expect(await problemOf([target(), owned(primary(1), 'other')])).toMatch(
      /^PrimaryTaken: .*Canary web \(uid other\)/,
    );
    const odd = primary(1);
    expect(
      await problemOf([
        target(),
        { ...odd, spec: { ...objectOf(odd, 'spec'), selector: { matchLabels: { app: 'x' } } } },
      ]),
    ).toMatch(/^PrimarySelectorDiffers/);
  });

  it('are none when the target is gone: the primary still tells where traffic goes', async () => {
    const found = await look(littleKube(settings, primary(3)));
    expect(found).toMatchObject({ problem: null, target: null, content: null, targetFacts: null });
    expect(found.route?.workloads).toMatchObject({
      selectorLabel: 'app',
      targetValue: 'web',
      primaryValue: 'web-primary',
    });
  });
});

describe('a primary that Flagger made', () => {
  const flagger = aCanary({ group: 'flagger.app' });
  const copies = [settings, keys].map((object) =>
    owned({ ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-primary` } }),
  );
  const byFlagger = (image: string): KubeObject => {
    const template = objectOf(target({ image }), 'spec', 'template');
    const pinned = { revision: 'x', template: template as never, configs: {}, canarySpec: {} };
    const made = buildPrimary(pinned, target(), 3, {
      canary: flagger,
      label: { label: 'app', targetValue: 'web', primaryValue: 'web-primary' },
      selectorLabels: SETTINGS.selectorLabels,
      includeLabelPrefixes: [],
      configNames: { 'configmap/settings': 'settings-primary', 'secret/keys': 'keys-primary' },
    });
    const { annotations } = objectOf(made, 'spec', 'template', 'metadata') as { annotations: Record<string, string> };
    delete annotations['serin.dev/revision'];
    annotations['flagger-id'] = 'a1b2';
    return owned(stored({ ...made, metadata: { name: 'web-primary' } }));
  };

  it("runs the target's revision when template and configs are the same, so that taking it over restarts nothing", async () => {
    const found = await look(littleKube(settings, keys, target(), byFlagger('shop/web:1.0.0'), ...copies), {}, flagger);
    expect(found.problem).toBeNull();
    expect(found.primary?.revision).toBe(found.target?.revision);
  });

  it('is of no known revision when the target or a config has moved on', async () => {
    const failed = await look(littleKube(settings, keys, target(), byFlagger('shop/web:0.9'), ...copies), {}, flagger);
    expect(failed.primary).toMatchObject({ revision: null, replicas: 3 });
    const changed = { ...settings, data: { COLOR: 'green' } };
    expect(
      (await look(littleKube(changed, keys, target(), byFlagger('shop/web:1.0.0'), ...copies), {}, flagger)).primary
        ?.revision,
    ).toBeNull();
  });
});

describe('the facts of the target', () => {
  it('are its version label, else the tag of its first image', async () => {
    const version = async (image: string, label?: string): Promise<string | undefined> => {
      const object = target({ image });
      const labels = objectOf(object, 'spec', 'template', 'metadata', 'labels');
      delete labels['app.kubernetes.io/version'];
      if (label !== undefined) labels['app.kubernetes.io/version'] = label;
      expect(listOf(object, 'spec', 'template', 'spec', 'containers')[0]?.['image']).toBe(image);
      return (await look(littleKube(settings, keys, object))).targetFacts?.version;
    };
    expect(await version('shop/web:2.1', '2.1.0')).toBe('2.1.0');
    expect(await version('localhost:5000/shop/web:2.1@sha256:abc')).toBe('2.1');
    expect(await version('localhost:5000/shop/web')).toBe('');
    expect(await version('shop/web@sha256:abc')).toBe('');
  });
});
