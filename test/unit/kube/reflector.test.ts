// The reflector's contract, in virtual time: how it watches, and what it makes of every fault of a watch.
import { describe, expect, it } from 'vitest';
import { WIDGET } from '../../conformance/kube/little-server.ts';
import { REF, isWatch, keptWith, sizeOf, status } from './reflector-world.ts';
import { describeChange, makeVirtualWorld } from './virtual-world.ts';

describe('reflector: healthy', () => {
  it('lists the most recent state in pages, then watches from its version with bookmarks and a random time-out', async () => {
    const world = makeVirtualWorld();
    world.server.write('a');
    const wanting = world.kube.cache.want(WIDGET, { namespace: null });
    await world.clock.settle(20);
    await wanting;
    await world.clock.settle(20);
    const [list, watch] = world.server.requests.map(({ url }) => url.searchParams);

    expect(list?.get('limit')).toBe('500');
    expect(list?.has('resourceVersion')).toBe(false);
    expect(watch?.get('resourceVersion')).toBe(String(world.server.version));
    expect(watch?.get('allowWatchBookmarks')).toBe('true');
    expect(Number(watch?.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300);
    expect(Number(watch?.get('timeoutSeconds'))).toBeLessThanOrEqual(600);
    await world.kube.close();
    expect(world.clock.pendingTimers()).toBe(0);
  });

  it('shows additions, changes and deletions, and costs no request', async () => {
    const world = await keptWith('a');
    world.changes.length = 0;
    world.server.write('b');
    world.server.write('a', { spec: { size: 2 } });
    world.server.delete('b');
    await world.clock.settle();

    expect(world.changes.map(describeChange)).toEqual(['+b', '~a', '-b']);
    expect(sizeOf(world)).toBe(2);
    expect(world.asked()).toEqual([]);
    await world.kube.close();
  });

  it('resumes at once from the last version, a bookmark included, when the server ends the watch in good order', async () => {
    const world = await keptWith('a');
    world.server.version += 50;
    world.server.bookmark();
    await world.clock.advance(60_000);
    world.server.endWatches();
    await world.clock.settle(10);

    expect(world.asked()).toEqual([`WATCH ${world.server.version}`]);
    await world.kube.close();
  });

  it('a watch that ends as soon as it began is not resumed at once', async () => {
    const world = await keptWith('a');
    for (let round = 0; round < 20; round += 1) {
      world.server.endWatches();
      await world.clock.advance(100);
    }

    expect(world.server.requests.length).toBeLessThan(4);
    await world.kube.close();
  });
});

describe('reflector: faults of the watch', () => {
  it('half-open: after 90 s without a byte it is stale, and it resumes without a list', async () => {
    const world = await keptWith('a');
    const version = world.server.version;
    // The connection is there, and nothing comes.
    world.server.intercept = (request) =>
      isWatch(request) ? { status: 200, headers: {}, body: silence() } : undefined;
    world.server.endWatches();
    await world.clock.advance(3_000);
    world.server.requests.length = 0;

    await world.clock.advance(85_000);
    expect(world.kube.cache.stale()).toEqual([]);
    expect(world.kube.cache.peek(REF)).not.toBeUndefined();
    await world.clock.advance(8_000);
    expect(world.kube.cache.stale()).toMatchObject([{ kind: WIDGET, namespace: null }]);
    expect(world.kube.cache.peek(REF)).toBeUndefined();

    world.server.intercept = null;
    world.server.write('a', { spec: { size: 7 } });
    await world.clock.advance(200_000);
    world.server.bookmark();
    await world.clock.settle();
    expect(world.asked()[0]).toBe(`WATCH ${version}`);
    expect(world.asked().every((request) => request.startsWith('WATCH'))).toBe(true);
    expect(sizeOf(world)).toBe(7);
    await world.kube.close();
    expect(world.clock.pendingTimers()).toBe(0);
  });

  it('410 as a status: lists not older than the last version, then goes on', async () => {
    const world = await keptWith('a');
    const last = world.server.version;
    await world.clock.advance(5_000);
    world.server.endWatches();
    world.server.write('a', { spec: { size: 3 } });
    world.server.compact();
    await world.clock.advance(10_000);

    expect(world.asked().slice(0, 2)).toEqual([`WATCH ${last}`, `LIST ${last} NotOlderThan`]);
    expect(world.asked().at(-1)).toBe(`WATCH ${world.server.version}`);
    expect(sizeOf(world)).toBe(3);
    await world.kube.close();
  });

  it.each([410, 500])(
    'an ERROR event %i: pauses, lists not older than the last version, then asks for the most recent',
    async (code) => {
      const world = await keptWith('a');
      const last = world.server.version;
      let lists = 0;
      world.server.intercept = (request) => {
        if (isWatch(request)) return undefined;
        lists += 1;
        return lists === 1 ? status(410, 'Expired') : undefined;
      };
      world.server.raw(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code, reason: 'X' } })}\n`);
      await world.clock.settle();
      expect(world.asked()).toEqual([]);

      await world.clock.advance(10_000);
      expect(world.asked()).toEqual([`LIST ${last} NotOlderThan`, 'LIST', `WATCH ${last}`]);
      await world.kube.close();
    },
  );

  it.each([
    ['is not JSON', '{"type":\n'],
    ['has an unknown type', '{"type":"RENAMED","object":{}}\n'],
    ['is of another kind', '{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"}}}\n'],
    ['has no metadata', '{"type":"MODIFIED","object":{"kind":"Widget","apiVersion":"examine.serin.dev/v1"}}\n'],
    ['is not UTF-8', new Uint8Array([0x7b, 0xff, 0xfe, 0x0a])],
    ['is too large', new Uint8Array(17 * 2 ** 20).fill(0x20)],
  ])('an event that %s: lists again', async (_, bytes) => {
    const world = await keptWith('a');
    world.server.raw(bytes);
    await world.clock.advance(5_000);

    expect(world.asked()[0]).toBe(`LIST ${world.server.version} NotOlderThan`);
    world.server.write('a', { spec: { size: 4 } });
    await world.clock.settle();
    expect(sizeOf(world)).toBe(4);
    await world.kube.close();
  });

  it('a character that comes in pieces arrives whole', async () => {
    const world = await keptWith('a');
    const object = { ...world.server.find('a')!, note: 'grün 🚦 ☃' };
    object.metadata = { ...object.metadata, resourceVersion: '500' };
    for (const byte of Buffer.from(`${JSON.stringify({ type: 'MODIFIED', object })}\n`))
      world.server.raw(Uint8Array.of(byte));
    await world.clock.settle(10);

    expect(world.kube.cache.peek(REF)?.['note']).toBe('grün 🚦 ☃');
    await world.kube.close();
  });

  it('429 on a watch: the pause that the server asks for is kept, and no list follows', async () => {
    const world = await keptWith('a');
    await world.clock.advance(5_000);
    world.server.intercept = (request) =>
      isWatch(request) ? status(429, 'TooManyRequests', { 'retry-after': '20' }) : undefined;
    world.server.endWatches();
    await world.clock.advance(19_000);
    expect(world.asked().length).toBe(1);

    world.server.intercept = null;
    await world.clock.advance(20_000);
    expect(world.asked().every((request) => request.startsWith('WATCH'))).toBe(true);
    expect(world.server.watchCount).toBe(1);
    await world.kube.close();
  });

  it('500s for an hour: it tries less and less often, at least every ten seconds, and never ends', async () => {
    const world = await keptWith('a');
    await world.clock.advance(5_000);
    world.server.intercept = (request) => (isWatch(request) ? status(500) : undefined);
    world.server.endWatches();
    await world.clock.advance(3_600_000);
    expect(world.server.requests.length).toBeGreaterThan(360);
    expect(world.server.requests.length).toBeLessThan(720);

    world.server.intercept = null;
    world.server.write('a', { spec: { size: 9 } });
    await world.clock.advance(10_100);
    expect(sizeOf(world)).toBe(9);
    await world.kube.close();
  });

  it('RBAC taken away in the middle: goes stale, and comes back with the right', async () => {
    const world = await keptWith('a');
    await world.clock.advance(5_000);
    world.server.intercept = () => status(403, 'Forbidden');
    world.server.endWatches();
    await world.clock.advance(120_000);
    expect(world.kube.cache.peek(REF)).toBeUndefined();

    world.server.intercept = null;
    await world.clock.advance(61_000);
    world.server.write('a', { spec: { size: 5 } });
    await world.clock.settle();
    expect(sizeOf(world)).toBe(5);
    await world.kube.close();
  });
});

async function* silence(): AsyncGenerator<Uint8Array, void, void> {
  await new Promise(() => undefined);
  yield new Uint8Array();
}
