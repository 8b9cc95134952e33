// Traffic goes only where proxies know of pods: a Deployment that calls itself available is not enough.
import { afterEach, describe, expect, it } from 'vitest';
import { ENDPOINT_SLICE, SERVICE } from '../../../src/kube/kinds.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { initializedShop, runningShop, shopCanary } from '../../support/loop-fixtures.ts';
import type { LoopWorld } from '../../support/loop-world.ts';

/** What the EndpointSlice controller writes for a Service; it may be behind the Deployment's status by a second and more. */
function slice(service: string, ready: readonly boolean[]): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-1`, namespace: 'web', labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: ready.map((isReady, index) => ({
      addresses: [`10.244.9.${index}`],
      conditions: { ready: isReady },
      targetRef: { kind: 'Pod', namespace: 'web', name: `${service}-${index}`, uid: `${service}-${index}` },
    })),
  };
}

const apexSelector = (world: LoopWorld): unknown =>
  (world.api.store.get(SERVICE, 'web', 'shop')?.['spec'] as { selector?: unknown } | undefined)?.selector;

describe('endpoints', () => {
  let world: LoopWorld | undefined;
  afterEach(() => world?.close());

  it('of the primary are waited for before the apex leads to it', async () => {
    world = await runningShop({ objects: [slice('shop-primary', [])] });
    world.apply(shopCanary());
    await world.clock.advance(30_000);
    expect(world.phase()).toBe('Initializing');
    expect(apexSelector(world)).not.toEqual({ app: 'shop-primary' });
    world.change(ENDPOINT_SLICE, 'shop-primary-1', (draft) => {
      draft['endpoints'] = slice('shop-primary', [true, true])['endpoints'];
    });
    await world.untilPhaseOf('Initialized');
    expect(apexSelector(world)).toEqual({ app: 'shop-primary' });
  });

  it('of the canary are waited for before it gets traffic, and wake the Canary when they come', async () => {
    world = await initializedShop({ objects: [slice('shop-canary', [false, false])] });
    world.setImage('app:2');
    await world.clock.advance(60_000);
    expect(world.weight() ?? 0).toBe(0);
    world.change(ENDPOINT_SLICE, 'shop-canary-1', (draft) => {
      draft['endpoints'] = slice('shop-canary', [true, true])['endpoints'];
    });
    await world.untilWeight(20);
    await world.untilPhaseOf('Succeeded');
  });
});
