// Brings the fixture's Canary into each phase of the machine, at the very moment at which that phase was recorded.
import type { Phase } from '../../../src/core/phase.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { canaryKind } from '../../../src/kube/kinds.ts';
import { initializedShop, merge, runningShop, shopCanary, type Furnished } from '../../support/loop-fixtures.ts';
import type { LoopWorld } from '../../support/loop-world.ts';

/** Gates that a test opens by setting the answer of host gate.sim. */
const gate = (type: string): Record<string, unknown> => ({ name: type, type, url: 'http://gate.sim/' });

/** A world whose Canary has just entered `phase`. The run, where there is one, is about image app:2 (or app:2-bad). */
export async function reach(phase: Phase, options: Furnished = {}): Promise<LoopWorld> {
  switch (phase) {
    case 'Initializing': {
      const world = await runningShop(options);
      world.podDelayMs = (pod) => (isPrimary(pod) ? 20_000 : 0);
      world.apply(shopCanary(options.canary));
      await world.until('the primary was created', () => world.image('shop-primary') !== '');
      return world;
    }
    case 'Initialized':
      return initializedShop(options);
    case 'Waiting':
      return gated('confirm-rollout', phase, options);
    case 'WaitingPromotion':
      return gated('confirm-promotion', phase, options);
    case 'Progressing': {
      const world = await begun('app:2', options);
      await world.untilWeight(20);
      return world;
    }
    case 'RollingBack':
    case 'Failed':
      return arrived(await begun('app:2-bad', options), phase);
    case 'Returning': {
      const world = await begun('app:2', options);
      await world.untilWeight(20);
      world.setImage('app:1');
      return arrived(world, phase);
    }
    case 'KeepingCanary': {
      const world = await begun('app:2', options);
      world.podDelayMs = (pod) => (isPrimary(pod) && imageIn(pod) === 'app:2' ? Infinity : 0);
      return arrived(world, phase);
    }
    case 'Terminating': {
      const world = await initializedShop(options);
      world.remove(canaryKind(options.canary?.group ?? 'serin.dev'), 'shop');
      return arrived(world, phase);
    }
    case 'Promoting':
    case 'Finalising':
    case 'Succeeded':
      return arrived(await begun('app:2', options), phase);
  }
}

async function begun(image: string, options: Furnished): Promise<LoopWorld> {
  const world = await initializedShop(options);
  world.setImage(image);
  return world;
}

async function arrived(world: LoopWorld, phase: Phase): Promise<LoopWorld> {
  await world.untilInner(phase);
  return world;
}

async function gated(type: string, phase: Phase, options: Furnished): Promise<LoopWorld> {
  const webhooks = [gate(type)];
  const analysis = merge({ webhooks }, options.canary?.analysis ?? {});
  const world = await initializedShop({ ...options, canary: { ...options.canary, analysis } });
  world.http.on('gate.sim', () => ({ status: 403, body: 'closed' }));
  world.setImage('app:2');
  return arrived(world, phase);
}

/** Opens the gates of a world that `reach` made. */
export function openGates(world: LoopWorld): void {
  world.http.on('gate.sim', () => ({ status: 200 }));
}

export const isPrimary = (pod: KubeObject): boolean => pod.metadata.labels?.['app'] === 'shop-primary';

function imageIn(pod: KubeObject): string {
  const spec = (pod['spec'] ?? {}) as { containers?: { image?: string }[] };
  return spec.containers?.[0]?.image ?? '';
}
