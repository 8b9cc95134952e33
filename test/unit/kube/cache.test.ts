// The cache, in virtual time: shared scopes, our own writes at once, live reads when the watch cannot vouch.
import { describe, expect, it } from 'vitest';
import type { KubeObject, WatchScope } from '../../../src/kube/contract.ts';
import { refOf, refTo } from '../../../src/kube/kinds.ts';
import { fencedPatch, setAnnotationOps } from '../../../src/kube/patches.ts';
import { WIDGET } from '../../conformance/kube/little-server.ts';
import { describeChange, makeVirtualWorld } from './virtual-world.ts';
import type { VirtualWorld } from './virtual-world.ts';

const A = refOf(WIDGET, 'shop', 'a');
const EVERYWHERE: WatchScope = { namespace: null };

async function want(world: VirtualWorld, scope: WatchScope = EVERYWHERE): Promise<() => void> {
  const wanting = world.kube.cache.want(WIDGET, scope);
  await world.clock.settle(20);
  const release = await wanting;
  await world.clock.settle(10);
  return release;
}

async function worldWith(...names: string[]): Promise<VirtualWorld> {
  const world = makeVirtualWorld();
  for (const name of names) world.server.write(name, { spec: { size: 1 } });
  return world;
}

const widget = (name: string): KubeObject => ({
  apiVersion: 'examine.serin.dev/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'shop' },
});

const annotate = (world: VirtualWorld, object: KubeObject, value: string): Promise<KubeObject> =>
  world.kube.client.patch(refTo(WIDGET, object), fencedPatch(object, setAnnotationOps(object, 'x', value)));

describe('cache scopes', () => {
  it('a kind that nobody wants is unknown, and reading it asks the server', async () => {
    const world = await worldWith('a');

    expect(world.kube.cache.peek(A)).toBeUndefined();
    expect((await world.kube.cache.read(A))?.metadata.name).toBe('a');
    expect(world.asked()).toEqual(['GET']);
    await world.kube.close();
  });

  it('what exists is shown, what does not is null, and neither costs a request', async () => {
    const world = await worldWith('a');
    await want(world);
    world.server.requests.length = 0;

    expect(world.kube.cache.peek(A)?.metadata.name).toBe('a');
    expect(world.kube.cache.peek(refOf(WIDGET, 'shop', 'b'))).toBeNull();
    expect(await world.kube.cache.read(refOf(WIDGET, 'shop', 'b'))).toBeNull();
    expect(world.asked()).toEqual([]);
    await world.kube.close();
  });

  it('two who want the same share one watch, and it ends with the last', async () => {
    const world = await worldWith('a');
    const [first, second] = [await want(world), await want(world)];
    expect(world.server.watchCount).toBe(1);

    first();
    first();
    await world.clock.settle(10);
    expect(world.server.watchCount).toBe(1);
    second();
    await world.clock.settle(10);
    expect(world.server.watchCount).toBe(0);
    expect(world.kube.cache.peek(A)).toBeUndefined();
    expect(world.clock.pendingTimers()).toBe(0);
    await world.kube.close();
  });

  it('one namespace is served by the watch of all', async () => {
    const world = await worldWith('a');
    await want(world);
    const release = await want(world, { namespace: 'shop' });
    expect(world.server.watchCount).toBe(1);

    release();
    await world.clock.settle(10);
    expect(world.kube.cache.peek(A)).not.toBeUndefined();
    await world.kube.close();
  });

  it('all namespaces wanted after one: both are kept, objects are shown once, and either may go', async () => {
    const world = await worldWith('a');
    world.server.write('b', {}, 'bank');
    const releaseOne = await want(world, { namespace: 'shop' });
    const releaseAll = await want(world);
    expect(
      world.kube.cache
        .all(WIDGET, null)
        .map(({ metadata }) => metadata.name)
        .toSorted(),
    ).toEqual(['a', 'b']);
    expect(world.kube.cache.all(WIDGET, 'shop').map(({ metadata }) => metadata.name)).toEqual(['a']);

    releaseOne();
    await world.clock.settle(10);
    expect(world.kube.cache.peek(A)?.metadata.name).toBe('a');
    releaseAll();
    await world.clock.settle(10);
    expect(world.server.watchCount).toBe(0);
    await world.kube.close();
  });

  it('a namespace says nothing of another', async () => {
    const world = await worldWith('a');
    await want(world, { namespace: 'bank' });

    expect(world.kube.cache.peek(A)).toBeUndefined();
    expect((await world.kube.cache.read(A))?.metadata.name).toBe('a');
    await world.kube.close();
  });

  it('a selector shows what it selects and says nothing of the rest', async () => {
    const world = await worldWith('a');
    world.server.write('b', { metadata: { labels: { app: 'web' } } });
    await want(world, { namespace: null, labelSelector: 'app=web' });

    expect(world.kube.cache.peek(refOf(WIDGET, 'shop', 'b'))?.metadata.name).toBe('b');
    expect(world.kube.cache.peek(A)).toBeUndefined();
    await world.kube.close();
  });

  it('keeps what the projection keeps; by default all but managedFields', async () => {
    const world = await worldWith();
    world.server.write('a', { metadata: { managedFields: [{ manager: 'x' }] }, spec: { size: 1 }, future: [1] });
    const release = await want(world);
    expect(world.kube.cache.peek(A)?.metadata['managedFields']).toBeUndefined();
    expect(world.kube.cache.peek(A)?.['future']).toEqual([1]);
    release();

    await want(world, {
      namespace: null,
      project: ({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }),
    });
    expect(world.kube.cache.peek(A)?.['spec']).toBeUndefined();
    await world.kube.close();
  });

  it('a listener that throws stops neither the others nor the watch', async () => {
    const world = await worldWith('a');
    world.kube.cache.onChange(() => {
      throw new Error('mine');
    });
    const seen: string[] = [];
    const stop = world.kube.cache.onChange((change) => seen.push(describeChange(change)));
    await want(world);
    world.server.write('b');
    await world.clock.settle();
    stop();
    world.server.write('c');
    await world.clock.settle();

    expect(seen).toEqual(['+a', '+b']);
    expect(world.warnings).toContain('Listener of the cache failed');
    await world.kube.close();
  });
});

describe('cache: our own writes', () => {
  it('are read at once, before the watch shows them, and their echo is marked', async () => {
    const world = await worldWith('a');
    await want(world);
    world.changes.length = 0;
    const first = await annotate(world, world.kube.cache.peek(A)!, '1');
    expect(world.kube.cache.peek(A)?.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const second = await annotate(world, (await world.kube.cache.read(A))!, '2');
    await world.clock.settle(10);

    expect(world.changes.map(describeChange)).toEqual(['~a*', '~a*']);
    expect(world.kube.cache.peek(A)?.metadata.resourceVersion).toBe(second.metadata.resourceVersion);
    expect(world.asked().filter((request) => request === 'GET')).toEqual([]);
    await world.kube.close();
  });

  it('an echo that comes before the answer is marked as well', async () => {
    const world = await worldWith('a');
    await want(world);
    world.changes.length = 0;
    let answer = (): void => undefined;
    world.server.beforeAnswer = () => new Promise((resolve) => (answer = resolve));
    const writing = annotate(world, world.kube.cache.peek(A)!, '1');
    await world.clock.settle(10);
    expect(world.changes).toEqual([]);

    answer();
    await writing;
    expect(world.changes.map(describeChange)).toEqual(['~a*']);
    await world.kube.close();
  });

  it('a write whose answer does not come holds changes back for no longer than a second', async () => {
    const world = await worldWith('a');
    await want(world);
    world.changes.length = 0;
    world.server.beforeAnswer = () => new Promise(() => undefined);
    const writing = annotate(world, world.kube.cache.peek(A)!, '1');
    writing.catch(() => undefined);
    await world.clock.advance(999);
    expect(world.changes).toEqual([]);
    await world.clock.advance(2);

    expect(world.changes.map(describeChange)).toEqual(['~a']);
    await world.clock.advance(10_000);
    await expect(writing).rejects.toThrow('whether it was done is unknown');
    await world.kube.close();
  });

  it('what somebody else wrote in between is no echo', async () => {
    const world = await worldWith('a');
    await want(world);
    world.changes.length = 0;
    await annotate(world, world.kube.cache.peek(A)!, '1');
    world.server.write('a', { spec: { size: 5 } });
    await world.clock.settle(10);

    expect(world.changes.map(describeChange)).toEqual(['~a*', '~a']);
    await world.kube.close();
  });

  it('what we created is there at once, alone and in the list', async () => {
    const world = await worldWith();
    await want(world);
    const created = await world.kube.client.create(widget('new'), WIDGET);

    expect(world.kube.cache.peek(refTo(WIDGET, created))?.metadata.uid).toBe(created.metadata.uid);
    expect(world.kube.cache.all(WIDGET, 'shop').map(({ metadata }) => metadata.name)).toEqual(['new']);
    await world.kube.close();
  });

  it('what we created and somebody deleted is gone as soon as the watch says so', async () => {
    const world = await worldWith();
    await want(world);
    const created = await world.kube.client.create(widget('new'), WIDGET);
    world.server.delete('new');
    await world.clock.settle(10);

    expect(world.kube.cache.peek(refTo(WIDGET, created))).toBeNull();
    expect(world.kube.cache.all(WIDGET, null)).toEqual([]);
    await world.kube.close();
  });

  it('after a removal, reads go live until the watch has shown it', async () => {
    const world = await worldWith('a');
    await want(world);
    const { uid, resourceVersion } = world.kube.cache.peek(A)!.metadata;
    world.server.requests.length = 0;
    await world.kube.client.remove(A, uid!, resourceVersion!);
    // The deletion may already have been shown; whatever the cache does, the answer must be "gone".
    expect(await world.kube.cache.read(A)).toBeNull();
    await world.clock.settle(10);
    world.server.requests.length = 0;
    expect(await world.kube.cache.read(A)).toBeNull();
    expect(world.asked()).toEqual([]);
    await world.kube.close();
  });

  it('a removal that the watch has not shown is read live', async () => {
    const world = await worldWith('a');
    await want(world);
    const { uid, resourceVersion } = world.kube.cache.peek(A)!.metadata;
    world.server.requests.length = 0;
    world.kube.cache.noteRemoval(A, uid!, resourceVersion!);

    await world.kube.cache.read(A);
    expect(world.asked()).toEqual(['GET']);
    world.server.write('a', { spec: { size: 3 } });
    await world.clock.settle();
    await world.kube.cache.read(A);
    expect(world.asked()).toEqual(['GET']);
    await world.kube.close();
  });

  it('a note that is older than the watch is ignored', async () => {
    const world = await worldWith('a');
    await want(world);
    const old = world.kube.cache.peek(A)!;
    world.server.write('a', { spec: { size: 9 } });
    await world.clock.settle(10);
    world.kube.cache.noteWrite(WIDGET, old);

    expect(world.kube.cache.peek(A)?.['spec']).toEqual({ size: 9 });
    await world.kube.close();
  });

  it('notes are bounded: past the bound, reads go live until the watch has caught up', async () => {
    const world = await worldWith('a');
    await want(world);
    world.server.requests.length = 0;
    const note = (at: number): void => {
      const object = widget(`w${at}`);
      object.metadata = { ...object.metadata, uid: `n${at}`, resourceVersion: String(1_000 + at) };
      world.kube.cache.noteWrite(WIDGET, object);
    };
    for (let at = 0; at < 5_000; at += 1) note(at);
    await world.kube.cache.read(A);
    expect(world.asked()).toEqual(['GET']);

    world.server.version = 10_000;
    world.server.bookmark();
    await world.clock.settle();
    await world.kube.cache.read(A);
    expect(world.asked()).toEqual(['GET']);
    await world.kube.close();
  });
});

describe('cache: stale and waiting', () => {
  it('when the watch is silent, reads go live, and what was read is not taken back', async () => {
    const world = await worldWith('a');
    await want(world);
    world.server.intercept = ({ url }) => (url.searchParams.has('watch') ? new Promise(() => undefined) : undefined);
    await world.clock.advance(95_000);
    world.server.write('a', { spec: { size: 2 } });
    expect(world.kube.cache.peek(A)).toBeUndefined();
    expect((await world.kube.cache.read(A))?.['spec']).toEqual({ size: 2 });

    // The watch comes back with a bookmark from before that write.
    world.server.intercept = ({ url }) => {
      if (!url.searchParams.has('watch')) return undefined;
      const metadata = { resourceVersion: '101' };
      const bookmark = { type: 'BOOKMARK', object: { kind: 'Widget', apiVersion: 'examine.serin.dev/v1', metadata } };
      return { status: 200, headers: {}, body: oneThenSilence(`${JSON.stringify(bookmark)}\n`) };
    };
    await world.clock.advance(70_000);
    expect(world.kube.cache.peek(A)?.['spec']).toEqual({ size: 2 });
    await world.kube.close();
  });

  it('waitNewer: true on a newer version, on our own newer write, on deletion; false at the limit and when not kept', async () => {
    const world = await worldWith('a');
    expect(await world.kube.cache.waitNewer(A, '1', 1_000)).toBe(false);
    const release = await want(world);
    const version = world.server.find('a')!.metadata.resourceVersion!;
    const limited = world.kube.cache.waitNewer(A, version, 1_000);
    await world.clock.advance(1_000);
    expect(await limited).toBe(false);

    const waiting = world.kube.cache.waitNewer(A, version, 1_000);
    world.server.write('a', { spec: { size: 2 } });
    await world.clock.settle();
    expect(await waiting).toBe(true);

    const gone = world.kube.cache.waitNewer(A, world.server.find('a')!.metadata.resourceVersion!, 1_000);
    world.server.delete('a');
    await world.clock.settle();
    expect(await gone).toBe(true);

    const ended = world.kube.cache.waitNewer(A, '999999', 60_000);
    release();
    expect(await ended).toBe(false);
    await world.kube.close();
    expect(world.clock.pendingTimers()).toBe(0);
  });
});

async function* oneThenSilence(text: string): AsyncGenerator<Uint8Array, void, void> {
  yield Buffer.from(text);
  await new Promise(() => undefined);
}
