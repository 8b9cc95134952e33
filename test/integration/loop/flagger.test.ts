// The group flagger.app: untouched unless it is served, and a Canary of Flagger's is taken over without a restart and without a run.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { canaryKind, DEPLOYMENT, POD, SERVICE } from '../../../src/kube/kinds.ts';
import { runningShop, shopCanary, shopDeployment } from '../../support/loop-fixtures.ts';
import { VIRTUAL_SERVICE } from '../../support/loop-view.ts';
import { LoopWorld } from '../../support/loop-world.ts';

const SERVED = ['--api-groups=flagger.app'];

/** What Flagger 1.44 leaves in a cluster for an Istio Canary at rest, phase and image as given. */
async function afterFlagger(
  phase: string,
  images: { target: string; primary: string },
  annotations: Record<string, string> = {},
): Promise<LoopWorld> {
  const world = new LoopWorld({ args: SERVED });
  world.apply(shopDeployment(images.target, { replicas: 0 }));
  const canary = shopCanary({ group: 'flagger.app', annotations });
  canary.metadata.finalizers = ['finalizer.flagger.app'];
  const created = world.apply(canary, 'flagger');
  const owner = {
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    name: 'shop',
    uid: created.metadata.uid!,
    controller: true,
    blockOwnerDeletion: true,
  };
  const owned = (object: KubeObject): KubeObject => ({
    ...object,
    metadata: { ...object.metadata, ownerReferences: [owner] },
  });
  const primary = shopDeployment(images.primary, { name: 'shop-primary' }) as KubeObject & {
    spec: { template: { metadata: { annotations?: unknown } } };
  };
  primary.spec.template.metadata.annotations = { 'flagger-id': '2f1c5f1e-96b3-4b2c-a1b0-7f5a0d2f6e11' };
  world.apply(owned(primary), 'flagger');
  const service = (name: string, app: string): KubeObject =>
    owned({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'web', labels: { app: name } },
      spec: {
        type: 'ClusterIP',
        selector: { app },
        ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
      },
    });
  world.apply(service('shop', 'shop-primary'), 'flagger');
  world.apply(service('shop-primary', 'shop-primary'), 'flagger');
  world.apply(service('shop-canary', 'shop'), 'flagger');
  const rule = (host: string): KubeObject =>
    owned({
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: host, namespace: 'web' },
      spec: { host },
    });
  world.apply(rule('shop-primary'), 'flagger');
  world.apply(rule('shop-canary'), 'flagger');
  const route = [
    { destination: { host: 'shop-primary' }, weight: 100 },
    { destination: { host: 'shop-canary' }, weight: 0 },
  ];
  world.apply(
    owned({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'shop', namespace: 'web' },
      spec: { gateways: ['mesh'], hosts: ['shop'], http: [{ route }] },
    }),
    'flagger',
  );
  world.changeStatus(
    (draft) => {
      draft.status = {
        phase,
        canaryWeight: 0,
        failedChecks: 0,
        iterations: 0,
        lastAppliedSpec: '5454669676',
        lastPromotedSpec: '5454669676',
        trackedConfigs: {},
        lastTransitionTime: '2026-01-01T00:00:00Z',
      };
    },
    'shop',
    'flagger.app',
  );
  await world.clock.advance(10_000);
  await world.boot();
  return world;
}

describe('without --api-groups flagger.app', () => {
  it('its objects are neither read nor written, whatever happens', async () => {
    const world = await runningShop();
    world.apply(shopCanary({ group: 'flagger.app' }));
    world.setImage('app:2');
    await world.clock.advance(120_000);
    world.remove(canaryKind('flagger.app'), 'shop');
    await world.clock.advance(10_000);
    expect(
      world.requests.filter(({ user, resource }) => user.startsWith('serin') && resource.includes('flagger.app')),
    ).toEqual([]);
    expect(world.replicasOf('shop').asked).toBe(2);
    world.close();
  });

  it('a Canary of each group may stand side by side for different targets', async () => {
    const world = await runningShop();
    world.apply(shopDeployment('app:1', { name: 'other' }));
    const theirs = shopCanary({ group: 'flagger.app', name: 'other' });
    (theirs['spec'] as { targetRef: { name: string } }).targetRef.name = 'other';
    world.apply(theirs);
    world.apply(shopCanary());
    await world.untilPhase('Initialized');
    expect(world.replicasOf('other').asked).toBe(2);
    world.close();
  });
});

describe('served', () => {
  it("tells Flagger's Events: reason Synced, and its texts", async () => {
    const world = await runningShop({ args: SERVED });
    world.apply(shopCanary({ group: 'flagger.app' }));
    await world.untilPhaseOf('Initialized', 'flagger.app');
    world.setImage('app:2');
    await world.untilPhaseOf('Succeeded', 'flagger.app');
    await world.clock.advance(5_000);
    expect(new Set(world.reasons())).toEqual(new Set(['Synced']));
    expect(world.events().map((event) => event.slice('Synced: '.length))).toEqual([
      'Initialization done! shop.web',
      'New revision detected! Scaling up shop.web',
      'Starting canary analysis for shop.web',
      'Advance shop.web canary weight 20',
      'Advance shop.web canary weight 40',
      'Advance shop.web canary weight 60',
      'Copying shop.web template spec to shop-primary.web',
      'Routing all traffic to primary',
      'Promotion completed! Scaling down shop.web',
    ]);
    world.close();
  });
});

describe("a Canary of Flagger's", () => {
  it.each(['Initialized', 'Succeeded'])(
    'in phase %s is taken over: no restart, no run, no change of traffic',
    async (phase) => {
      const world = await afterFlagger(phase, { target: 'app:1', primary: 'app:1' });
      const pods = (): ReadonlySet<string | undefined> => new Set(world.list(POD).map(({ metadata }) => metadata.uid));
      const before = pods();
      const route = world.get(VIRTUAL_SERVICE, 'shop')!['spec'];
      await world.clock.advance(600_000);
      expect(world.status('shop', 'flagger.app')).toMatchObject({ phase, canaryWeight: 0 });
      expect(world.condition('Ready', 'shop', 'flagger.app')).toMatchObject({ status: 'True' });
      expect(pods()).toEqual(before);
      expect(world.get(VIRTUAL_SERVICE, 'shop')!['spec']).toEqual(route);
      expect(world.get(SERVICE, 'shop')?.['spec']).toMatchObject({ selector: { app: 'shop-primary' } });
      expect(world.replicasOf('shop').asked).toBe(0);
      expect(world.reasons()).not.toContain('RevisionDetected');
      expect(world.canary('shop', 'flagger.app')?.metadata.finalizers).toContain('serin.dev/release');
      expect(world.outages).toEqual([]);
      world.close();
    },
  );

  it('then runs its next revision as any other', async () => {
    const world = await afterFlagger('Succeeded', { target: 'app:1', primary: 'app:1' });
    await world.clock.advance(30_000);
    world.setImage('app:2');
    await world.until('app:2 is promoted', () => world.image('shop-primary') === 'app:2');
    await world.untilPhaseOf('Succeeded', 'flagger.app');
    expect(world.outages).toEqual([]);
    world.close();
  });

  it('that had failed stays Failed: the revision that Flagger refused is not given to the primary', async () => {
    const world = await afterFlagger('Failed', { target: 'app:2', primary: 'app:1' });
    await world.clock.advance(600_000);
    expect(world.status('shop', 'flagger.app').phase).toBe('Failed');
    expect(world.image('shop-primary')).toBe('app:1');
    expect(world.replicasOf('shop').asked).toBe(0);
    world.setImage('app:3');
    await world.until('the fix is promoted', () => world.image('shop-primary') === 'app:3');
    world.close();
  });

  it('in the middle of a run is brought home: all traffic on the primary, and nothing is promoted unseen', async () => {
    const world = await afterFlagger('Progressing', { target: 'app:2', primary: 'app:1' });
    world.change(DEPLOYMENT, 'shop', (draft) => {
      draft.spec['replicas'] = 2;
    });
    await world.clock.advance(600_000);
    expect(world.weight()).toBe(0);
    expect(world.image('shop-primary')).toBe('app:1');
    expect(['Failed', 'Succeeded', 'Initialized']).toContain(world.status('shop', 'flagger.app').phase);
    world.close();
  });

  it('is released whole when it is deleted, with both finalizers gone', async () => {
    const world = await afterFlagger('Succeeded', { target: 'app:1', primary: 'app:1' });
    await world.clock.advance(30_000);
    world.remove(canaryKind('flagger.app'), 'shop');
    await world.until('gone', () => world.canary('shop', 'flagger.app') === null);
    await world.clock.advance(10_000);
    expect(world.replicasOf('shop').ready).toBe(2);
    expect(world.readyBehind('web', 'shop')).toBe(2);
    expect(world.get(DEPLOYMENT, 'shop-primary')).toBeNull();
    expect(world.outages).toEqual([]);
    world.close();
  });
});
