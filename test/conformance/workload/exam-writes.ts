// Part of the workload exam: fences, the autoscaler, Services.
import { describe, expect, it } from 'vitest';
import { ConflictError } from '../../../src/errors.ts';
import type { OpenKube } from '../../../src/kube/connect.ts';
import { DEPLOYMENT, HPA, SERVICE } from '../../../src/kube/kinds.ts';
import { listOf, objectOf } from '../../../src/workload/fields.ts';
import { HPA_SPEC, aService, anAutoscaler, deploy, initialize, look, makeSetting, spec } from './setting.ts';

export function examineWrites(kubeOf: () => OpenKube): void {
  describe('writes', () => {
    it('are refused when the object changed since it was looked at, and change nothing (S11)', async () => {
      const setting = await makeSetting(kubeOf(), { spec: HPA_SPEC });
      await deploy(setting, { hpa: { min: 2, max: 4 } });
      const { driver, canary } = setting;
      const revision = await initialize(setting);
      const stale = await look(setting, { promotedRevision: revision });
      const fence = { op: 'add', path: '/metadata/labels/touched', value: 'yes' } as const;
      for (const [kind, name] of [
        [DEPLOYMENT, 'web'],
        [DEPLOYMENT, 'web-primary'],
        [SERVICE, 'web'],
        [HPA, 'web-primary'],
      ] as const) {
        await setting.edit(kind, name, [fence]);
      }
      const writes = [
        () => driver.scaleTarget(canary, stale, 0, '1/2'),
        () => driver.scalePrimary(canary, stale, 9, '1/2'),
        () => driver.pointApex(canary, stale, 'primary'),
        () => driver.applyScaler(canary, stale, { floor: 3, copiesTarget: false }, '1/2'),
        () => driver.fence(canary, stale, 'target', '1/2'),
        () => driver.fence(canary, stale, 'primary', '1/2'),
        () => driver.fence(canary, stale, 'scaler', '1/2'),
      ];
      for (const write of writes) await expect(write()).rejects.toThrow(ConflictError);
      expect(spec(await setting.live(DEPLOYMENT, 'web'), 'replicas')).toBe(3);
      expect(spec(await setting.live(SERVICE, 'web'), 'selector')).toEqual({ app: 'web' });
    });

    it('of one act follow on from each other, and carry the fence in the same request', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting);
      const { driver, canary } = setting;
      await initialize(setting);
      const before = await setting.live(DEPLOYMENT, 'web');
      const found = await look(setting);
      await driver.scaleTarget(canary, found, 0, '1/2');
      await driver.fence(canary, found, 'target', '1/3');
      await driver.scaleTarget(canary, found, 2, null);
      const target = await setting.live(DEPLOYMENT, 'web');
      expect(spec(target, 'replicas')).toBe(2);
      expect(target.metadata.annotations?.[setting.context().fenceKey]).toBe('1/3');
      // Nothing else of the user's object was touched.
      expect({ ...objectOf(target, 'spec'), replicas: 3 }).toEqual(objectOf(before, 'spec'));
      expect((await look(setting)).target?.fence).toBe('1/3');
    });
  });
}

export function examineAutoscaler(kubeOf: () => OpenKube): void {
  describe('the autoscaler', () => {
    it('is copied for the primary, held at the floor of a run, released after it, and follows the target on promotion', async () => {
      const setting = await makeSetting(kubeOf(), {
        spec: {
          autoscalerRef: { ...HPA_SPEC.autoscalerRef, primaryScalerReplicas: { minReplicas: 3, maxReplicas: 6 } },
        },
      });
      await deploy(setting, { hpa: { min: 2, max: 4 } });
      const { driver, canary } = setting;
      await initialize(setting);
      const copy = async (): Promise<Record<string, unknown>> =>
        objectOf(await setting.live(HPA, 'web-primary'), 'spec');
      expect(await copy()).toMatchObject({
        scaleTargetRef: { kind: 'Deployment', name: 'web-primary' },
        minReplicas: 3,
        maxReplicas: 6,
      });
      expect((await setting.live(HPA, 'web-primary')).metadata.labels).toEqual({ team: 'checkout' });

      const inRun = await look(setting, { primaryFloor: 8 });
      expect(inRun.scaler).toMatchObject({
        isPrimaryAbsent: false,
        isBelowFloor: true,
        isHeld: false,
        isDrifted: false,
        minReplicas: 3,
      });
      await driver.applyScaler(canary, inRun, { floor: 8, copiesTarget: false }, '1/2');
      expect(await copy()).toMatchObject({ minReplicas: 8, maxReplicas: 8 });
      const held = await look(setting, { primaryFloor: 8 });
      expect(held.scaler).toMatchObject({
        isBelowFloor: false,
        isHeld: true,
        isDrifted: false,
        minReplicas: 8,
        fence: '1/2',
      });

      const target = anAutoscaler({ min: 2, max: 4 })['spec'] as Record<string, unknown>;
      const metrics = [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
      ];
      await setting.edit(HPA, 'web', [{ op: 'replace', path: '/spec/metrics', value: metrics }]);
      const edited = await look(setting, { primaryFloor: 8 });
      expect(edited.scaler?.isDrifted).toBe(true);
      await driver.applyScaler(canary, edited, { floor: 8, copiesTarget: true }, null);
      expect(await copy()).toMatchObject({ minReplicas: 8, metrics });

      await driver.applyScaler(canary, await look(setting), { floor: null, copiesTarget: false }, null);
      expect(await copy()).toMatchObject({ minReplicas: 3, maxReplicas: 6, metrics });
      expect((await look(setting)).scaler).toMatchObject({ isHeld: false, isDrifted: false });
      // The user's own autoscaler is never written.
      expect(objectOf(await setting.live(HPA, 'web'), 'spec')).toMatchObject({ ...target, metrics });
    });

    it('is a problem when it is missing or foreign, and is removed when the Canary no longer names it', async () => {
      const setting = await makeSetting(kubeOf(), { spec: HPA_SPEC });
      await deploy(setting);
      expect((await look(setting)).problem?.reason).toBe('ScalerMissing');
      await setting.create(HPA, anAutoscaler({ min: 2, max: 4 }));
      await initialize(setting);
      const { driver, canary } = setting;
      await driver.prune({ ...canary, autoscalerRef: null }, [(await look(setting)).content!.revision]);
      expect(await setting.exists(HPA, 'web-primary')).toBe(false);
      expect(await setting.exists(HPA, 'web')).toBe(true);
    });
  });
}

export function examineServices(kubeOf: () => OpenKube): void {
  describe('Services of users', () => {
    it('are pointed elsewhere and given our port, and nothing else of them changes', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting);
      const ports = [
        { name: 'web', port: 80, targetPort: 9999, protocol: 'TCP' },
        { name: 'metrics', port: 9090, targetPort: 9090, protocol: 'TCP' },
      ];
      await setting.create(
        SERVICE,
        aService('web', { type: 'NodePort', selector: { app: 'web' }, ports }, { labels: { mine: 'yes' } }),
      );
      const before = await setting.live(SERVICE, 'web');
      await initialize(setting);
      const { driver, canary } = setting;
      await driver.pointApex(canary, await look(setting), 'primary');
      const pointed = await setting.live(SERVICE, 'web');
      expect(spec(pointed, 'selector')).toEqual({ app: 'web-primary' });
      expect(pointed.metadata.labels).toEqual({ mine: 'yes' });
      expect(pointed.metadata.annotations).toBeUndefined();
      expect(pointed.metadata.ownerReferences).toBeUndefined();
      const [was, metrics] = listOf(before, 'spec', 'ports');
      expect(spec(pointed, 'ports')).toEqual([{ ...was, name: 'http', targetPort: 8080 }, metrics]);
      expect((await look(setting)).services).toEqual({ apex: 'primary', isDrifted: false });
      await driver.release(canary, await look(setting), false, false);
      expect(spec(await setting.live(SERVICE, 'web'), 'selector')).toEqual({ app: 'web' });
    });

    it('select again what their last apply said, when the Canary is deleted and that is asked for', async () => {
      const applied = { spec: { selector: { app: 'web', color: 'blue' } } };
      const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(applied) };
      for (const group of ['serin.dev', 'flagger.app'] as const) {
        const setting = await makeSetting(kubeOf(), { group });
        await deploy(setting);
        const service = {
          selector: { app: 'web', color: 'blue' },
          ports: [{ name: 'http', port: 80, targetPort: 8080 }],
        };
        await setting.create(SERVICE, aService('web', service, { annotations }));
        const { driver, canary } = setting;
        const first = await look(setting);
        expect(first.services.apex).toBe('elsewhere');
        await driver.pointApex(canary, first, 'primary');
        const pointed = await setting.live(SERVICE, 'web');
        expect(spec(pointed, 'selector')).toEqual({ app: 'web-primary' });
        // Flagger's users count on Flux leaving the Service alone from now on.
        const hold = pointed.metadata.annotations?.['kustomize.toolkit.fluxcd.io/reconcile'];
        expect(hold).toBe(group === 'flagger.app' ? 'disabled' : undefined);
        await driver.release(canary, await look(setting), false, true);
        const released = await setting.live(SERVICE, 'web');
        expect(spec(released, 'selector')).toEqual({ app: 'web', color: 'blue' });
        expect(released.metadata.annotations).toEqual(annotations);
      }
    });

    it('are pointed by one label, and back to what they said when that are the pods of the target', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting);
      const selector = { app: 'web', 'app.kubernetes.io/version': '1.0.0' };
      const annotations = {
        'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec: { selector } }),
      };
      const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
      await setting.create(SERVICE, aService('web', { selector, ports }, { annotations }));
      const found = await look(setting);
      expect(found.services.apex).toBe('target');
      await setting.driver.pointApex(setting.canary, found, 'primary');
      // The version of the primary's pods changes with a promotion; the Service must not lose them then.
      expect(spec(await setting.live(SERVICE, 'web'), 'selector')).toEqual({ app: 'web-primary' });
      await setting.driver.pointApex(setting.canary, await look(setting), 'target');
      expect(spec(await setting.live(SERVICE, 'web'), 'selector')).toEqual(selector);
    });

    it('keep what others manage, and lose other foreign metadata (U26)', async () => {
      const setting = await makeSetting(kubeOf(), {
        spec: {
          service: {
            port: 80,
            canary: { labels: { color: 'blue' }, annotations: { a: '1' } },
            unmanagedMetadata: { labels: ['theirs'], annotations: ['cloud/neg'] },
          },
        },
      });
      await deploy(setting);
      await initialize(setting);
      await setting.edit(SERVICE, 'web-canary', [
        { op: 'add', path: '/metadata/labels/theirs', value: 'x' },
        { op: 'add', path: '/metadata/labels/foreign', value: 'x' },
        { op: 'add', path: '/metadata/annotations/cloud~1neg', value: '{}' },
        { op: 'add', path: '/metadata/annotations/foreign', value: 'x' },
      ]);
      const found = await look(setting);
      expect(found.services.isDrifted).toBe(true);
      await setting.driver.ensureServices(setting.canary, found);
      const { labels, annotations } = (await setting.live(SERVICE, 'web-canary')).metadata;
      expect(labels).toEqual({ app: 'web-canary', color: 'blue', theirs: 'x' });
      expect(annotations).toMatchObject({ a: '1', 'cloud/neg': '{}' });
      expect(annotations).not.toHaveProperty('foreign');
      expect((await look(setting)).services.isDrifted).toBe(false);
    });

    it('under the names that we need are a problem when they select something else', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting);
      await setting.create(
        SERVICE,
        aService('web-primary', { selector: { app: 'postgres' }, ports: [{ port: 5432 }] }),
      );
      expect((await look(setting)).problem).toMatchObject({ reason: 'ServiceTaken' });
    });
  });
}
