// Small parts: field sets, patches, quantities, ages, paths, selectors.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ageOf } from '../../../../src/embedded/apiserver/age.ts';
import {
  differenceOf,
  EMPTY_TREE,
  type FieldTree,
  intersectionOf,
  isEmptyTree,
  makeTree,
  treeFromJson,
  treeToJson,
  unionOf,
} from '../../../../src/embedded/apiserver/field-tree.ts';
import { findAll } from '../../../../src/embedded/apiserver/json-path.ts';
import { copyOf, isSame, shareWith } from '../../../../src/embedded/apiserver/json.ts';
import { applyJsonPatch, applyMergePatch } from '../../../../src/embedded/apiserver/patch-json.ts';
import { canonicalQuantity } from '../../../../src/embedded/apiserver/quantity.ts';
import { parseLabelSelector } from '../../../../src/embedded/apiserver/selectors.ts';
import { canonicalJson } from '../../../../src/util/json.ts';

const KEYS = ['f:a', 'f:b', 'k:{"n":"x"}', 'v:1'];

/** Trees of at most the given depth. */
function treesOf(depth: number): fc.Arbitrary<FieldTree> {
  if (depth === 0) return fc.constant(makeTree(true, new Map()));
  const children = fc.dictionary(fc.constantFrom(...KEYS), treesOf(depth - 1), { maxKeys: 3 });
  return fc
    .record({ isOwned: fc.boolean(), children })
    .map(({ isOwned, children: held }) => prune(makeTree(isOwned, new Map(Object.entries(held)))));
}

const trees = treesOf(3);

/** Trees in use hold no empty branches. */
function prune(tree: FieldTree): FieldTree {
  const children = [...tree.children]
    .map(([key, child]) => [key, prune(child)] as const)
    .filter(([, child]) => !isEmptyTree(child));
  return makeTree(tree.isOwned, new Map(children));
}

const same = (a: FieldTree, b: FieldTree): boolean =>
  isEmptyTree(differenceOf(a, b)) && isEmptyTree(differenceOf(b, a));

describe('sets of fields', () => {
  test('union, intersection and difference fit together', () => {
    fc.assert(
      fc.property(trees, trees, (a, b) => {
        expect(same(unionOf(a, b), unionOf(b, a))).toBe(true);
        expect(same(unionOf(differenceOf(a, b), intersectionOf(a, b)), a)).toBe(true);
        expect(isEmptyTree(intersectionOf(differenceOf(a, b), b))).toBe(true);
        expect(same(unionOf(a, EMPTY_TREE), a)).toBe(true);
      }),
    );
  });

  test('survive being written as FieldsV1', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const below = makeTree(false, new Map([['f:top', makeTree(true, tree.children)]]));
        expect(same(treeFromJson(JSON.parse(JSON.stringify(treeToJson(below)))), below)).toBe(true);
      }),
    );
  });

  test('are the same object when nothing changes', () => {
    const tree = treeFromJson({ 'f:a': { 'f:b': {} } });
    expect(unionOf(tree, treeFromJson({ 'f:a': { 'f:b': {} } }))).toBe(tree);
    expect(differenceOf(tree, treeFromJson({ 'f:c': {} }))).toBe(tree);
  });
});

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<unknown>;

describe('JSON values', () => {
  test('isSame agrees with the canonical text', () => {
    fc.assert(fc.property(json, json, (a, b) => isSame(a, b) === (canonicalJson(a) === canonicalJson(b))));
    fc.assert(fc.property(json, (a) => isSame(a, copyOf(a))));
  });

  test('sharing changes nothing but identity', () => {
    fc.assert(
      fc.property(json, json, (old, next) => {
        expect(isSame(shareWith(old, next), next)).toBe(true);
        expect(shareWith(old, copyOf(old))).toBe(old);
      }),
    );
  });
});

describe('patches', () => {
  test('do not change the document', () => {
    const document = { a: { b: [1, 2, { c: 3 }] } };
    const before = copyOf(document);
    applyJsonPatch(document, [
      { op: 'replace', path: '/a/b/2/c', value: 4 },
      { op: 'add', path: '/a/b/0', value: 0 },
    ]);
    applyMergePatch(document, { a: { b: null, d: 1 } });
    expect(document).toEqual(before);
  });

  test('a JSON Patch keeps the parts that it does not touch', () => {
    const document = { a: { x: 1 }, b: { y: 2 } };
    const next = applyJsonPatch(document, [{ op: 'replace', path: '/a/x', value: 2 }]) as typeof document;
    expect(next.b).toBe(document.b);
    expect(next.a).not.toBe(document.a);
  });

  test('a member named __proto__ is only a member', () => {
    const patch = JSON.parse('[{"op":"add","path":"/__proto__","value":{"isBad":true}}]') as unknown;
    const next = applyJsonPatch({}, patch) as Record<string, unknown>;
    expect(({} as Record<string, unknown>)['isBad']).toBeUndefined();
    expect(Object.keys(next)).toEqual(['__proto__']);
  });
});

test.each([
  ['1', '1'],
  ['1000m', '1'],
  [0.1, '100m'],
  ['0.5', '500m'],
  ['1500m', '1500m'],
  ['1024Mi', '1Gi'],
  ['1.5Gi', '1536Mi'],
  ['1000Mi', '1000Mi'],
  ['1000', '1k'],
  ['1e3', '1e3'],
  ['100k', '100k'],
  ['-2000m', '-2'],
  ['0', '0'],
  ['0.0000000001', '1n'],
  ['abc', null],
  ['1Qi', null],
])('the quantity %s is stored as %s', (given, stored) => {
  expect(canonicalQuantity(given)).toBe(stored);
});

test.each([
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [205, '3m25s'],
  [600, '10m'],
  [3 * 3600, '3h'],
  [3 * 3600 + 300, '3h5m'],
  [10 * 3600, '10h'],
  [2 * 86400 + 3 * 3600, '2d3h'],
  [30 * 86400, '30d'],
  [3 * 365 * 86400 + 86400, '3y1d'],
])('%i seconds ago is printed as %s', (seconds, text) => {
  const nowMs = Date.UTC(2026, 0, 1);
  expect(ageOf(new Date(nowMs - seconds * 1000).toISOString(), nowMs)).toBe(text);
});

test.each([
  ['.spec.a', ['x']],
  ['.spec.list[1].n', [2]],
  ['.spec.list[-1].n', [2]],
  ['.spec.list[*].n', [1, 2]],
  ['.spec.list[?(@.n==2)].name', ['two']],
  ['.spec.list[?(@.name=="one")].n', [1]],
  [".metadata.labels['a.b/c']", ['d']],
  ['.metadata.labels.a\\.b/c', ['d']],
  ['.spec.none.deeper', []],
  ['{.spec.a}', ['x']],
])('the path %s finds %j', (path, found) => {
  const object = {
    metadata: { labels: { 'a.b/c': 'd' } },
    spec: {
      a: 'x',
      list: [
        { n: 1, name: 'one' },
        { n: 2, name: 'two' },
      ],
    },
  };
  expect(findAll(path, object)).toEqual(found);
});

test.each([
  ['a=b', { a: 'b' }, true],
  ['a=b', {}, false],
  ['a!=b', {}, true],
  ['a in (b, c)', { a: 'c' }, true],
  ['a notin (b,c)', { a: 'c' }, false],
  ['a notin (b,c)', {}, true],
  ['a,!b', { a: '' }, true],
  ['a,!b', { a: '', b: '' }, false],
  ['n>3', { n: '4' }, true],
  ['n<3', { n: '4' }, false],
  ['x.y/z=1', { 'x.y/z': '1' }, true],
])('the selector %s on %j: %s', (selector, labels, isSelected) => {
  expect(parseLabelSelector(selector)(labels as Record<string, string>)).toBe(isSelected);
});
