// Part of the workload exam: first look, pins, promotion.
import { describe, expect, it } from 'vitest';
import { ConflictError } from '../../../src/errors.ts';
import type { OpenKube } from '../../../src/kube/connect.ts';
import { CONFIG_MAP, CONTROLLER_REVISION, DEPLOYMENT, HPA, SECRET, SERVICE } from '../../../src/kube/kinds.ts';
import { fieldOf, listOf, textsOf } from '../../../src/workload/fields.ts';
import { HPA_SPEC, aTarget, deploy, initialize, look, makeSetting, mounted, spec } from './setting.ts';

export function examineRevisions(kubeOf: () => OpenKube): void {
  describe('a first look and an initialization', () => {
    it('pins the revision and makes a primary that differs from the target only where it must', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting);
      const before = await setting.live(DEPLOYMENT, 'web');
      const revision = await initialize(setting);
      const { driver, canary } = setting;
      expect(revision).toMatch(/^v1-[0-9a-f]{16}$/);
      expect(await driver.isPinned(canary, revision)).toBe(true);
      const primary = await setting.live(DEPLOYMENT, 'web-primary');
      expect(primary.metadata.ownerReferences).toMatchObject([
        { kind: 'Canary', uid: canary.identity.uid, controller: true },
      ]);
      expect(primary.metadata.labels).toEqual({ app: 'web-primary', team: 'checkout' });
      expect(primary.metadata.annotations).toMatchObject({ 'team/on-call': 'sam', 'serin.dev/revision': revision });
      expect(primary.metadata.annotations).not.toHaveProperty('note');
      expect(spec(primary, 'selector')).toEqual({ matchLabels: { app: 'web-primary' } });
      expect(spec(primary, 'replicas')).toBe(3);
      for (const member of ['strategy', 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds']) {
        expect(spec(primary, member)).toEqual(spec(before, member));
      }
      const { settings, keys } = mounted(primary);
      expect(settings).toMatch(/^settings-[0-9a-f]{10}$/);
      expect(keys).toMatch(/^keys-[0-9a-f]{10}$/);
      expect(await setting.live(CONFIG_MAP, settings)).toMatchObject({
        data: { COLOR: 'blue' },
        binaryData: { logo: 'AAEC' },
        immutable: true,
      });
      expect(await setting.live(SECRET, keys)).toMatchObject({
        type: 'Opaque',
        data: { token: 'c2VjcmV0' },
        immutable: true,
      });
      const after = await setting.live(DEPLOYMENT, 'web');
      expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
      const found = await look(setting, { promotedRevision: revision });
      expect(found.primary).toMatchObject({ revision, replicas: 3, isReady: false, fence: '0/1' });
      expect(found.target).toMatchObject({ revision, fence: null });
      expect(found.targetFacts).toEqual({ generation: 1, version: '1.0.0', images: ['shop/web:1.0.0'] });
      expect(found.route?.workloads).toEqual({
        target: 'web',
        primary: 'web-primary',
        selectorLabel: 'app',
        targetValue: 'web',
        primaryValue: 'web-primary',
      });
    });

    it('makes three Services, the apex on the target until it is pointed elsewhere', async () => {
      const setting = await makeSetting(kubeOf(), {
        spec: { service: { port: 80, targetPort: 8080, portDiscovery: true, appProtocol: 'http' } },
      });
      await deploy(setting);
      expect((await look(setting)).services).toEqual({ apex: 'absent', isDrifted: true });
      await initialize(setting);
      const [apex, primary, canary] = await Promise.all(
        ['web', 'web-primary', 'web-canary'].map((name) => setting.live(SERVICE, name)),
      );
      expect([apex, primary, canary].map((service) => spec(service!, 'selector'))).toEqual([
        { app: 'web' },
        { app: 'web-primary' },
        { app: 'web' },
      ]);
      expect(apex?.metadata.labels).toEqual({ app: 'web' });
      expect(canary?.metadata.annotations).toMatchObject({ 'kustomize.toolkit.fluxcd.io/reconcile': 'disabled' });
      expect(spec(primary!, 'ports')).toMatchObject([
        { name: 'http', port: 80, targetPort: 8080, protocol: 'TCP', appProtocol: 'http' },
      ]);
      const found = await look(setting);
      expect(found.services).toEqual({ apex: 'target', isDrifted: false });
      await setting.driver.pointApex(setting.canary, found, 'primary');
      expect(spec(await setting.live(SERVICE, 'web'), 'selector')).toEqual({ app: 'web-primary' });
      expect((await look(setting)).services).toEqual({ apex: 'primary', isDrifted: false });
    });

    it('repeats without a write', async () => {
      const setting = await makeSetting(kubeOf(), { spec: HPA_SPEC });
      await deploy(setting, { hpa: { min: 2, max: 4 } });
      const revision = await initialize(setting);
      const { driver, canary } = setting;
      await driver.pointApex(canary, await look(setting), 'primary');
      const names = async (): Promise<(string | undefined)[]> =>
        [
          ...(await kubeOf().client.list(DEPLOYMENT, setting.namespace)).items,
          ...(await kubeOf().client.list(SERVICE, setting.namespace)).items,
          ...(await kubeOf().client.list(HPA, setting.namespace)).items,
          ...(await kubeOf().client.list(CONFIG_MAP, setting.namespace)).items,
          ...(await kubeOf().client.list(CONTROLLER_REVISION, setting.namespace)).items,
        ].map((object) => object.metadata.resourceVersion);
      const before = await names();
      const found = await look(setting, { promotedRevision: revision });
      await driver.pin(canary, found);
      await driver.ensureServices(canary, found);
      await driver.pointApex(canary, found, 'primary');
      await driver.applyPrimary(canary, found, revision, '0/1');
      await driver.applyScaler(canary, found, { floor: null, copiesTarget: true }, null);
      await driver.scaleTarget(canary, found, 3, null);
      await driver.scalePrimary(canary, found, 3, '0/1');
      await driver.fence(canary, found, 'primary', '0/1');
      await driver.prune(canary, [revision]);
      expect(await names()).toEqual(before);
      expect((await look(setting)).services.isDrifted).toBe(false);
    });
  });

  describe('a new revision', () => {
    it('is another revision for an image, a config and a secret, and the same one when it returns', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting);
      const first = (await look(setting)).target?.revision;
      const seen = new Set([first]);
      await setting.edit(DEPLOYMENT, 'web', [
        { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'shop/web:2' },
      ]);
      seen.add((await look(setting)).target?.revision);
      await setting.edit(CONFIG_MAP, 'settings', [{ op: 'replace', path: '/data/COLOR', value: 'green' }]);
      seen.add((await look(setting)).target?.revision);
      await setting.edit(CONFIG_MAP, 'settings', [{ op: 'replace', path: '/binaryData/logo', value: 'AAED' }]);
      seen.add((await look(setting)).target?.revision);
      await setting.edit(SECRET, 'keys', [{ op: 'replace', path: '/data/token', value: 'b3RoZXI=' }]);
      seen.add((await look(setting)).target?.revision);
      expect(seen.size).toBe(5);
      expect([...seen].every((revision) => typeof revision === 'string')).toBe(true);
      await setting.edit(DEPLOYMENT, 'web', [
        { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'shop/web:1.0.0' },
        { op: 'replace', path: '/spec/replicas', value: 0 },
        { op: 'add', path: '/metadata/labels/tier', value: 'back' },
      ]);
      await setting.edit(CONFIG_MAP, 'settings', [
        { op: 'replace', path: '/data/COLOR', value: 'blue' },
        { op: 'replace', path: '/binaryData/logo', value: 'AAEC' },
      ]);
      await setting.edit(SECRET, 'keys', [{ op: 'replace', path: '/data/token', value: 'c2VjcmV0' }]);
      expect((await look(setting)).target?.revision).toBe(first);
    });

    it('is promoted exactly as it was pinned, whatever became of the target and its configs since (U10, H3, H9)', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting);
      const { driver, canary } = setting;
      const first = await initialize(setting);
      await setting.edit(DEPLOYMENT, 'web', [
        { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'shop/web:2' },
        { op: 'remove', path: '/spec/template/metadata/annotations' },
      ]);
      await setting.edit(CONFIG_MAP, 'settings', [{ op: 'replace', path: '/data/COLOR', value: 'green' }]);
      const found = await look(setting, { promotedRevision: first });
      const second = found.content!.revision;
      expect(await driver.isPinned(canary, second)).toBe(false);
      await driver.pin(canary, found);
      expect(await driver.isPinned(canary, second)).toBe(true);
      await setting.edit(DEPLOYMENT, 'web', [
        { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'shop/web:3' },
      ]);
      await setting.edit(CONFIG_MAP, 'settings', [{ op: 'replace', path: '/data/COLOR', value: 'red' }]);
      const primaryBefore = mounted(await setting.live(DEPLOYMENT, 'web-primary'));
      await driver.applyPrimary(
        canary,
        await look(setting, { runRevision: second, promotedRevision: first }),
        second,
        '1/7',
      );
      const primary = await setting.live(DEPLOYMENT, 'web-primary');
      expect(fieldOf(listOf(primary, 'spec', 'template', 'spec', 'containers')[0], 'image')).toBe('shop/web:2');
      // What the new revision dropped is gone, though the first write had set it.
      expect(textsOf(primary, 'spec', 'template', 'metadata', 'annotations')).toEqual({ 'serin.dev/revision': second });
      const names = mounted(primary);
      expect((await setting.live(CONFIG_MAP, names.settings))['data']).toEqual({ COLOR: 'green' });
      expect((await setting.live(CONFIG_MAP, primaryBefore.settings))['data']).toEqual({ COLOR: 'blue' });
      expect(names.keys).toBe(primaryBefore.keys);
      expect(primary.metadata.annotations?.[setting.context().fenceKey]).toBe('1/7');
      expect(await driver.pinned(canary, second)).toMatchObject({
        revision: second,
        canarySpec: { provider: 'istio' },
      });
    });

    it('brings the replicas and labels of the target along, but no fewer pods than the run must keep', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting, { replicas: 5 });
      const { driver, canary } = setting;
      const first = await initialize(setting);
      await setting.edit(DEPLOYMENT, 'web', [
        { op: 'replace', path: '/spec/replicas', value: 2 },
        { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'shop/web:2' },
        { op: 'replace', path: '/spec/strategy', value: { type: 'Recreate' } },
        { op: 'remove', path: '/metadata/labels/team' },
        { op: 'add', path: '/metadata/annotations/team~1on-call', value: 'alex' },
      ]);
      const found = await look(setting, { promotedRevision: first, primaryFloor: 4 });
      const second = found.content!.revision;
      await driver.pin(canary, found);
      await driver.applyPrimary(canary, found, second, '1/5');
      const primary = await setting.live(DEPLOYMENT, 'web-primary');
      expect(spec(primary, 'replicas')).toBe(4);
      expect(spec(primary, 'strategy')).toEqual({ type: 'Recreate' });
      expect(primary.metadata.labels).toEqual({ app: 'web-primary' });
      expect(primary.metadata.annotations).toMatchObject({ 'team/on-call': 'alex' });
      // Back to the first, with nothing to keep.
      await driver.applyPrimary(canary, await look(setting, { promotedRevision: first }), first, '2/1');
      expect(spec(await setting.live(DEPLOYMENT, 'web-primary'), 'replicas')).toBe(2);
    });

    it('is not pinned from content that changed after the look', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting);
      const found = await look(setting);
      await setting.edit(CONFIG_MAP, 'settings', [{ op: 'replace', path: '/data/COLOR', value: 'green' }]);
      await expect(setting.driver.pin(setting.canary, found)).rejects.toThrow(ConflictError);
      expect(await setting.driver.isPinned(setting.canary, found.content!.revision)).toBe(false);
    });

    it('cannot be pinned while a mandatory config is missing, and can without an optional one', async () => {
      const setting = await makeSetting(kubeOf());
      await setting.create(DEPLOYMENT, aTarget());
      const found = await look(setting);
      expect(found.content).toBeNull();
      expect(found.target?.revision).toBeNull();
      expect(found.configs.missing).toMatch(/^(configmap\/settings|secret\/keys) does not exist$/);
      await setting.edit(DEPLOYMENT, 'web', [
        { op: 'add', path: '/spec/template/spec/containers/0/envFrom/0/configMapRef/optional', value: true },
        { op: 'add', path: '/spec/template/spec/volumes/0/secret/optional', value: true },
      ]);
      expect((await look(setting)).configs).toEqual({ digests: {}, missing: null, objects: [] });
    });

    it('leaves configs alone that are opted out, and secrets of the cluster', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting);
      await setting.edit(CONFIG_MAP, 'settings', [
        { op: 'add', path: '/metadata/annotations', value: { 'flagger.app/config-tracking': 'disabled' } },
      ]);
      const revision = await initialize(setting);
      const primary = await setting.live(DEPLOYMENT, 'web-primary');
      expect(mounted(primary).settings).toBe('settings');
      expect(mounted(primary).keys).toMatch(/^keys-/);
      await setting.edit(CONFIG_MAP, 'settings', [{ op: 'replace', path: '/data/COLOR', value: 'green' }]);
      expect((await look(setting)).target?.revision).toBe(revision);
    });
  });
}
