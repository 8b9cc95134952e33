// The reflector's contract, in virtual time: it never goes back, lists until it is complete, and ends when it is told.
import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../../src/errors.ts';
import { WIDGET, json } from '../../conformance/kube/little-server.ts';
import type { LittleReply } from '../../conformance/kube/little-server.ts';
import { REF, isWatch, kept, keptWith, sizeOf, status } from './reflector-world.ts';
import { describeChange, makeVirtualWorld } from './virtual-world.ts';

describe('reflector: versions', () => {
  const event = (type: string, version: string, uid: string, size: number): string => {
    const metadata = { name: 'a', namespace: 'shop', uid, resourceVersion: version };
    const object = { kind: 'Widget', apiVersion: 'examine.serin.dev/v1', metadata, spec: { size } };
    return `${JSON.stringify({ type, object })}\n`;
  };

  it('duplicates and older versions change nothing; versions compare as integers', async () => {
    const world = await keptWith('a');
    world.server.raw(event('MODIFIED', '999', 'uid-1', 2));
    world.server.raw(event('MODIFIED', '1000', 'uid-1', 3));
    await world.clock.settle();
    world.changes.length = 0;
    world.server.raw(event('MODIFIED', '1000', 'uid-1', 8));
    world.server.raw(event('MODIFIED', '999', 'uid-1', 8));
    world.server.raw(event('ADDED', '101', 'uid-1', 8));
    world.server.raw(event('DELETED', '500', 'uid-1', 8));
    await world.clock.settle();

    expect(world.changes).toEqual([]);
    expect(sizeOf(world)).toBe(3);
    await world.clock.advance(5_000);
    world.server.endWatches();
    await world.clock.settle(10);
    expect(world.asked()).toEqual(['WATCH 1000']);
    await world.kube.close();
  });

  it('a late event does not bring a deleted object back', async () => {
    const world = await keptWith('a');
    world.server.raw(event('DELETED', '700', 'uid-1', 1));
    world.server.raw(event('MODIFIED', '650', 'uid-1', 2));
    await world.clock.settle();

    expect(world.kube.cache.peek(REF)).toBeNull();
    await world.kube.close();
  });

  it('deleted and made anew under one name while nobody watched: a deletion and an addition', async () => {
    const world = await keptWith('a');
    world.changes.length = 0;
    await world.clock.advance(5_000);
    world.server.endWatches();
    world.server.delete('a');
    world.server.write('a', { spec: { size: 6 } });
    world.server.compact();
    await world.clock.advance(10_000);

    expect(world.changes.map(describeChange)).toEqual(['-a', '+a']);
    expect(world.changes[0]?.before?.metadata.uid).toBe('uid-1');
    expect(world.changes[1]?.after?.metadata.uid).toBe('uid-2');
    await world.kube.close();
  });

  it('a list that is older than what was seen is refused', async () => {
    const world = await keptWith('a');
    const old = structuredClone(world.server.find('a')!);
    world.server.write('a', { spec: { size: 2 } });
    await world.clock.settle();
    const metadata = { resourceVersion: '50' };
    const stale = json(200, { kind: 'WidgetList', apiVersion: 'v1', metadata, items: [old] });
    world.server.intercept = (request) => (isWatch(request) ? status(410, 'Expired') : stale);
    world.changes.length = 0;
    world.server.endWatches();
    await world.clock.advance(30_000);
    expect(world.changes).toEqual([]);

    world.server.intercept = null;
    await world.clock.advance(61_000);
    expect(sizeOf(world)).toBe(2);
    await world.kube.close();
  });

  it('a server that stays behind for minutes was restored from a backup: everything starts anew', async () => {
    const world = await keptWith('a', 'b');
    const version = world.server.version;
    world.server.delete('b');
    world.server.version = 10;
    world.server.compact();
    world.changes.length = 0;
    const metadata = { resourceVersion: '10' };
    const restored = { ...world.server.find('a')!, spec: { size: 42 } };
    restored.metadata = { ...restored.metadata, resourceVersion: '9' };
    world.server.intercept = ({ url }) => {
      if (!url.searchParams.has('watch'))
        return json(200, { kind: 'WidgetList', apiVersion: 'v1', metadata, items: [restored] });
      return Number(url.searchParams.get('resourceVersion')) > 10 ? status(410, 'Expired') : undefined;
    };
    world.server.endWatches();
    await world.clock.advance(400_000);
    world.server.bookmark();
    await world.clock.settle();

    expect(version).toBeGreaterThan(10);
    expect(world.changes.map(describeChange)).toContain('+a');
    expect(sizeOf(world)).toBe(42);
    await world.kube.close();
  });
});

describe('reflector: lists', () => {
  it('a list whose snapshot expires midway starts anew and is complete', async () => {
    const world = makeVirtualWorld();
    for (let at = 0; at < 1_200; at += 1) world.server.write(`w${at}`);
    let pages = 0;
    world.server.intercept = ({ url }) => {
      pages += 1;
      if (pages !== 2) return undefined;
      world.server.delete('w0');
      world.server.compact();
      expect(url.searchParams.has('continue')).toBe(true);
      return status(410, 'Expired');
    };
    await kept(world);

    expect(world.kube.cache.all(WIDGET, null).length).toBe(1_199);
    await world.kube.close();
  });

  it('the first list is refused for good: want rejects and nothing is kept', async () => {
    const world = makeVirtualWorld();
    world.server.intercept = () => status(403, 'Forbidden');
    const wanting = world.kube.cache.want(WIDGET, { namespace: null });
    await Promise.all([world.clock.settle(20), expect(wanting).rejects.toThrow(RefusedError)]);
    await world.clock.advance(300_000);

    expect(world.server.requests.length).toBe(1);
    await world.kube.close();
  });

  it('the server is away at the start: want waits until it is there', async () => {
    const world = makeVirtualWorld();
    world.server.write('a', { spec: { size: 1 } });
    world.server.intercept = () => Promise.reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }));
    let isIn = false;
    const wanting = world.kube.cache.want(WIDGET, { namespace: null }).then(() => (isIn = true));
    await world.clock.advance(300_000);
    expect(isIn).toBe(false);
    expect(world.kube.cache.peek(REF)).toBeUndefined();

    world.server.intercept = null;
    await world.clock.advance(61_000);
    await wanting;
    expect(sizeOf(world)).toBe(1);
    await world.kube.close();
  });

  it.each(['listing', 'watching', 'pausing', 'opening'])(
    'close ends it while it is %s, and leaves no timer',
    async (state) => {
      const world = state === 'listing' ? makeVirtualWorld() : await keptWith('a');
      const never = (): Promise<LittleReply> => new Promise(() => undefined);
      if (state === 'listing') world.server.intercept = never;
      if (state === 'opening') world.server.intercept = never;
      if (state === 'pausing') world.server.intercept = () => status(500);
      const wanting = state === 'listing' ? world.kube.cache.want(WIDGET, { namespace: null }) : null;
      wanting?.catch(() => undefined);
      await world.clock.advance(2_000);
      if (state !== 'watching') world.server.endWatches();
      await world.clock.settle(10);
      await world.kube.close();

      expect(world.clock.pendingTimers()).toBe(0);
      if (wanting !== null) await expect(wanting).rejects.toThrow('stopped');
    },
  );
});
