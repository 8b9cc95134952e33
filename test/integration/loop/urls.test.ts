// URLs in resources through the real hardened client: nothing forbidden is ever connected to, nothing passes, and nothing hangs.
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient } from '../../../src/http/client.ts';
import { initializedShop } from '../../support/loop-fixtures.ts';

let trap: Server;
let connections = 0;
let port = 0;

beforeAll(async () => {
  trap = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => {
    trap.listen(0, '127.0.0.1', resolve);
  });
  ({ port } = trap.address() as AddressInfo);
});
afterAll(() => {
  trap.close();
});

/** Every name leads to the trap, as a rebinding name server would have it. */
const client = (clock: Parameters<typeof createHttpClient>[0]['clock']) =>
  createHttpClient({
    clock,
    allowLoopback: false,
    allowedHosts: [],
    deniedHosts: [],
    resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
  });

const HOSTS = (): readonly string[] => [
  `127.0.0.1:${port}`,
  `localhost:${port}`,
  `2130706433:${port}`,
  `0x7f.1:${port}`,
  `[::1]:${port}`,
  `[::ffff:127.0.0.1]:${port}`,
  `0.0.0.0:${port}`,
  `innocent.example.com:${port}`,
  '169.254.169.254',
  '[fd00:ec2::254]',
  'metadata.google.internal',
];
const NAMES = [
  '127.0.0.1',
  'localhost',
  'a decimal address',
  'a hexadecimal address',
  '::1',
  'a mapped address',
  '0.0.0.0',
  'a name that leads to loopback',
  '169.254.169.254',
  'fd00:ec2::254',
  'metadata.google.internal',
].map((what, index) => ({ what, index }));

describe('a metrics server', () => {
  it.each(NAMES)('at $what: no connection, no pass, rolled back with the reason', async ({ index }) => {
    connections = 0;
    const world = await initializedShop({
      http: client,
      canary: { spec: { metricsServer: `http://${HOSTS()[index]}` } },
    });
    world.setImage('app:2');
    await world.until('the run ended', () => ['Failed', 'Succeeded'].includes(world.phase()));
    expect(world.phase()).toBe('Failed');
    expect(world.condition('Ready')?.reason).toBe('MetricSourceError');
    expect(world.image('shop-primary')).toBe('app:1');
    expect(connections).toBe(0);
    world.close();
  });
});

describe('a hook', () => {
  it.each(NAMES)('at $what: no connection, and the check counts as failed', async ({ index }) => {
    connections = 0;
    const webhooks = [{ name: 'accept', type: 'pre-rollout', url: `http://${HOSTS()[index]}/`, retries: 1 }];
    const world = await initializedShop({ http: client, canary: { analysis: { webhooks } } });
    world.setImage('app:2');
    await world.untilPhase('Failed');
    expect(world.condition('Ready')?.reason).toBe('FailedChecks');
    expect(connections).toBe(0);
    world.close();
  });

  it('gates and rollback hooks at a forbidden address: closed, and no rollback', async () => {
    connections = 0;
    const webhooks = ['rollback', 'confirm-promotion', 'event', 'post-rollout'].map((type) => ({
      name: type,
      type,
      url: `http://127.0.0.1:${port}/`,
    }));
    const world = await initializedShop({
      http: client,
      canary: { spec: { skipAnalysis: true }, analysis: { webhooks } },
    });
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(60_000);
    expect(connections).toBe(0);
    world.close();
  });
});
