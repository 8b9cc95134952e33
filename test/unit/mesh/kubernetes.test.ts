// Plain Kubernetes: nothing to steer, and no weight that could be promised.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BugError, UnsupportedError } from '../../../src/errors.ts';
import type { MeshDriver } from '../../../src/mesh/contract.ts';
import { meshProvider } from '../../../src/mesh/kubernetes.ts';
import { openEmbeddedKube } from '../../support/workload-kube.ts';
import type { EmbeddedKube } from '../../support/workload-kube.ts';
import { aRequest } from '../../conformance/mesh/requests.ts';

describe('kubernetes', () => {
  let embedded: EmbeddedKube;
  let driver: MeshDriver;
  beforeEach(() => {
    embedded = openEmbeddedKube();
    driver = meshProvider.create(embedded.kube);
  });
  afterEach(() => embedded.close());

  it('is always ready at 0, needs no fence, and asks the cluster nothing', async () => {
    const request = aRequest();
    const found = await driver.read(request);
    expect(found.seen).toEqual({ state: 'ready', askedPercent: 0, livePercent: 0, fence: null, isFenceable: false });
    await driver.ensure(request, found, { weightPercent: 0, fence: 'f' });
    await driver.write(request, found, { weightPercent: 0, fence: 'f' });
    await driver.release(request, found, true);
    expect(await driver.kinds()).toEqual([]);
    expect(await driver.refs(request)).toEqual([]);
    expect(embedded.requests).toEqual([]);
  });

  it('refuses weights', async () => {
    const found = await driver.read(aRequest());
    const write = (weightPercent: number): Promise<void> =>
      driver.write(aRequest(), found, { weightPercent, fence: null });
    await expect(write(10)).rejects.toThrow(UnsupportedError);
    await expect(write(10)).rejects.toThrow(/has no weights, must be a provider with weights, or blue\/green/);
    await expect(write(101)).rejects.toThrow(BugError);
  });

  it('refuses fields of meshes', () => {
    expect(driver.validate(aRequest())).toEqual([]);
    expect(driver.validate(aRequest({ hosts: ['a.example.com'], timeout: '5s' })).map(({ path }) => path)).toEqual([
      'spec.service.timeout',
      'spec.service.hosts',
    ]);
  });
});
