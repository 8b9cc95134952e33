// Every mesh provider through the whole loop: initialized, promoted, rolled back, deleted; Services and pods as on the others.
import { describe, expect, it } from 'vitest';
import { canaryKind, DEPLOYMENT } from '../../../src/kube/kinds.ts';
import { initializedShop, runningShop, shopCanary, type Differences } from '../../support/loop-fixtures.ts';
import { prometheusAnswer } from '../../support/loop-http.ts';
import type { LoopWorld } from '../../support/loop-world.ts';

const CHECKS = { metrics: [{ name: 'errors', interval: '30s', thresholdRange: { max: 1 }, query: 'errors' }] };
const on = (provider: string, service: Record<string, unknown> = {}, analysis: Record<string, unknown> = {}) => ({
  provider,
  canary: { spec: { provider, service }, analysis: { ...CHECKS, ...analysis } } satisfies Differences,
});

const PROVIDERS: readonly { title?: string; provider: string; canary: Differences }[] = [
  on('istio'),
  { ...on('istio', { delegation: true }), title: 'istio, delegate' },
  { ...on('istio', { appProtocol: 'tcp', portName: 'tcp-db' }), title: 'istio, TCP' },
  on('gateway-api', { gatewayRefs: [{ name: 'public', namespace: 'web' }], hosts: ['shop.example.com'] }),
  on('gatewayapi:v1', { gatewayRefs: [{ name: 'public', namespace: 'web' }], hosts: ['shop.example.com'] }),
  on('smi'),
  on('smi:v1alpha2'),
  on('appmesh-v1beta1', { meshName: 'mesh' }),
  on('appmesh-v1beta2'),
  on('appmesh:v1beta2'),
  on('kubernetes', {}, { stepWeight: undefined, maxWeight: undefined, iterations: 2 }),
];

/** What the route gave the canary, by what is recorded after each act. */
const weights = (world: LoopWorld): readonly string[] =>
  world.trail.filter((word) => word.startsWith('Progressing/')).map((word) => word.split('/')[1]!);

describe.each(PROVIDERS.map((one) => ({ title: one.provider, ...one })))('$title', ({ provider, canary }) => {
  it('promotes a good revision, rolls back a bad one, and is released, each in few writes', async () => {
    const world = await initializedShop({ canary });
    world.http.on('prometheus.sim', () =>
      prometheusAnswer(world.targetImage().includes('bad') ? '9' : '0', world.clock.nowMs()),
    );
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    expect(world.image('shop-primary')).toBe('app:2');
    expect(weights(world)).toEqual(provider === 'kubernetes' ? ['0'] : ['0', '20', '40', '60']);
    world.setImage('app:3-bad');
    await world.untilPhase('Failed');
    expect(world.image('shop-primary')).toBe('app:2');
    expect(world.replicasOf('shop').asked).toBe(0);
    await world.clock.advance(30_000);
    const mark = world.mark();
    world.remove(canaryKind('serin.dev'), 'shop');
    await world.until('the Canary is gone', () => world.canary() === null);
    expect(world.attempts(mark).length).toBeLessThanOrEqual(20);
    await world.clock.advance(10_000);
    expect(world.get(DEPLOYMENT, 'shop-primary')).toBeNull();
    expect(world.readyBehind('web', 'shop')).toBe(2);
    world.close();
  });

  it('refuses a field that it does not honour, with what it honours', async () => {
    const world = await initializedShop({ canary });
    const field = provider === 'istio' || provider.startsWith('gateway') ? 'meshName' : 'trafficPolicy';
    world.changeCanary((draft) => {
      (draft.spec['service'] as Record<string, unknown>)[field] = field === 'meshName' ? 'm' : {};
    });
    await world.until('it is refused', () => world.condition('Ready')?.status === 'False', 30_000);
    expect(world.condition('Ready')?.message).toContain(`spec.service.${field}`);
    expect(world.condition('Ready')?.message).toContain('it honours');
    world.close();
  });
});

describe('what Istio cannot do together', () => {
  const TCP = { appProtocol: 'tcp' };
  it.each([
    [
      'hosts of a delegate',
      { delegation: true, hosts: ['shop.example.com'] },
      'spec.service.hosts',
      'a delegate has none',
    ],
    ['a delegate of TCP', { delegation: true, ...TCP }, 'spec.service.delegation', 'Istio delegates no TCP routes'],
    ['a path in TCP', { ...TCP, match: [{ uri: { prefix: '/' } }] }, 'spec.service.match[0].uri', 'must be port'],
    ['a time-out of TCP', { ...TCP, timeout: '5s' }, 'spec.service.timeout', 'must be unset'],
  ])('is refused: %s', async (_what, service, path, words) => {
    const world = await runningShop();
    world.apply(shopCanary({ spec: { service }, analysis: CHECKS }));
    await world.until('it is refused', () => world.condition('Ready')?.reason === 'InvalidSpec', 30_000);
    expect(world.condition('Ready')?.message).toContain(path);
    expect(world.condition('Ready')?.message).toContain(words);
    world.close();
  });
});
