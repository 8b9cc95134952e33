// Istio's delegates and TCP routes through the whole loop, read by a data plane that knows Istio from its documentation and nothing of the provider.
import { expect, it } from 'vitest';
import { chooseConnection, chooseWay } from '../../../src/embedded/dataplane/choose.ts';
import { istioReader } from '../../../src/embedded/dataplane/routes-istio.ts';
import { parseHost, type HostName } from '../../../src/embedded/dataplane/table.ts';
import { startView, type Snapshot } from '../../../src/embedded/dataplane/view.ts';
import { canaryKind } from '../../../src/kube/kinds.ts';
import { runningShop, shopCanary } from '../../support/loop-fixtures.ts';
import { prometheusAnswer } from '../../support/loop-http.ts';
import { VIRTUAL_SERVICE } from '../../support/loop-view.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import { seededRandom } from '../../support/virtual-clock.ts';

type Random = ReturnType<typeof seededRandom>;
/** Where one request or connection of a user goes. */
type Choose = (snapshot: Snapshot, random: Random) => ReturnType<typeof chooseWay>;

const DRAWS = 4_000;

/** The share of the canary in percent, of what users send; null when something goes neither to it nor to the primary. */
function shareOf(snapshot: Snapshot, choose: Choose): number | null {
  const random = seededRandom(3);
  const served = Array.from({ length: DRAWS }, () => {
    const way = choose(snapshot, random);
    // Pods have no endpoints in virtual time: whom they were chosen for is what counts.
    return way.kind === 'refuse' ? way.service : (way.backend.service?.name ?? null);
  });
  if (served.some((name) => name !== 'shop-primary' && name !== 'shop-canary')) return null;
  return (100 * served.filter((name) => name === 'shop-canary').length) / DRAWS;
}

const request = (host: HostName, path: string): Parameters<typeof chooseWay>[2] => ({
  host,
  method: 'GET',
  path,
  query: new URLSearchParams(),
  headers: {},
});

const ROOT = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'root', namespace: 'web' },
  spec: {
    hosts: ['shop.example.com'],
    gateways: ['istio-system/public'],
    http: [{ match: [{ uri: { prefix: '/shop' } }], delegate: { name: 'shop' } }],
  },
};

/** Runs a promotion, a rollback and a deletion, and gives the shares that users saw. */
async function play(
  service: Record<string, unknown>,
  objects: Parameters<LoopWorld['apply']>[0][],
  choose: Choose,
): Promise<{ promoted: number[]; rolledBack: number[]; world: LoopWorld }> {
  const world = await runningShop({ objects });
  const view = startView({ store: world.api.store, clock: world.clock, readers: [istioReader], lagMs: 50 });
  let seen: number[] = [];
  let strays = 0;
  view.onChange((snapshot) => {
    // Before there is a route, users reach the Service as it is.
    if (world.get(VIRTUAL_SERVICE, 'shop') === null || world.phase('shop') === 'Terminating') return;
    const share = shareOf(snapshot, choose);
    if (share === null) strays += 1;
    else seen.push(Math.round(share / 5) * 5);
  });
  const steps = (): number[] => {
    const changes = seen.filter((share, index) => share !== seen[index - 1]);
    seen = [];
    return changes;
  };
  world.http.on('prometheus.sim', () =>
    prometheusAnswer(world.targetImage().includes('bad') ? '9' : '0', world.clock.nowMs()),
  );
  const metrics = [{ name: 'errors', interval: '30s', thresholdRange: { max: 1 }, query: 'errors' }];
  world.apply(shopCanary({ spec: { service }, analysis: { metrics } }));
  await world.untilPhase('Initialized');
  steps();
  world.setImage('app:2');
  await world.untilPhase('Succeeded');
  const promoted = steps();
  world.setImage('app:3-bad');
  await world.untilPhase('Failed');
  const rolledBack = steps();
  expect(strays).toBe(0);
  world.remove(canaryKind('serin.dev'), 'shop');
  await world.until('the Canary is gone', () => world.canary() === null, 60_000);
  await world.clock.advance(1_000);
  const left = choose(view.snapshot(), seededRandom(5));
  expect(left.kind === 'refuse' ? left.service : left.backend.service?.name).toBe('shop');
  view.stop();
  return { promoted, rolledBack, world };
}

it('splits what a root leads to a delegate', async () => {
  const host = parseHost('shop.example.com', 'web');
  const { promoted, rolledBack, world } = await play({ delegation: true }, [ROOT], (snapshot, random) =>
    chooseWay(snapshot, 'gateway', request(host, '/shop/cart'), random),
  );
  expect(promoted).toEqual([0, 20, 40, 60, 0]);
  expect(rolledBack).toEqual([0, 20, 0]);
  // The root is its owner's.
  expect(world.get(VIRTUAL_SERVICE, 'root')?.['spec']).toEqual(ROOT.spec);
  world.close();
});

it('splits the connections of a TCP service', async () => {
  const host = parseHost('shop.web:5432', 'web');
  const service = { port: 5432, targetPort: 5432, portName: 'tcp-db', appProtocol: 'tcp', match: [{ port: 5432 }] };
  const { promoted, rolledBack, world } = await play(service, [], (snapshot, random) =>
    chooseConnection(snapshot, 'mesh', host, random),
  );
  expect(promoted).toEqual([0, 20, 40, 60, 0]);
  expect(rolledBack).toEqual([0, 20, 0]);
  world.close();
});
