// The pure parts: versions, pointers, patches, paths, line splitting, backoff.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BugError } from '../../../src/errors.ts';
import { Backoff } from '../../../src/kube/backoff.ts';
import type { KubeObject, PatchOperation } from '../../../src/kube/contract.ts';
import { checkCreate, checkPatch } from '../../../src/kube/fence.ts';
import { DEPLOYMENT, NAMESPACE, POD, refOf } from '../../../src/kube/kinds.ts';
import {
  addFinalizerOps,
  fencedPatch,
  isOwnedBy,
  ownerReferenceOf,
  pointer,
  removeFinalizerOps,
  removeOwnerOps,
  setAnnotationOps,
  setMemberOps,
} from '../../../src/kube/patches.ts';
import { collectionPath, objectPath, withQuery } from '../../../src/kube/paths.ts';
import { compareVersions, isNewer } from '../../../src/kube/versions.ts';
import { splitLines } from '../../../src/kube/watch-stream.ts';
import { VirtualClock, seededRandom } from '../../support/virtual-clock.ts';

const object = (metadata: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', uid: 'u1', resourceVersion: '42', ...metadata },
});

describe('versions', () => {
  it('compare as integers of any length', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.bigInt({ min: 0n, max: 10n ** 40n }), (a, b) => {
        expect(Math.sign(compareVersions(String(a), String(b)))).toBe(a === b ? 0 : a < b ? -1 : 1);
      }),
    );
  });

  it('an empty one is the oldest; what is no number is news when it differs', () => {
    expect(isNewer('1', '')).toBe(true);
    expect(isNewer('', '1')).toBe(false);
    expect(isNewer('a', 'b') && isNewer('b', 'a')).toBe(true);
    expect(isNewer('a', 'a')).toBe(false);
  });
});

describe('patches', () => {
  it('pointers escape what RFC 6901 says', () => {
    expect(pointer('metadata', 'annotations', 'serin.dev/a~b', 0)).toBe('/metadata/annotations/serin.dev~1a~0b/0');
  });

  it('the fence comes first', () => {
    expect(fencedPatch(object(), [{ op: 'remove', path: '/x' }])).toEqual([
      { op: 'replace', path: '/metadata/resourceVersion', value: '42' },
      { op: 'remove', path: '/x' },
    ]);
    expect(() => fencedPatch(object({ resourceVersion: '' }), [])).toThrow(BugError);
  });

  it('an annotation: with the map when absent, nothing when it is so already', () => {
    const key = 'fence.serin.dev/u';
    expect(setAnnotationOps(object(), key, '1')).toEqual([
      { op: 'add', path: '/metadata/annotations', value: { [key]: '1' } },
    ]);
    const annotated = object({ annotations: { [key]: '1' } });
    expect(setAnnotationOps(annotated, key, '1')).toEqual([]);
    expect(setAnnotationOps(annotated, key, '2')).toEqual([
      { op: 'add', path: '/metadata/annotations/fence.serin.dev~1u', value: '2' },
    ]);
    expect(setAnnotationOps(annotated, key, null)).toEqual([
      { op: 'remove', path: '/metadata/annotations/fence.serin.dev~1u' },
    ]);
    expect(setAnnotationOps(object(), key, null)).toEqual([]);
    expect(setAnnotationOps(object({ annotations: {} }), 'toString', null)).toEqual([]);
  });

  it('a member: parents are made on the way, equal values cost nothing', () => {
    const target = { ...object(), spec: { replicas: 1, template: null } };
    expect(setMemberOps(target, ['spec', 'replicas'], 1)).toEqual([]);
    expect(setMemberOps(target, ['spec', 'replicas'], 3)).toEqual([{ op: 'add', path: '/spec/replicas', value: 3 }]);
    expect(setMemberOps(target, ['spec', 'template', 'a', 'b'], 1)).toEqual([
      { op: 'add', path: '/spec/template', value: { a: { b: 1 } } },
    ]);
    expect(setMemberOps(target, ['status', 'a'], { x: [1] })).toEqual([
      { op: 'add', path: '/status', value: { a: { x: [1] } } },
    ]);
  });

  it('finalizers exactly once, removals from the end', () => {
    expect(addFinalizerOps(object(), 'f')).toEqual([{ op: 'add', path: '/metadata/finalizers', value: ['f'] }]);
    expect(addFinalizerOps(object({ finalizers: ['g'] }), 'f')).toEqual([
      { op: 'add', path: '/metadata/finalizers/-', value: 'f' },
    ]);
    expect(addFinalizerOps(object({ finalizers: ['f'] }), 'f')).toEqual([]);
    expect(removeFinalizerOps(object({ finalizers: ['f', 'g', 'f'] }), 'f')).toEqual([
      { op: 'remove', path: '/metadata/finalizers/2' },
      { op: 'remove', path: '/metadata/finalizers/0' },
    ]);
  });

  it('owners are told by uid', () => {
    const owner = object();
    const owned = object({ ownerReferences: [ownerReferenceOf(owner)] });
    expect(owned.metadata.ownerReferences?.[0]).toMatchObject({
      kind: 'Deployment',
      name: 'web',
      uid: 'u1',
      controller: true,
    });
    expect(isOwnedBy(owned, 'u1')).toBe(true);
    expect(isOwnedBy(owned, 'u2')).toBe(false);
    expect(removeOwnerOps(owned, 'u1')).toEqual([{ op: 'remove', path: '/metadata/ownerReferences/0' }]);
    expect(() => ownerReferenceOf(object({ uid: '' }))).toThrow(BugError);
  });
});

describe('fences', () => {
  const ref = refOf(DEPLOYMENT, 'shop', 'web');
  const fence: PatchOperation = { op: 'replace', path: '/metadata/resourceVersion', value: '1' };

  it.each<[string, PatchOperation[]]>([
    ['none', []],
    ['a test, which answers 422 and not 409', [{ ...fence, op: 'test' }]],
    ['an add', [{ ...fence, op: 'add' }]],
    ['an empty version', [{ ...fence, value: '' }]],
    ['written over', [fence, { op: 'replace', path: '/metadata', value: {} }]],
    ['replaced twice', [fence, fence]],
    ['the whole object', [fence, { op: 'replace', path: '', value: {} }]],
  ])('%s is no fence', (_, operations) => {
    expect(() => checkPatch(ref, operations)).toThrow(BugError);
  });

  it('one is enough, wherever it stands', () => {
    checkPatch(ref, [{ op: 'add', path: '/spec/replicas', value: 1 }, fence]);
  });

  it('a create carries no version and is of its kind', () => {
    expect(() => checkCreate(object(), DEPLOYMENT)).toThrow('exists already');
    expect(() => checkCreate(object({ resourceVersion: '' }), POD)).toThrow('must be a v1 Pod');
  });
});

describe('paths', () => {
  it('of the core group, of named groups, of cluster-wide kinds', () => {
    expect(collectionPath(POD, null)).toBe('/api/v1/pods');
    expect(objectPath(refOf(DEPLOYMENT, 'shop', 'web'), 'status')).toBe(
      '/apis/apps/v1/namespaces/shop/deployments/web/status',
    );
    expect(objectPath(refOf(NAMESPACE, null, 'shop'))).toBe('/api/v1/namespaces/shop');
    expect(withQuery('/x', { a: '', b: undefined, c: 'app=web,tier in (a)' })).toBe('/x?c=app%3Dweb%2Ctier+in+%28a%29');
  });

  it.each(['', '.', '..', 'a/b', 'a%2fb'])('the name "%s" never reaches the wire', (name) => {
    expect(() => objectPath(refOf(POD, 'shop', name))).toThrow(BugError);
    expect(() => objectPath(refOf(POD, name, 'x'))).toThrow(BugError);
  });

  it('a namespaced object needs its namespace', () => {
    expect(() => objectPath(refOf(POD, null, 'x'))).toThrow(BugError);
  });
});

describe('splitLines', () => {
  it('gives back any lines however the bytes are cut', async () => {
    const line = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => text.trim() !== '' && !text.includes('\n'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        async (lines, sizes) => {
          const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
          const found: string[] = [];
          for await (const text of splitLines(cut(bytes, sizes), 1_000_000, 'x')) found.push(text);
          expect(found).toEqual(lines);
        },
      ),
    );
  });
});

describe('Backoff', () => {
  it('grows from 0.8 s to 5 s, spread to up to twice, and starts again after two quiet minutes', async () => {
    const clock = new VirtualClock();
    const backoff = new Backoff(clock, { ...seededRandom(1), next: () => 0 });
    const pauses: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      pauses.push(backoff.pauseMs());
      await clock.advance(pauses.at(-1)!);
    }
    expect(pauses).toEqual([800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000, 5_000]);
    await clock.advance(120_001);
    expect(backoff.pauseMs()).toBe(800);
    expect(new Backoff(clock, { ...seededRandom(1), next: () => 0.999 }).pauseMs()).toBe(1_599);
  });
});

async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0, round = 0; at < bytes.byteLength; round += 1) {
    const size = sizes[round % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
