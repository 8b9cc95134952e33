// The small parts of the mesh providers: hosts, durations, weights, and what counts as a difference.
import { describe, expect, it } from 'vitest';
import { gatewayDuration, parseDurationMs } from '../../../src/mesh/durations.ts';
import { grpcMethodOf } from '../../../src/mesh/http-match.ts';
import { retargetHost, roleOfHost } from '../../../src/mesh/names.ts';
import { annotationOps, disownOps, fencedBy } from '../../../src/mesh/patches.ts';
import { isAsWanted, keepForeign, removeSurplus } from '../../../src/mesh/spec-compare.ts';
import type { OurMembers } from '../../../src/mesh/spec-compare.ts';
import { shareOf } from '../../../src/mesh/weights.ts';
import { BugError } from '../../../src/errors.ts';
import { aRequest } from '../../conformance/mesh/requests.ts';

const request = aRequest();

describe('hosts of Services', () => {
  it.each([
    ['web', 'apex'],
    ['web.shop', 'apex'],
    ['web.shop.svc', 'apex'],
    ['web.shop.svc.cluster.local', 'apex'],
    ['web.shop.svc.corp.example.', 'apex'],
    ['web-primary.shop', 'primary'],
    ['web-canary', 'canary'],
    ['web.other', null],
    ['web.shop.example.com', null],
    ['webshop', null],
    ['', null],
  ])('%s is %s', (host, role) => {
    expect(roleOfHost(host, request)).toBe(role);
  });

  it('keeps the spelling when it changes the Service', () => {
    expect(retargetHost('web.shop.svc.cluster.local', 'primary', request)).toBe('web-primary.shop.svc.cluster.local');
    expect(retargetHost('web-primary.shop.', 'apex', request)).toBe('web.shop.');
    expect(retargetHost('legacy.shop', 'apex', request)).toBe('legacy.shop');
  });
});

describe('durations', () => {
  it.each([
    ['15s', 15_000],
    ['1m30s', 90_000],
    ['1.5s', 1_500],
    ['250ms', 250],
    ['0s', 0],
    ['', null],
    ['15', null],
    ['-1s', null],
    ['1s ', null],
  ])('%j is %s ms', (text, durationMs) => {
    expect(parseDurationMs(text)).toBe(durationMs);
  });

  it('spells what Gateway API accepts', () => {
    expect(gatewayDuration('1h30m')).toBe('1h30m');
    expect(gatewayDuration('1.5s')).toBe('1s500ms');
    expect(gatewayDuration('0.0s')).toBe('0s');
    expect(gatewayDuration('100000h')).toBeNull();
    expect(gatewayDuration('soon')).toBeNull();
  });
});

describe('weights', () => {
  it('does not round a small share to nothing', () => {
    expect(shareOf(90, 10)).toBe(10);
    expect(shareOf(9, 1)).toBe(10);
    expect(shareOf(0, 5)).toBe(100);
    expect(shareOf(9_999, 1)).toBeGreaterThan(0);
    expect(shareOf(0, 0)).toBeNull();
    expect(shareOf(-1, 1)).toBeNull();
    expect(shareOf(null, 1)).toBeNull();
  });
});

describe('differences', () => {
  const ours: OurMembers = { route: 'loose', timeout: 'exact', headers: 'exact' };
  const wanted = { http: [{ route: [{ host: 'a' }], timeout: '1s' }], hosts: ['web'] };

  it('ignores the order of members and what others added', () => {
    expect(
      isAsWanted(
        wanted,
        { hosts: ['web'], tls: [], http: [{ timeout: '1s', fault: {}, route: [{ host: 'a', zone: 1 }] }] },
        ours,
      ),
    ).toBe(true);
  });

  it.each([
    [
      'a member of ours that is not wanted',
      { http: [{ route: [{ host: 'a' }], timeout: '1s', headers: { x: 1 } }], hosts: ['web'] },
    ],
    ['another value', { http: [{ route: [{ host: 'b' }], timeout: '1s' }], hosts: ['web'] }],
    ['a missing member', { http: [{ route: [{ host: 'a' }] }], hosts: ['web'] }],
    ['one item more', { http: [{ route: [{ host: 'a' }], timeout: '1s' }, {}], hosts: ['web'] }],
    ['another type', { http: {}, hosts: ['web'] }],
    ['nothing', undefined],
  ])('sees %s', (_what, found) => {
    expect(isAsWanted(wanted, found, ours)).toBe(false);
  });

  it('takes empty for absent', () => {
    expect(isAsWanted({ hosts: [] }, {}, ours)).toBe(true);
    expect(isAsWanted({}, { headers: {} }, ours)).toBe(true);
  });

  it('carries members of others in lists over, and drops ours that are not wanted', () => {
    const found = { http: [{ route: [{ host: 'b', zone: 1 }], headers: { x: 1 }, fault: { y: 2 } }], exportTo: ['*'] };
    expect(keepForeign(wanted, found, ours)).toEqual({
      http: [{ route: [{ host: 'a', zone: 1 }], timeout: '1s', fault: { y: 2 } }],
      hosts: ['web'],
    });
  });

  it('removes only what is ours and outside lists', () => {
    expect(removeSurplus({ host: 'a' }, { host: 'a', headers: { x: 1 }, other: 1 }, ours, ['spec'])).toEqual([
      { op: 'remove', path: '/spec/headers' },
    ]);
    expect(removeSurplus({ headers: { x: 1 } }, { headers: { x: 1, 'y/z': 2 } }, ours, ['spec'])).toEqual([
      { op: 'remove', path: '/spec/headers/y~1z' },
    ]);
  });
});

describe('patches', () => {
  const object = {
    apiVersion: 'v1',
    kind: 'X',
    metadata: { name: 'x', resourceVersion: '7', annotations: { a: '1' } },
  };

  it('is fenced by the version read, or not made', () => {
    expect(fencedBy(object, [])).toEqual([{ op: 'replace', path: '/metadata/resourceVersion', value: '7' }]);
    expect(() => fencedBy({ ...object, metadata: { name: 'x' } }, [])).toThrow(BugError);
  });

  it('changes annotations one by one, and takes a map away with its last entry', () => {
    expect(annotationOps(object, { a: '1', 'b/c': '2' })).toEqual([
      { op: 'add', path: '/metadata/annotations/b~1c', value: '2' },
    ]);
    expect(annotationOps(object, { a: null, z: null })).toEqual([{ op: 'remove', path: '/metadata/annotations' }]);
    expect(annotationOps({ ...object, metadata: { name: 'x' } }, { a: '1' })).toEqual([
      { op: 'add', path: '/metadata/annotations', value: { a: '1' } },
    ]);
    expect(annotationOps(object, { a: '1', z: null })).toEqual([]);
  });

  it('takes exactly our reference away', () => {
    const owner = (uid: string): never => ({ apiVersion: 'v1', kind: 'X', name: uid, uid }) as never;
    const owned = (...uids: string[]): never =>
      ({ ...object, metadata: { name: 'x', ownerReferences: uids.map(owner) } }) as never;
    expect(disownOps(owned('a'), 'a')).toEqual([{ op: 'remove', path: '/metadata/ownerReferences' }]);
    expect(disownOps(owned('a', 'b', 'a'), 'a').map(({ path }) => path)).toEqual([
      '/metadata/ownerReferences/2',
      '/metadata/ownerReferences/0',
    ]);
    expect(disownOps(owned('b'), 'a')).toEqual([]);
  });
});

describe('gRPC methods from paths', () => {
  it.each([
    [null, { service: null, method: null }],
    [
      { how: 'prefix', value: '/' },
      { service: null, method: null },
    ],
    [
      { how: 'exact', value: '/a.b.C/Do' },
      { service: 'a.b.C', method: 'Do' },
    ],
    [
      { how: 'prefix', value: '/a.b.C/' },
      { service: 'a.b.C', method: null },
    ],
    [{ how: 'prefix', value: '/a.b.C/Do' }, null],
    [{ how: 'exact', value: '/a.b.C/' }, null],
    [{ how: 'regex', value: '/a.b.C/Do' }, null],
  ] as const)('%j', (path, method) => {
    expect(grpcMethodOf(path)).toEqual(method);
  });
});
