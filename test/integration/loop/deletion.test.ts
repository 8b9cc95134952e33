// Deletion, in every phase, with and without revertOnDeletion: the app is never without a ready pod, and nothing of ours is left.
import { describe, expect, it } from 'vitest';
import { PHASES } from '../../../src/core/phase.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import {
  canaryKind,
  CONFIG_MAP,
  CONTROLLER_REVISION,
  DEPLOYMENT,
  HPA,
  NAMESPACE,
  SERVICE,
} from '../../../src/kube/kinds.ts';
import { configObject, initializedShop, runningShop, shopCanary } from '../../support/loop-fixtures.ts';
import { VIRTUAL_SERVICE } from '../../support/loop-view.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import { reach } from './phases.ts';

const DESTINATION_RULE = { ...VIRTUAL_SERVICE, kind: 'DestinationRule', plural: 'destinationrules' };
const KINDS = [DEPLOYMENT, SERVICE, VIRTUAL_SERVICE, DESTINATION_RULE, CONTROLLER_REVISION, CONFIG_MAP, HPA];

const gone = (world: LoopWorld): Promise<void> =>
  world.until('the Canary is gone', () => world.canary() === null, 900_000);

/** Objects that carry our mark, or are owned by the Canary that is gone. */
function leftovers(world: LoopWorld, uid: string): readonly string[] {
  return KINDS.flatMap((kind) =>
    world
      .list(kind)
      .filter((object) => JSON.stringify(object.metadata).includes(uid))
      .map(({ metadata }) => `${kind.kind} ${metadata.name}`),
  );
}

describe.each([false, true])('with revertOnDeletion %s', (revertOnDeletion) => {
  it.each(PHASES)('in %s', async (phase) => {
    const world = await reach(phase, { canary: { spec: { revertOnDeletion } } });
    const { uid = '' } = world.canary()!.metadata;
    world.podDelayMs = () => 0;
    world.remove(canaryKind('serin.dev'), 'shop');
    await gone(world);
    await world.clock.advance(30_000);
    expect(world.replicasOf('shop').ready).toBe(2);
    expect(world.readyBehind('web', 'shop')).toBe(2);
    expect(world.get(SERVICE, 'shop')?.['spec']).toMatchObject({ selector: { app: 'shop' } });
    expect(world.get(DEPLOYMENT, 'shop-primary')).toBeNull();
    expect(leftovers(world, uid)).toEqual([]);
    expect(world.events()).toContainEqual(expect.stringContaining('Terminated canary shop.web'));
    expect(world.outages).toEqual([]);
    world.close();
  });
});

describe('adopted objects', () => {
  const service: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'shop', namespace: 'web' },
    spec: {
      selector: { app: 'shop' },
      ports: [
        { name: 'web', port: 80, targetPort: 8080 },
        { name: 'extra', port: 81, targetPort: 8081 },
      ],
    },
  };
  const route: KubeObject = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'shop', namespace: 'web' },
    spec: {
      hosts: ['shop'],
      http: [
        { name: 'main', retries: { attempts: 7 }, route: [{ destination: { host: 'shop', port: { number: 80 } } }] },
      ],
    },
  };

  it('are restored to what they were with revertOnDeletion', async () => {
    const world = await runningShop({ objects: [service, route] });
    world.apply(shopCanary({ spec: { revertOnDeletion: true } }));
    await world.untilPhase('Initialized');
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    world.remove(canaryKind('serin.dev'), 'shop');
    await gone(world);
    expect(world.get(VIRTUAL_SERVICE, 'shop')?.['spec']).toEqual(route['spec']);
    const { ports, selector } = world.get(SERVICE, 'shop')!['spec'] as { ports: { name: string }[]; selector: unknown };
    expect(selector).toEqual({ app: 'shop' });
    expect(ports.map(({ name }) => name)).toEqual(['web', 'extra']);
    expect(world.outages).toEqual([]);
    world.close();
  });

  it('stay, and lead to the target, without it', async () => {
    const world = await runningShop({ objects: [service, route] });
    world.apply(shopCanary());
    await world.untilPhase('Initialized');
    const uids = [world.get(SERVICE, 'shop')!.metadata.uid, world.get(VIRTUAL_SERVICE, 'shop')!.metadata.uid];
    world.remove(canaryKind('serin.dev'), 'shop');
    await gone(world);
    expect([world.get(SERVICE, 'shop')!.metadata.uid, world.get(VIRTUAL_SERVICE, 'shop')!.metadata.uid]).toEqual(uids);
    for (const host of world.destinations()) expect(world.readyBehind('web', host)).toBe(2);
    world.close();
  });

  it('a route that we made outlives the Canary and leads to pods that exist', async () => {
    const world = await initializedShop();
    world.remove(canaryKind('serin.dev'), 'shop');
    await gone(world);
    await world.clock.advance(60_000);
    expect(world.get(VIRTUAL_SERVICE, 'shop')).not.toBeNull();
    for (const host of world.destinations()) expect(world.readyBehind('web', host)).toBe(2);
    world.close();
  });
});

describe('a release that cannot go as it should', () => {
  it('leaves the primary, unowned and serving, when the target does not become ready in time', async () => {
    const world = await initializedShop();
    world.podDelayMs = (pod) => (pod.metadata.labels?.['app'] === 'shop' ? Infinity : 0);
    const { uid = '' } = world.canary()!.metadata;
    world.remove(canaryKind('serin.dev'), 'shop');
    await gone(world);
    await world.clock.advance(120_000);
    expect(world.replicasOf('shop-primary').ready).toBe(2);
    expect(world.readyBehind('web', 'shop')).toBe(2);
    expect(leftovers(world, uid)).toEqual([]);
    expect(world.outages).toEqual([]);
    world.close();
  });

  it('does not wait for a target that is gone, as after helm uninstall', async () => {
    const world = await initializedShop();
    world.remove(DEPLOYMENT, 'shop');
    await world.clock.advance(5_000);
    world.remove(canaryKind('serin.dev'), 'shop');
    const startMs = world.clock.monotonicMs();
    await gone(world);
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(30_000);
    expect(world.readyBehind('web', 'shop')).toBe(2);
    world.close();
  });

  it('steps aside in a namespace that goes away: nothing is created or scaled, and the namespace is not held up', async () => {
    const world = await initializedShop({
      mayFail: true,
      objects: [configObject('ConfigMap', 'settings', { a: '1' })],
    });
    const mark = world.mark();
    world.api.store.remove(NAMESPACE, null, 'web', { user: 'people' });
    await world.until('the namespace is gone', () => world.api.store.get(NAMESPACE, null, 'web') === null, 120_000);
    const writes = world.attempts(mark).filter((write) => !/events|canaries/.test(write));
    expect(writes).toEqual([]);
    world.close();
  });

  it('steps aside there in the middle of a run, and with a spec that became invalid', async () => {
    const world = await reach('Progressing', { mayFail: true, hasLenientCrds: true });
    world.changeCanary((draft) => {
      draft.spec['analysis'] = 'broken';
    });
    world.api.store.remove(NAMESPACE, null, 'web', { user: 'people' });
    await world.until('the namespace is gone', () => world.api.store.get(NAMESPACE, null, 'web') === null, 300_000);
    world.close();
  });

  it('is taken up after a restart in the middle of it', async () => {
    const world = await reach('Terminating');
    world.kill(world.replicas[0]!);
    await world.clock.advance(5_000);
    await world.boot('serin-1');
    await gone(world);
    expect(world.replicasOf('shop').ready).toBe(2);
    expect(world.outages).toEqual([]);
    world.close();
  });

  it('of a Canary that was refused goes at once', async () => {
    const world = await runningShop({ hasLenientCrds: true });
    world.apply(shopCanary({ spec: { provider: 'nginx' } }));
    await world.clock.advance(10_000);
    world.remove(canaryKind('serin.dev'), 'shop');
    await world.clock.advance(1_000);
    expect(world.canary()).toBeNull();
    expect(world.replicasOf('shop').ready).toBe(2);
    world.close();
  });
});
