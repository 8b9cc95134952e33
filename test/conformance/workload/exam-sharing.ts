// Part of the workload exam: what is shared, foreign, lost or left behind.
import { describe, expect, it } from 'vitest';
import { ConflictError } from '../../../src/errors.ts';
import type { OpenKube } from '../../../src/kube/connect.ts';
import { CONFIG_MAP, CONTROLLER_REVISION, DEPLOYMENT, HPA, SECRET, SERVICE } from '../../../src/kube/kinds.ts';
import { fieldOf, listOf, textsOf } from '../../../src/workload/fields.ts';
import { HPA_SPEC, aTarget, deploy, initialize, look, makeSetting, mounted, spec } from './setting.ts';

export function examineSharing(kubeOf: () => OpenKube): void {
  describe('what is shared, foreign or left behind', () => {
    it('shares a config copy between two Canaries and keeps it until both let go (U21)', async () => {
      const one = await makeSetting(kubeOf());
      await deploy(one);
      const other = await makeSetting(kubeOf(), {
        namespace: one.namespace,
        name: 'api',
        spec: { targetRef: { name: 'api' } },
      });
      await other.create(DEPLOYMENT, aTarget({ name: 'api' }));
      const [first] = [await initialize(one), await initialize(other)];
      const { settings, keys } = mounted(await one.live(DEPLOYMENT, 'web-primary'));
      expect(mounted(await one.live(DEPLOYMENT, 'api-primary'))).toEqual({ settings, keys });
      for (const [kind, name] of [
        [CONFIG_MAP, settings],
        [SECRET, keys],
      ] as const) {
        const owners = (await one.live(kind, name)).metadata.ownerReferences;
        expect(owners?.map((owner) => owner.name)).toEqual(['web', 'api']);
      }
      await one.driver.prune(one.canary, []);
      expect(await one.driver.isPinned(one.canary, first)).toBe(false);
      expect((await one.live(SECRET, keys)).metadata.ownerReferences).toMatchObject([{ name: 'api' }]);
      await other.driver.prune(other.canary, []);
      expect(await one.exists(SECRET, keys)).toBe(false);
      expect(await one.exists(CONFIG_MAP, settings)).toBe(false);
      expect(await one.exists(CONFIG_MAP, 'settings')).toBe(true);
    });

    it('never takes a primary that is not ours (S15)', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting);
      await setting.create(DEPLOYMENT, aTarget({ name: 'web-primary' }));
      const found = await look(setting);
      expect(found.primary).toBeNull();
      expect(found.problem).toMatchObject({ reason: 'PrimaryTaken' });
      expect(found.problem?.message).toContain('belongs to nobody');
      await setting.driver.pin(setting.canary, found);
      await expect(setting.driver.applyPrimary(setting.canary, found, found.content!.revision, null)).rejects.toThrow(
        /not this Canary/,
      );
    });

    it('notices that a pin or a copy is lost', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting);
      const revision = await initialize(setting);
      const { driver, canary } = setting;
      for (const [kind, name] of [
        [SECRET, mounted(await setting.live(DEPLOYMENT, 'web-primary')).keys],
        [CONTROLLER_REVISION, `web-${revision.slice(3, 13)}`],
      ] as const) {
        const object = await setting.live(kind, name);
        await setting.kube.client.remove(
          { kind, namespace: setting.namespace, name },
          object.metadata.uid!,
          object.metadata.resourceVersion!,
        );
        const found = await look(setting);
        expect(await driver.isPinned(canary, revision)).toBe(false);
        await driver.pin(canary, found);
        expect(await driver.isPinned(canary, revision)).toBe(true);
      }
    });

    it('brings a lost primary back at its own revision with as many pods as it had not those of the target', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting, { replicas: 4 });
      const revision = await initialize(setting);
      const { driver, canary } = setting;
      await driver.scaleTarget(canary, await look(setting), 0, null);
      await setting.edit(DEPLOYMENT, 'web', [
        { op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'shop/web:bad' },
      ]);
      const primary = await setting.live(DEPLOYMENT, 'web-primary');
      await setting.kube.client.remove(
        { kind: DEPLOYMENT, namespace: setting.namespace, name: 'web-primary' },
        primary.metadata.uid!,
        primary.metadata.resourceVersion!,
      );
      const found = await look(setting, { promotedRevision: revision });
      expect(found.capacity).toEqual({ target: 4, primary: 4 });
      await driver.applyPrimary(canary, found, revision, null);
      const again = await setting.live(DEPLOYMENT, 'web-primary');
      expect(spec(again, 'replicas')).toBe(4);
      expect(fieldOf(listOf(again, 'spec', 'template', 'spec', 'containers')[0], 'image')).toBe('shop/web:1.0.0');
    });

    it('lets go of target and apex at the end of a release, and of everything when the primary stays', async () => {
      const setting = await makeSetting(kubeOf(), { spec: HPA_SPEC });
      await deploy(setting, { hpa: { min: 2, max: 4 } });
      const { driver, canary } = setting;
      await initialize(setting);
      let found = await look(setting, { primaryFloor: 5 });
      await driver.pointApex(canary, found, 'primary');
      await driver.fence(canary, found, 'target', '1/2');
      await driver.applyScaler(canary, found, { floor: 5, copiesTarget: false }, '1/2');
      found = await look(setting);
      await driver.release(canary, found, true, false);
      const { settings, keys } = mounted(await setting.live(DEPLOYMENT, 'web-primary'));
      const kept = [
        [DEPLOYMENT, 'web'],
        [DEPLOYMENT, 'web-primary'],
        [SERVICE, 'web'],
        [SERVICE, 'web-primary'],
        [SERVICE, 'web-canary'],
        [HPA, 'web-primary'],
        [CONFIG_MAP, settings],
        [SECRET, keys],
      ] as const;
      for (const [kind, name] of kept) {
        const { ownerReferences, annotations } = (await setting.live(kind, name)).metadata;
        expect(ownerReferences ?? [], `${kind.kind} ${name}`).toEqual([]);
        expect(
          Object.keys(annotations ?? {}).filter((key) => key.startsWith('fence.') || key.includes('toolkit')),
        ).toEqual([]);
      }
      expect(spec(await setting.live(SERVICE, 'web'), 'selector')).toEqual({ app: 'web-primary' });
      expect(spec(await setting.live(HPA, 'web-primary'), 'minReplicas')).toBe(2);
      await driver.release(canary, found, true, false);
    });

    it('works the other group the way Flagger names things, and never writes a copy that another Canary mounts (H9)', async () => {
      const one = await makeSetting(kubeOf(), { group: 'flagger.app' });
      await deploy(one);
      const first = await initialize(one);
      expect(mounted(await one.live(DEPLOYMENT, 'web-primary'))).toEqual({
        settings: 'settings-primary',
        keys: 'keys-primary',
      });
      expect(await one.live(CONFIG_MAP, 'settings-primary')).toMatchObject({
        data: { COLOR: 'blue' },
        binaryData: { logo: 'AAEC' },
      });
      const other = await makeSetting(kubeOf(), {
        group: 'flagger.app',
        namespace: one.namespace,
        name: 'api',
        spec: { targetRef: { name: 'api' } },
      });
      await other.create(DEPLOYMENT, aTarget({ name: 'api' }));
      await initialize(other);
      expect(mounted(await one.live(DEPLOYMENT, 'api-primary')).settings).toMatch(/^settings-[0-9a-f]{10}$/);

      await one.edit(CONFIG_MAP, 'settings', [{ op: 'replace', path: '/data/COLOR', value: 'green' }]);
      const found = await look(one, { promotedRevision: first });
      await one.driver.pin(one.canary, found);
      const second = found.content!.revision;
      const stale = await look(one, { runRevision: second, promotedRevision: first });
      await one.driver.fence(
        one.canary,
        await look(one, { runRevision: second, promotedRevision: first }),
        'primary',
        '2/9',
      );
      // A worker that was paused before it promoted finds the copies changed too.
      await expect(one.driver.applyPrimary(one.canary, stale, second, '2/5')).rejects.toThrow(ConflictError);
      expect((await one.live(CONFIG_MAP, 'settings-primary'))['data']).toEqual({ COLOR: 'blue' });
      await one.driver.applyPrimary(
        one.canary,
        await look(one, { runRevision: second, promotedRevision: first }),
        second,
        '2/10',
      );
      expect((await one.live(CONFIG_MAP, 'settings-primary'))['data']).toEqual({ COLOR: 'green' });
      expect(
        textsOf(await one.live(DEPLOYMENT, 'web-primary'), 'spec', 'template', 'metadata', 'annotations')[
          'serin.dev/revision'
        ],
      ).toBe(second);
    });

    it('needs no watch: every read can be live', async () => {
      const setting = await makeSetting(kubeOf(), { isWatching: false, spec: HPA_SPEC });
      await deploy(setting, { hpa: { min: 2, max: 4 } });
      const { driver, canary } = setting;
      const revision = await initialize(setting);
      expect(await driver.isPinned(canary, revision)).toBe(true);
      const found = await look(setting, { promotedRevision: revision });
      expect(found.primary?.revision).toBe(revision);
      await driver.pointApex(canary, found, 'primary');
      await driver.scaleTarget(canary, found, 0, '1/1');
      expect((await look(setting)).target).toMatchObject({ replicas: 0, fence: '1/1', revision });
    });

    it('does not promote onto a copy that somebody deleted in the middle of a run', async () => {
      const setting = await makeSetting(kubeOf());
      await deploy(setting);
      const { driver, canary } = setting;
      const first = await initialize(setting);
      await setting.edit(SECRET, 'keys', [{ op: 'replace', path: '/data/token', value: 'b3RoZXI=' }]);
      const found = await look(setting, { isActive: true, promotedRevision: first });
      const second = found.content!.revision;
      await driver.pin(canary, found);
      expect(await driver.isPinned(canary, second)).toBe(true);
      const name = found.content!.configs['secret/keys']!.copyName;
      const { uid, resourceVersion } = (await setting.live(SECRET, name)).metadata;
      await setting.kube.client.remove({ kind: SECRET, namespace: setting.namespace, name }, uid!, resourceVersion!);
      await expect(driver.applyPrimary(canary, await look(setting), second, '1/4')).rejects.toThrow(ConflictError);
      expect(await driver.isPinned(canary, second)).toBe(false);
      expect((await look(setting)).primary?.revision).toBe(first);
    });
  });
}
