// The controller lives with the rights that the chart grants: a whole life of a Canary under RBAC, and what of the rights it used.
import { afterEach, describe, expect, it } from 'vitest';
import { canaryKind, CONFIG_MAP, SECRET } from '../../../src/kube/kinds.ts';
import { configObject, initializedShop } from '../../support/loop-fixtures.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import { controllerRules, grantFor, grantsOf } from './rights.ts';

/** Granted for what does not happen in this story; each says when it is used. */
const USED_ELSEWHERE: Readonly<Record<string, string>> = {
  'serin.dev/canaries get': 'a stale watch: then the object is read live',
  'serin.dev/metrictemplates get': 'a stale watch',
  'serin.dev/alertproviders get': 'a stale watch',
  'apps/deployments get': 'a stale watch',
  'apps/replicasets get': 'a stale watch',
  'apps/controllerrevisions get': 'a stale watch, and the template of a pin',
  '/pods get': 'a stale watch',
  '/services get': 'a stale watch',
  '/configmaps get': 'a stale watch',
  '/configmaps patch': 'a copy that two Canaries share, and the `-primary` copies of flagger.app',
  '/secrets patch': 'the same',
  'autoscaling/horizontalpodautoscalers get': 'a stale watch',
  'networking.istio.io/virtualservices get': 'a stale watch',
  'networking.istio.io/destinationrules get': 'a stale watch',
  'networking.istio.io/destinationrules patch': 'a DestinationRule that differs, or its release',
};

/** Images one after the other, and how each ends. */
const STORY = [
  ['app:2', 'Succeeded'],
  ['app:3', 'Succeeded'],
  ['app:bad', 'Failed'],
] as const;

const used = new Set<string>();
const refused = new Set<string>();
const granted = new Set(grantsOf(controllerRules(['istio'], ['serin.dev'])));

const hpa = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'shop', namespace: 'web' },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' }, minReplicas: 2, maxReplicas: 4 },
};
const podSpec = {
  volumes: [
    { name: 'config', configMap: { name: 'settings' } },
    { name: 'secret', secret: { secretName: 'password' } },
  ],
};

describe('under the rights of the chart', () => {
  let world: LoopWorld | undefined;
  afterEach(() => world?.close());

  it('a Canary is initialized, promoted, rolled back and released, and nothing is refused', async () => {
    world = await initializedShop({
      authorize: (attributes) => {
        const grant = grantFor(attributes);
        if (!attributes.user.startsWith('serin')) return true;
        if (granted.has(grant)) used.add(grant);
        else refused.add(grant);
        return granted.has(grant);
      },
      deployment: { podSpec },
      objects: [configObject('ConfigMap', 'settings', { a: '1' }), configObject('Secret', 'password', { b: '1' }), hpa],
      canary: {
        spec: { autoscalerRef: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', name: 'shop' } },
      },
    });
    for (const [image, phase] of STORY) {
      for (const kind of [CONFIG_MAP, SECRET])
        world.change(kind, kind === SECRET ? 'password' : 'settings', (draft) => {
          draft['data'] = { a: Buffer.from(image).toString('base64') };
        });
      world.setImage(image);
      await world.until(`the run of ${image}`, () => world?.inner() === 'Progressing');
      await world.untilPhaseOf(phase);
      await world.clock.advance(5_000);
    }
    // Its copy goes with the reference.
    world.changeCanary((draft) => {
      delete draft.spec['autoscalerRef'];
    });
    world.setImage('app:4');
    await world.untilPhaseOf('Succeeded');
    world.remove(canaryKind('serin.dev'), 'shop');
    await world.until('the Canary is gone', () => world?.canary() === null);
    expect([...refused]).toEqual([]);
  });

  it('everything that is granted is needed', () => {
    const idle = [...granted].filter((grant) => !used.has(grant) && USED_ELSEWHERE[grant] === undefined);
    expect(idle).toEqual([]);
    expect(Object.keys(USED_ELSEWHERE).filter((grant) => !granted.has(grant))).toEqual([]);
  });
});
