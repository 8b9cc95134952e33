// The Deployment target sits its exam on the embedded API server.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbeddedKube } from '../../support/workload-kube.ts';
import type { EmbeddedKube } from '../../support/workload-kube.ts';
import { examineWorkload } from './exam.ts';
import { deploy, initialize, look, makeSetting } from './setting.ts';

describe('on the embedded API server', () => {
  let world: EmbeddedKube;
  beforeAll(() => {
    world = openEmbeddedKube();
  });
  afterAll(async () => {
    // S11, over everything that the exam wrote.
    expect(world.api.violations).toEqual([]);
    await world.close();
  });
  examineWorkload(() => world.kube);

  it('costs no request to look at a Canary in which nothing happens', async () => {
    const setting = await makeSetting(world.kube);
    await deploy(setting);
    const revision = await initialize(setting);
    const { digests } = (await look(setting)).configs;
    const idle = { promotedRevision: revision, shouldReadSecrets: false, knownDigests: digests };
    const asked = async (): Promise<number> => {
      const before = world.requests.length;
      const found = await look(setting, idle);
      expect(found.target?.revision).toBe(revision);
      expect(await setting.driver.isPinned(setting.canary, revision)).toBe(true);
      return world.requests.length - before;
    };
    // The watch shows our own writes a moment after they were answered.
    await expect.poll(asked).toBe(0);
    expect(await asked()).toBe(0);
  });
});
