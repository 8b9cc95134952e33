// An API server that answers 429: rollbacks go first, everything else waits its turn, and nothing is lost.
import { describe, expect, it } from 'vitest';
import { shopCanary, shopDeployment } from '../../support/loop-fixtures.ts';
import { prometheusAnswer } from '../../support/loop-http.ts';
import { LoopWorld } from '../../support/loop-world.ts';

const NAMES = Array.from({ length: 10 }, (_, index) => `app-${index}`);
const BAD = 'app-7';

/** Ten Canaries with a run under way at weight 20; the check of one of them is about to fail for good. */
async function busyWorld(limit: { perSecond: number | null }): Promise<LoopWorld> {
  let windowMs = 0;
  let used = 0;
  const world: LoopWorld = new LoopWorld({
    beforeRequest(request, info) {
      if (limit.perSecond === null || request.user?.startsWith('serin') !== true || info?.verb === 'watch') return null;
      const nowMs = world.clock.monotonicMs();
      if (nowMs - windowMs >= 1_000) [windowMs, used] = [nowMs, 0];
      used += 1;
      return used <= limit.perSecond ? null : { status: 429, retryAfterSeconds: 1, message: 'too many requests' };
    },
  });
  for (const name of NAMES) world.apply(shopDeployment('app:1', { name, replicas: 1 }));
  await world.boot();
  for (const name of NAMES) {
    const canary = shopCanary({ name, analysis: { threshold: 1, stepWeight: 20, maxWeight: 80 } });
    (canary['spec'] as { targetRef: { name: string } }).targetRef.name = name;
    world.apply(canary);
  }
  await world.until('all are Initialized', () => NAMES.every((name) => world.phase(name) === 'Initialized'));
  let isBad = false;
  world.http.on('prometheus.sim', (_, url) =>
    prometheusAnswer(isBad && decodeURIComponent(url.search).includes(`"${BAD}"`) ? '0' : '100', world.clock.nowMs()),
  );
  for (const name of NAMES) world.setImage('app:2', name);
  await world.until('all are at 20', () => NAMES.every((name) => world.status(name).canaryWeight === 20));
  await world.clock.advance(2_000);
  isBad = true;
  return world;
}

const routeWrites = (world: LoopWorld, from: number): readonly { name: string; atMs: number; weight: number }[] =>
  world.commits.slice(from).flatMap(({ kind, ref, after, user }) => {
    if (kind.kind !== 'VirtualService' || !user.startsWith('serin')) return [];
    const spec = (after?.['spec'] ?? { http: [] }) as {
      http: { route: { destination: { host: string }; weight: number }[] }[];
    };
    const routes = spec.http.flatMap(({ route }) => route);
    const weight = routes.find(({ destination }) => destination.host.endsWith('-canary'))?.weight ?? 0;
    return [{ name: ref.name, atMs: world.clock.monotonicMs(), weight }];
  });

describe('under 429 from the API server', () => {
  it('the rollback is committed before any other Canary moves, and within seconds', async () => {
    const limit = { perSecond: null as number | null };
    const world = await busyWorld(limit);
    limit.perSecond = 1;
    const from = world.commits.length;
    const startMs = world.clock.monotonicMs();
    await world.until(
      'the bad one is at 0',
      () => routeWrites(world, from).some(({ name, weight }) => name === BAD && weight === 0),
      60_000,
    );
    // The tick comes at most an interval later; then one write for the record and one for the route, a second apart.
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(10_000 + 4_000);
    const before = routeWrites(world, from).filter(({ name }) => name !== BAD);
    expect(before.length).toBeLessThanOrEqual(1);
    world.close();
  });

  it('once the server recovers, all go on to their end', async () => {
    const limit = { perSecond: null as number | null };
    const world = await busyWorld(limit);
    limit.perSecond = 2;
    await world.clock.advance(60_000);
    limit.perSecond = null;
    await world.until(
      'all have ended',
      () => NAMES.every((name) => world.phase(name) === (name === BAD ? 'Failed' : 'Succeeded')),
      600_000,
    );
    expect(NAMES.map((name) => world.image(`${name}-primary`))).toEqual(
      NAMES.map((name) => (name === BAD ? 'app:1' : 'app:2')),
    );
    world.close();
  });

  it('a server that answers 500 to every write for a minute loses nothing either, and the status says what failed', async () => {
    let isBroken = false;
    const world: LoopWorld = new LoopWorld({
      beforeRequest: (request, info) =>
        isBroken &&
        request.user?.startsWith('serin') === true &&
        info?.plural === 'virtualservices' &&
        info.verb === 'patch'
          ? { status: 500, message: 'etcd is away' }
          : null,
    });
    world.apply(shopDeployment());
    await world.boot();
    world.apply(shopCanary());
    await world.untilPhase('Initialized');
    world.setImage('app:2');
    await world.untilWeight(20);
    isBroken = true;
    await world.clock.advance(60_000);
    expect(world.weight()).toBe(20);
    expect(world.condition('RouteWritten')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('etcd is away'),
    });
    expect(world.events().filter((line) => line.includes('Cannot write the route'))).toEqual([
      expect.stringContaining('etcd is away'),
    ]);
    isBroken = false;
    await world.untilPhase('Succeeded');
    expect(world.condition('RouteWritten')).toBeNull();
    world.close();
  });
});
