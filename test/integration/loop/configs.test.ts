// ConfigMaps and Secrets: a change starts a run, the primary gets versioned copies only with the promotion, and what opted out is left alone.
import { describe, expect, it } from 'vitest';
import { CONFIG_MAP, DEPLOYMENT, SECRET } from '../../../src/kube/kinds.ts';
import { configObject, initializedShop, type Furnished } from '../../support/loop-fixtures.ts';
import type { LoopWorld } from '../../support/loop-world.ts';

const CONTAINERS = (image: string) => [
  {
    name: 'app',
    image,
    ports: [{ containerPort: 8080 }],
    envFrom: [{ configMapRef: { name: 'settings' } }, { secretRef: { name: 'login' } }],
    env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'perhaps', key: 'x', optional: true } } }],
  },
];

const configured = (more: Furnished = {}, annotations: Record<string, string> = {}): Promise<LoopWorld> =>
  initializedShop({
    deployment: { podSpec: { containers: CONTAINERS('app:1') } },
    objects: [
      configObject('ConfigMap', 'settings', { mode: 'one' }, annotations),
      configObject('Secret', 'login', { password: 'first' }, annotations),
    ],
    ...more,
  });

/** What a Deployment's pods mount, with its content. */
function mounted(world: LoopWorld, deployment: string): { settings: unknown; login: string } {
  const spec = world.get(DEPLOYMENT, deployment)?.['spec'] as {
    template: {
      spec: { containers: { envFrom: { configMapRef?: { name: string }; secretRef?: { name: string } }[] }[] };
    };
  };
  const [settings, login] = spec.template.spec.containers[0]!.envFrom;
  const secret = world.get(SECRET, login!.secretRef!.name)?.['data'] as { password: string };
  return {
    settings: world.get(CONFIG_MAP, settings!.configMapRef!.name)?.['data'],
    login: Buffer.from(secret.password, 'base64').toString(),
  };
}

const setMode = (world: LoopWorld, mode: string): void =>
  world.change(CONFIG_MAP, 'settings', (draft) => {
    draft['data'] = { mode };
  });
const setPassword = (world: LoopWorld, password: string): void =>
  world.change(SECRET, 'login', (draft) => {
    draft['data'] = { password: Buffer.from(password).toString('base64') };
  });

describe('a tracked ConfigMap', () => {
  it('that changes starts a run at once; the primary keeps the old content until the promotion', async () => {
    const world = await configured();
    expect(mounted(world, 'shop-primary')).toEqual({ settings: { mode: 'one' }, login: 'first' });
    setMode(world, 'two');
    await world.until('a run began', () => world.phase() === 'Progressing', 2_000);
    await world.untilWeight(60);
    expect(mounted(world, 'shop-primary').settings).toEqual({ mode: 'one' });
    await world.untilPhase('Succeeded');
    expect(mounted(world, 'shop-primary').settings).toEqual({ mode: 'two' });
    expect(mounted(world, 'shop').settings).toEqual({ mode: 'two' });
    world.close();
  });

  it('whose change fails leaves the primary with the old content, for good', async () => {
    const world = await configured();
    world.http.on('prometheus.sim', () => ({
      status: 200,
      body: JSON.stringify({
        status: 'success',
        data: { resultType: 'vector', result: [{ metric: {}, value: [world.clock.nowMs() / 1_000, '10'] }] },
      }),
    }));
    setMode(world, 'broken');
    await world.untilPhase('Failed');
    await world.clock.advance(600_000);
    expect(mounted(world, 'shop-primary').settings).toEqual({ mode: 'one' });
    expect(world.phase()).toBe('Failed');
    world.close();
  });

  it('that changes back ends the run', async () => {
    const world = await configured();
    setMode(world, 'two');
    await world.untilWeight(20);
    setMode(world, 'one');
    await world.untilPhase('Succeeded');
    expect(world.status().history?.at(-1)).toMatchObject({ outcome: 'returned' });
    expect(mounted(world, 'shop-primary').settings).toEqual({ mode: 'one' });
    world.close();
  });

  it('that changes while a run is under way restarts it, and both changes are promoted together', async () => {
    const world = await configured();
    world.setImage('app:2');
    await world.untilWeight(40);
    setMode(world, 'two');
    await world.untilWeight(0);
    await world.untilPhase('Succeeded');
    expect(world.image('shop-primary')).toBe('app:2');
    expect(mounted(world, 'shop-primary').settings).toEqual({ mode: 'two' });
    world.close();
  });

  it('that is missing keeps a run from starting and says which; optional ones do not', async () => {
    const world = await configured();
    world.remove(CONFIG_MAP, 'settings');
    world.setImage('app:2');
    await world.clock.advance(60_000);
    expect(world.image('shop-primary')).toBe('app:1');
    expect(world.replicasOf('shop-primary').ready).toBe(2);
    expect(world.phase()).toBe('Initialized');
    world.apply(configObject('ConfigMap', 'settings', { mode: 'three' }));
    await world.until('promoted', () => world.phase() === 'Succeeded' && world.image('shop-primary') === 'app:2');
    expect(mounted(world, 'shop-primary').settings).toEqual({ mode: 'three' });
    world.close();
  });
});

describe('a tracked Secret', () => {
  it('that changes is found within the poll of five minutes, and goes the same way', async () => {
    const world = await configured();
    setPassword(world, 'second');
    await world.until('a run began', () => world.phase() === 'Progressing', 380_000);
    expect(mounted(world, 'shop-primary').login).toBe('first');
    await world.untilPhase('Succeeded');
    expect(mounted(world, 'shop-primary').login).toBe('second');
    world.close();
  });

  it('that changed together with the image is in the same run', async () => {
    const world = await configured();
    setPassword(world, 'second');
    world.setImage('app:2');
    await world.until('promoted', () => world.phase() === 'Succeeded' && world.image('shop-primary') === 'app:2');
    await world.clock.advance(900_000);
    expect(mounted(world, 'shop-primary').login).toBe('second');
    expect(world.phase()).toBe('Succeeded');
    world.close();
  });

  it('is not read while idle but for the poll, and not at all with configTracking.secrets off', async () => {
    const reads = async (canary: Furnished['canary']): Promise<number> => {
      const world = await configured(canary === undefined ? {} : { canary });
      await world.clock.advance(60_000);
      const mark = world.mark();
      await world.clock.advance(3_600_000);
      const asked = world.asked(mark);
      world.close();
      // What the cluster serves is asked again every ten minutes at most, once for all Canaries.
      const others = asked.filter((line) => !line.startsWith('get secrets'));
      expect(others.filter((line) => !line.startsWith('none /apis'))).toEqual([]);
      expect(others.length).toBeLessThanOrEqual(12);
      // Each poll reads the Secret, and its copy to see that it is still there.
      const own = asked.filter((line) => line === 'get secrets login').length;
      expect(asked.length - others.length).toBeLessThanOrEqual(2 * own);
      return own;
    };
    const polled = await reads(undefined);
    expect(polled).toBeGreaterThanOrEqual(9);
    expect(polled).toBeLessThanOrEqual(15);
    expect(await reads({ spec: { configTracking: { secrets: 'off' } } })).toBe(0);
  });
});

describe('what opted out', () => {
  it.each(['flagger.app/config-tracking', 'serin.dev/config-tracking'])(
    'with annotation %s starts no run and is mounted under its own name',
    async (annotation) => {
      const world = await configured({}, { [annotation]: 'disabled' });
      setMode(world, 'two');
      setPassword(world, 'second');
      await world.clock.advance(900_000);
      expect(world.phase()).toBe('Initialized');
      const spec = JSON.stringify(world.get(DEPLOYMENT, 'shop-primary')?.['spec']);
      expect(spec).toContain('"configMapRef":{"name":"settings"}');
      expect(spec).toContain('"secretRef":{"name":"login"}');
      world.close();
    },
  );

  it('with the flag --enable-config-tracking=false as well', async () => {
    const world = await configured({ args: ['--enable-config-tracking=false'] });
    setMode(world, 'two');
    await world.clock.advance(120_000);
    expect(world.phase()).toBe('Initialized');
    world.close();
  });
});

describe('copies', () => {
  it('are immutable, owned by the Canary, and those that nobody needs any more are gone', async () => {
    const world = await configured();
    for (const mode of ['two', 'three', 'four']) {
      setMode(world, mode);
      await world.until(
        `${mode} is promoted`,
        () => world.phase() === 'Succeeded' && JSON.stringify(mounted(world, 'shop-primary').settings).includes(mode),
      );
      await world.clock.advance(5_000);
    }
    const copies = world.list(CONFIG_MAP).filter(({ metadata }) => metadata.name !== 'settings');
    expect(copies.length).toBeLessThanOrEqual(2);
    for (const copy of copies) {
      expect(copy['immutable']).toBe(true);
      expect(copy.metadata.ownerReferences).toMatchObject([{ kind: 'Canary', name: 'shop' }]);
    }
    world.close();
  });
});
