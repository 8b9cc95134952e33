// Gateway API beyond a route's status: proxies get time to follow, and a Gateway that is not programmed makes the live weight unknown.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LiveSeen, MeshDriver } from '../../../src/mesh/contract.ts';
import { meshProvider } from '../../../src/mesh/gateway-api.ts';
import { silentLog } from '../../../src/telemetry/contract.ts';
import { aRequest } from '../../conformance/mesh/requests.ts';
import { gatewayApi } from '../../conformance/mesh/subject-gateway-api.ts';
import { openWorld } from '../../conformance/mesh/world.ts';
import type { World } from '../../conformance/mesh/world.ts';
import { ScriptedHttp } from '../../support/loop-http.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const request = aRequest({ gatewayRefs: [{ name: 'public', namespace: 'infra' }] });

let world: World;
let driver: MeshDriver;
const clock = new VirtualClock();

beforeEach(async () => {
  world = openWorld(gatewayApi);
  world.embedded.api.store.create(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'infra' } },
    { user: 'someone' },
  );
  const http = new ScriptedHttp(clock);
  const outside = {
    http,
    clock,
    log: silentLog,
    istiodUrls: [],
    resolve: () => Promise.resolve([]),
    readIstiodToken: () => null,
  };
  driver = meshProvider.create(world.embedded.kube, outside);
  // A route of somebody else: without its Canary one of ours would be collected.
  world.put(gatewayApi.foreign());
  await world.ensure(request, 0);
});
afterEach(() => world.embedded.close());

/** The route's controller has followed. */
function report(): void {
  const status = gatewayApi.report!(world.route());
  world.embedded.api.store.mutate(
    gatewayApi.routeRef.kind,
    'shop',
    'web',
    (draft) => Object.assign(draft, { status }),
    { subresource: 'status' },
  );
}

function gateway(conditions: readonly object[]): void {
  world.embedded.api.store.put({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'public', namespace: 'infra' },
    spec: { gatewayClassName: 'any', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
  });
  world.embedded.api.store.mutate(
    { ...gatewayApi.routeRef.kind, kind: 'Gateway', plural: 'gateways' },
    'infra',
    'public',
    (draft) => Object.assign(draft, { status: { conditions } }),
    { subresource: 'status' },
  );
}

const see = async (): Promise<LiveSeen> => driver.live!(request, await world.read(request), true);

/** What is seen once nothing has to be waited for any more. */
async function settled(): Promise<LiveSeen['livePercent']> {
  let seen = await see();
  for (let turn = 0; turn < 20 && seen.pollMs !== undefined; turn += 1) {
    await clock.advance(seen.pollMs);
    // Answers of the API server are real.
    await new Promise((resolve) => setImmediate(resolve));
    seen = await see();
  }
  return seen.livePercent;
}

it('gives proxies a second after the status, for each version of the route', async () => {
  report();
  expect(await see()).toEqual({ livePercent: 'pending', pollMs: 1_000 });
  expect(await settled()).toBe(0);
  await world.write(request, 30);
  expect(await see()).toEqual({ livePercent: 'pending' });
  report();
  expect(await see()).toEqual({ livePercent: 'pending', pollMs: 1_000 });
  expect(await settled()).toBe(30);
});

it.each([
  ['does not exist', null, 0],
  ['says nothing of it', [], 0],
  ['is programmed', [{ type: 'Programmed', status: 'True' }], 0],
  ['is not', [{ type: 'Programmed', status: 'False', reason: 'AddressNotAssigned' }], 'unknown'],
  ['does not know', [{ type: 'Programmed', status: 'Unknown', reason: 'Pending' }], 'unknown'],
] as const)('asks the Gateway, which %s', async (_what, conditions, live) => {
  if (conditions !== null) gateway(conditions);
  report();
  expect(await settled()).toBe(live);
});

it('does without a Gateway that may not be read, and reads one at most each half minute', async () => {
  gateway([{ type: 'Programmed', status: 'True' }]);
  report();
  expect(await settled()).toBe(0);
  const reads = (): number =>
    world.embedded.requests.filter(({ verb, resource }) => verb === 'get' && resource.startsWith('gateways.')).length;
  expect(reads()).toBe(1);
  for (let turn = 0; turn < 5; turn += 1) {
    await clock.advance(5_000);
    await see();
  }
  expect(reads()).toBe(1);
  await clock.advance(10_000);
  expect(await settled()).toBe(0);
  await vi.waitFor(() => expect(reads()).toBe(2));
});
