// What is particular to Gateway API: parents and their status, GAMMA, filters, what it cannot say.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServiceSpec } from '../../../src/api/types.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { aRequest } from '../../conformance/mesh/requests.ts';
import { gatewayApi } from '../../conformance/mesh/subject-gateway-api.ts';
import { openWorld } from '../../conformance/mesh/world.ts';
import type { World } from '../../conformance/mesh/world.ts';

const PUBLIC = { name: 'public', namespace: 'infra' };
const MESH = { group: '', kind: 'Service', name: 'web', port: 80 };

describe('gateway-api', () => {
  let world: World;
  beforeEach(() => {
    world = openWorld(gatewayApi);
  });
  afterEach(() => world.embedded.close());
  const request = aRequest({ gatewayRefs: [PUBLIC, MESH] });
  const specOf = (object: KubeObject): { rules: Record<string, unknown>[] } => object['spec'] as never;

  describe('live weight', () => {
    type Condition = readonly [type: string, status: string, generationsBehind?: number];
    const report = (parents: readonly (readonly [object, readonly Condition[]])[]): void => {
      const generation = world.route().metadata.generation ?? 0;
      const status = {
        parents: parents.map(([parentRef, conditions]) => ({
          parentRef,
          controllerName: 'example.com/gateway',
          conditions: conditions.map(([type, value, behind = 0]) => ({
            type,
            status: value,
            reason: type,
            message: '',
            lastTransitionTime: '2026-01-01T00:00:00Z',
            ...(Number.isNaN(behind) ? {} : { observedGeneration: generation - behind }),
          })),
        })),
      };
      world.embedded.api.store.mutate(
        gatewayApi.routeRef.kind,
        'shop',
        'web',
        (draft) => Object.assign(draft, { status }),
        { subresource: 'status' },
      );
    };
    const live = async (): Promise<unknown> => (await world.read(request)).seen.livePercent;
    const good: Condition[] = [
      ['Accepted', 'True'],
      ['ResolvedRefs', 'True'],
    ];
    const parent = { group: 'gateway.networking.k8s.io', kind: 'Gateway', ...PUBLIC };

    it('is known when every parent has taken this generation', async () => {
      await world.ensure(request, 0);
      await world.write(request, 30);
      report([
        [parent, good],
        [MESH, [['Accepted', 'True']]],
      ]);
      expect(await live()).toBe(30);
      report([
        [parent, [...good, ['Programmed', 'True']]],
        [{ ...MESH, namespace: 'shop' }, good],
      ]);
      expect(await live()).toBe(30);
    });

    it.each([
      ['a parent has not reported', [[parent, good]]],
      [
        'a parent is another section',
        [
          [{ ...parent, sectionName: 'x' }, good],
          [MESH, good],
        ],
      ],
      [
        'a parent refuses',
        [
          [parent, [['Accepted', 'False']]],
          [MESH, good],
        ],
      ],
      [
        'a backend is not found',
        [
          [
            parent,
            [
              ['Accepted', 'True'],
              ['ResolvedRefs', 'False'],
            ],
          ],
          [MESH, good],
        ],
      ],
      [
        'it is not programmed yet',
        [
          [parent, [...good, ['Programmed', 'False']]],
          [MESH, good],
        ],
      ],
      [
        'a part is invalid',
        [
          [parent, [...good, ['PartiallyInvalid', 'True']]],
          [MESH, good],
        ],
      ],
      [
        'one of two controllers refuses',
        [
          [parent, good],
          [parent, [['Accepted', 'False']]],
          [MESH, good],
        ],
      ],
      [
        'nothing says Accepted',
        [
          [parent, [['ResolvedRefs', 'True']]],
          [MESH, good],
        ],
      ],
    ] as const)('is unknown while %s', async (_what, parents) => {
      await world.ensure(request, 0);
      report(parents);
      expect(await live()).toBe('unknown');
    });

    it.each([
      [
        'one parent has not followed',
        [
          [parent, [['Accepted', 'True', 1]]],
          [MESH, good],
        ],
      ],
      [
        'its references were looked at before',
        [
          [
            parent,
            [
              ['Accepted', 'True'],
              ['ResolvedRefs', 'True', 1],
            ],
          ],
          [MESH, good],
        ],
      ],
      [
        'what was refused is an older version',
        [
          [parent, [['Accepted', 'False', 1]]],
          [MESH, good],
        ],
      ],
    ] as const)('is pending while %s', async (_what, parents) => {
      await world.ensure(request, 0);
      report(parents);
      expect(await live()).toBe('pending');
      // A parent that the route does not name is nobody's concern.
      report([
        [parent, good],
        [MESH, good],
        [{ ...parent, name: 'gone' }, [['Accepted', 'True', 1]]],
      ]);
      expect(await live()).toBe(0);
    });

    it('does not wait for the report of a controller that is gone', async () => {
      await world.ensure(request, 0);
      report([
        [parent, [['Accepted', 'True', 1]]],
        [parent, good],
        [MESH, good],
      ]);
      expect(await live()).toBe(0);
    });

    it('is unknown where a controller does not say of which version it speaks', async () => {
      await world.ensure(request, 0);
      report([
        [parent, [['Accepted', 'True', Number.NaN]]],
        [MESH, good],
      ]);
      expect(await live()).toBe('unknown');
    });

    it('is pending after the release until the parents have followed', async () => {
      await world.ensure(request, 0);
      report([
        [parent, good],
        [MESH, good],
      ]);
      await world.driver.release(request, await world.read(request), false);
      expect(await live()).toBe('pending');
      report([
        [parent, good],
        [MESH, good],
      ]);
      expect(await live()).toBe('unknown');
    });
  });

  it('writes filters in one order, whatever order the headers come in', async () => {
    const service: Partial<ServiceSpec> = {
      gatewayRefs: [PUBLIC],
      headers: { request: { set: { b: '2', a: '1' }, remove: ['c'] }, response: {} },
      rewrite: { uri: '/new' },
      corsPolicy: { allowOrigin: ['https://a.example.com'], allowOrigins: [{ exact: '*' }], maxAge: '1h' },
    };
    await world.ensure(aRequest(service), 0);
    expect(specOf(world.route()).rules[0]!['filters']).toEqual([
      {
        type: 'RequestHeaderModifier',
        requestHeaderModifier: {
          set: [
            { name: 'a', value: '1' },
            { name: 'b', value: '2' },
          ],
          remove: ['c'],
        },
      },
      { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/new' } } },
      { type: 'CORS', cors: { allowOrigins: ['https://a.example.com', '*'], maxAge: 3_600 } },
    ]);
    expect((await world.read(aRequest(service))).seen.state).toBe('ready');
  });

  it('makes a GRPCRoute for gRPC', async () => {
    const wish = aRequest(
      { gatewayRefs: [PUBLIC], match: [{ uri: { exact: '/a.B/Do' }, headers: { x: { exact: '1' } } }] },
      'grpc',
    );
    await world.ensure(wish, 0);
    expect(world.written.map(({ kind }) => kind)).toEqual(['GRPCRoute']);
    expect(specOf(world.written[0]!).rules[0]!['matches']).toEqual([
      { method: { type: 'Exact', service: 'a.B', method: 'Do' }, headers: [{ type: 'Exact', name: 'x', value: '1' }] },
    ]);
    expect((await world.read(wish)).seen.state).toBe('ready');
  });

  it.each([
    ['no parent', {}, 'http', 'spec.service.gatewayRefs'],
    ['a time-out that is none', { timeout: 'soon' }, 'http', 'spec.service.timeout'],
    [
      'a backend time-out above the time-out',
      { timeout: '1s', backendTimeout: '2s' },
      'http',
      'spec.service.backendTimeout',
    ],
    ['a header prefix', { match: [{ headers: { x: { prefix: 'a' } } }] }, 'http', 'spec.service.match[0].headers.x'],
    ['a method by regex', { match: [{ method: { regex: 'G.*' } }] }, 'http', 'spec.service.match[0].method.regex'],
    ['a match by source', { match: [{ sourceLabels: { app: 'a' } }] }, 'http', 'spec.service.match[0].sourceLabels'],
    [
      'an origin by pattern',
      { corsPolicy: { allowOrigins: [{ regex: '.*' }] } },
      'http',
      'spec.service.corsPolicy.allowOrigins[0]',
    ],
    ['an age that is none', { corsPolicy: { maxAge: '1d' } }, 'http', 'spec.service.corsPolicy.maxAge'],
    [
      'a prefix to replace of two',
      {
        rewrite: { uri: '/', type: 'ReplacePrefixMatch' },
        match: [{ uri: { prefix: '/a' } }, { uri: { prefix: '/b' } }],
      },
      'http',
      'spec.service.rewrite.type',
    ],
    ['a time-out of gRPC', { timeout: '5s' }, 'grpc', 'spec.service.timeout'],
    ['half a gRPC method', { match: [{ uri: { prefix: '/a.B/D' } }] }, 'grpc', 'spec.service.match[0].uri'],
  ] as const)('refuses %s', (what, service, protocol, path) => {
    const gatewayRefs = what === 'no parent' ? [] : [PUBLIC];
    expect(world.driver.validate(aRequest({ gatewayRefs, ...service }, protocol)).map((flaw) => flaw.path)).toContain(
      path,
    );
  });
});
