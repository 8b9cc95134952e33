// What every API server, embedded or real, must let our client and cache do.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BugError, ConflictError, UnsupportedError } from '../../../src/errors.ts';
import { openKube } from '../../../src/kube/connect.ts';
import type { OpenKube } from '../../../src/kube/connect.ts';
import type { Authorize } from '../../../src/kube/call.ts';
import type { CacheChange, KubeObject, ResourceKind, WatchEvent } from '../../../src/kube/contract.ts';
import { refOf, refTo } from '../../../src/kube/kinds.ts';
import { fencedPatch, setAnnotationOps } from '../../../src/kube/patches.ts';
import type { KubeTransport } from '../../../src/kube/transport.ts';
import { sleep, systemClock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';

/** A server to examine. */
export interface KubeWorld {
  readonly transport: KubeTransport;
  readonly authorize?: Authorize;
  /** A namespaced kind of a served group that has a status subresource and keeps unknown fields. */
  readonly kind: ResourceKind;
  /** An existing namespace in which the suite may create and delete objects of that kind. */
  readonly namespace: string;
  /** An object that the server would accept. */
  makeObject(name: string): KubeObject;
  /** How many objects may be created for the paging case; 0 leaves it out. */
  readonly manyObjects: number;
  close(): Promise<void>;
}

const UNKNOWN_FIELD = 'fieldFromTheFuture';

export function examineKube(name: string, makeWorld: () => Promise<KubeWorld>): void {
  describe(`kube against ${name}`, () => {
    let world: KubeWorld;
    let kube: OpenKube;
    let count = 0;

    beforeAll(async () => {
      world = await makeWorld();
      const { transport, authorize } = world;
      kube = openKube({
        transport,
        clock: systemClock,
        random: systemRandom,
        ...(authorize === undefined ? {} : { authorize }),
      });
    });

    afterAll(async () => {
      await kube.close();
      await world.close();
    });

    const freshName = (): string => `examine-${(count += 1)}-${systemRandom.id().slice(0, 6)}`;
    const make = (changes: (object: KubeObject) => void = () => undefined): Promise<KubeObject> => {
      const object = world.makeObject(freshName());
      object.metadata.namespace = world.namespace;
      changes(object);
      return kube.client.create(object, world.kind);
    };
    const read = (object: KubeObject): Promise<KubeObject | null> => kube.client.get(refTo(world.kind, object));
    const remove = async (object: KubeObject): Promise<void> => {
      const live = await read(object);
      if (live === null) return;
      await kube.client.remove(refTo(world.kind, live), live.metadata.uid!, live.metadata.resourceVersion!);
    };

    examineCalls({ client: () => kube, world: () => world, make, read, remove, freshName });
    examineWatches({ client: () => kube, world: () => world, make, read, remove, freshName });
  });
}

interface Desk {
  readonly client: () => OpenKube;
  readonly world: () => KubeWorld;
  readonly make: (changes?: (object: KubeObject) => void) => Promise<KubeObject>;
  readonly read: (object: KubeObject) => Promise<KubeObject | null>;
  readonly remove: (object: KubeObject) => Promise<void>;
  readonly freshName: () => string;
}

function examineCalls({ client, world, make, read, remove, freshName }: Desk): void {
  it('get: an object that is not there is null', async () => {
    expect(await client().client.get(refOf(world().kind, world().namespace, freshName()))).toBeNull();
  });

  it('get: a kind that is not served is UnsupportedError CAPABILITY_KIND', async () => {
    const nowhere = { ...world().kind, group: 'nowhere.example.com' };
    const error = await client()
      .client.get(refOf(nowhere, world().namespace, 'x'))
      .catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(UnsupportedError);
    expect((error as UnsupportedError).code).toBe('CAPABILITY_KIND');
  });

  it('create: the answer has uid and version, and fields that no model knows survive', async () => {
    const created = await make((object) => {
      object.metadata.annotations = { [UNKNOWN_FIELD]: 'kept' };
    });

    expect(created.metadata.uid).toBeTruthy();
    expect(created.metadata.resourceVersion).toBeTruthy();
    expect((await read(created))?.metadata.annotations?.[UNKNOWN_FIELD]).toBe('kept');
    await remove(created);
  });

  it('create: a name that is taken is a ConflictError', async () => {
    const created = await make();
    const again = world().makeObject(created.metadata.name);
    again.metadata.namespace = world().namespace;

    await expect(client().client.create(again, world().kind)).rejects.toThrow(ConflictError);
    await remove(created);
  });

  it('patch: changes what it names when the version is the current one', async () => {
    const created = await make();
    const ref = refTo(world().kind, created);
    const patched = await client().client.patch(ref, fencedPatch(created, setAnnotationOps(created, 'a.dev/b_c', 'x')));

    expect(patched.metadata.annotations?.['a.dev/b_c']).toBe('x');
    expect(patched.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
    await remove(created);
  });

  it('patch: on a stale version it is a ConflictError and changes nothing, even to the value that is there', async () => {
    const created = await make();
    const ref = refTo(world().kind, created);
    const patched = await client().client.patch(ref, fencedPatch(created, setAnnotationOps(created, 'x', '1')));

    for (const value of ['2', '1']) {
      const stale = fencedPatch(created, setAnnotationOps(created, 'x', value));
      await expect(client().client.patch(ref, stale)).rejects.toThrow(ConflictError);
    }
    expect((await read(created))?.metadata.resourceVersion).toBe(patched.metadata.resourceVersion);
    await remove(created);
  });

  it('apply: with the current version it writes, with a stale one it is a ConflictError', async () => {
    const created = await make();
    const { uid, resourceVersion } = created.metadata;
    const wanted = world().makeObject(created.metadata.name);
    wanted.metadata = {
      ...wanted.metadata,
      namespace: world().namespace,
      uid: uid!,
      resourceVersion: resourceVersion!,
    };
    wanted.metadata.labels = { 'serin.dev/applied': 'yes' };
    const applied = await client().client.apply(wanted, world().kind);

    expect(applied.metadata.labels?.['serin.dev/applied']).toBe('yes');
    await expect(
      client().client.apply({ ...wanted, metadata: { ...wanted.metadata, labels: {} } }, world().kind),
    ).rejects.toThrow(ConflictError);
    await remove(created);
  });

  it('replaceStatus: writes the status and leaves the spec; a stale version is a ConflictError', async () => {
    const created = await make();
    const next = { ...created, spec: { wrong: true }, status: { phase: 'Progressing' } };
    const written = await client().client.replaceStatus(next, world().kind);

    expect(written['status']).toMatchObject({ phase: 'Progressing' });
    expect(written['spec']).toEqual(created['spec']);
    await expect(client().client.replaceStatus(next, world().kind)).rejects.toThrow(ConflictError);
    await remove(created);
  });

  it('remove: another uid or a stale version is a ConflictError; a second removal is none', async () => {
    const created = await make();
    const ref = refTo(world().kind, created);
    const { uid, resourceVersion } = created.metadata;

    await expect(client().client.remove(ref, 'other', resourceVersion!)).rejects.toThrow(ConflictError);
    await expect(client().client.remove(ref, uid!, '1')).rejects.toThrow(ConflictError);
    await client().client.remove(ref, uid!, resourceVersion!);
    await client().client.remove(ref, uid!, resourceVersion!);
    expect(await read(created)).toBeNull();
  });

  it('writes that are not fenced are refused before anything is sent', async () => {
    const bare = world().makeObject(freshName());
    bare.metadata.namespace = world().namespace;
    const ref = refTo(world().kind, bare);

    await expect(client().client.apply(bare, world().kind)).rejects.toThrow(BugError);
    await expect(client().client.replaceStatus(bare, world().kind)).rejects.toThrow(BugError);
    await expect(client().client.patch(ref, [{ op: 'add', path: '/spec', value: {} }])).rejects.toThrow(BugError);
    await expect(client().client.remove(ref, '', '1')).rejects.toThrow(BugError);
  });

  it('discover: the first served version in order of preference; null for what is not there', async () => {
    const { group, kind, version } = world().kind;

    expect(await client().client.discover(group, kind, ['v999', version])).toEqual(world().kind);
    expect(await client().client.discover(group, 'Nothing', [version])).toBeNull();
    expect(await client().client.discover('nowhere.example.com', kind, [version])).toBeNull();
  });

  it('list: selects by label, items say what they are', async () => {
    const mark = freshName();
    const [a, b, other] = await Promise.all([
      make((object) => (object.metadata.labels = { mark })),
      make((object) => (object.metadata.labels = { mark })),
      make(),
    ]);
    const found = await client().client.list(world().kind, world().namespace, { labelSelector: `mark=${mark}` });

    expect(found.items.map(({ metadata }) => metadata.name).toSorted()).toEqual(
      [a, b].map(({ metadata }) => metadata.name).toSorted(),
    );
    expect(found.items.every((item) => item.kind === world().kind.kind && item.apiVersion === a.apiVersion)).toBe(true);
    await Promise.all([a, b, other].map(remove));
  });

  it('list: more than two pages are one list', async ({ skip }) => {
    const wanted = world().manyObjects;
    skip(wanted === 0, 'this world is too slow for many objects');
    const mark = freshName();
    const made: KubeObject[] = [];
    while (made.length < wanted) {
      const batch = Math.min(32, wanted - made.length);
      const labelled = Array.from({ length: batch }, () => make((object) => (object.metadata.labels = { mark })));
      made.push(...(await Promise.all(labelled)));
    }
    const found = await client().client.list(world().kind, null, { labelSelector: `mark=${mark}` });

    expect(new Set(found.items.map(({ metadata }) => metadata.uid)).size).toBe(wanted);
    for (let at = 0; at < made.length; at += 32) await Promise.all(made.slice(at, at + 32).map(remove));
  });
}

function examineWatches({ client, world, make, remove, freshName }: Desk): void {
  it('watch: from the version of a list it shows what comes after, in order', async () => {
    const mark = freshName();
    const { resourceVersion } = await client().client.list(world().kind, world().namespace);
    const controller = new AbortController();
    const seen: WatchEvent[] = [];
    const watching = (async () => {
      const events = client().client.watch(world().kind, world().namespace, {
        resourceVersion,
        labelSelector: `mark=${mark}`,
        timeoutSeconds: 60,
        signal: controller.signal,
      });
      for await (const event of events) if (event.type !== 'BOOKMARK') seen.push(event);
    })().catch(() => undefined);
    const created = await make((object) => (object.metadata.labels = { mark }));
    const ref = refTo(world().kind, created);
    const patched = await client().client.patch(ref, fencedPatch(created, setAnnotationOps(created, 'x', '1')));
    await remove(patched);

    await until(() => seen.length >= 3);
    controller.abort();
    await watching;
    expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    expect(seen[1]?.object.metadata.resourceVersion).toBe(patched.metadata.resourceVersion);
  });

  it('cache: shows what others do, and our own writes at once, whose echoes are marked', async () => {
    const { kind, namespace } = world();
    const changes: CacheChange[] = [];
    const stop = client().cache.onChange((change) => changes.push(change));
    const release = await client().cache.want(kind, { namespace });
    const created = await make();
    const ref = refTo(kind, created);

    expect(client().cache.peek(ref)?.metadata.uid).toBe(created.metadata.uid);
    const isOf = ({ after }: CacheChange): boolean => after?.metadata.name === created.metadata.name;
    await until(() => changes.some(isOf));
    expect(changes.filter(isOf).every(({ isOwnWrite }) => isOwnWrite)).toBe(true);

    await remove(created);
    await until(() => client().cache.peek(ref) === null);
    stop();
    release();
    expect(client().cache.peek(ref)).toBeUndefined();
  });

  it('cache: waitNewer sees the version after the one given, and gives up after its limit', async () => {
    const { kind, namespace } = world();
    const release = await client().cache.want(kind, { namespace });
    const created = await make();
    const ref = refTo(kind, created);
    const waiting = client().cache.waitNewer(ref, created.metadata.resourceVersion!, 20_000);
    const patched = await client().client.patch(ref, fencedPatch(created, setAnnotationOps(created, 'x', '1')));

    expect(await waiting).toBe(true);
    expect(await client().cache.waitNewer(ref, patched.metadata.resourceVersion!, 50)).toBe(false);
    await remove(created);
    release();
  });
}

/** Waits for a condition on real I/O. */
export async function until(isDone: () => boolean, limitMs = 20_000): Promise<void> {
  const endMs = systemClock.monotonicMs() + limitMs;
  while (!isDone()) {
    if (systemClock.monotonicMs() > endMs) throw new Error('Cannot go on: the condition did not come true');
    await sleep(systemClock, 5);
  }
}
