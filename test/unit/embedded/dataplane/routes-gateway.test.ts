// How the Gateway API decides, and what its controller reports.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gatewayReader } from '../../../../src/embedded/dataplane/routes-gateway.ts';
import type { KubeObject } from '../../../../src/kube/contract.ts';
import { ask, begin, clock, end, open, server } from './routes-support.ts';

beforeEach(begin);
afterEach(end);

describe('gateway API', () => {
  const route = (name: string, spec: Record<string, unknown>, kind = 'HTTPRoute'): KubeObject => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata: { name, namespace: 'shop' },
    spec,
  });
  const gateway: KubeObject = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'public', namespace: 'shop' },
    spec: { gatewayClassName: 'any', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
  };
  const backend = (name: string, more: Record<string, unknown> = {}): unknown => [{ name, port: 80, ...more }];
  const statusOf = (name: string): unknown =>
    server.store
      .list(
        {
          group: 'gateway.networking.k8s.io',
          version: 'v1',
          kind: 'HTTPRoute',
          plural: 'httproutes',
          namespaced: true,
        },
        'shop',
      )
      .find(({ metadata }) => metadata.name === name)?.['status'];

  it('prefers the more specific match, wherever it stands', async () => {
    await open(gatewayReader, [
      gateway,
      route('web', {
        parentRefs: [{ name: 'public' }],
        hostnames: ['shop.example.com'],
        rules: [
          { backendRefs: backend('web') },
          { matches: [{ path: { type: 'PathPrefix', value: '/beta' } }], backendRefs: backend('web-primary') },
          {
            matches: [{ path: { type: 'PathPrefix', value: '/beta' }, headers: [{ name: 'X-User', value: 'in' }] }],
            backendRefs: backend('web-canary'),
          },
          { matches: [{ path: { type: 'Exact', value: '/beta/x' } }], backendRefs: backend('beta') },
        ],
      }),
    ]);
    const via = 'gateway';
    const host = 'shop.example.com';
    expect(ask(host, { via })).toBe('web');
    expect(ask(host, { via, path: '/beta' })).toBe('web-primary');
    expect(ask(host, { via, path: '/betas' })).toBe('web');
    expect(ask(host, { via, path: '/beta/x' })).toBe('beta');
    expect(ask(host, { via, path: '/beta/y', headers: { 'x-user': 'in' } })).toBe('web-canary');
    expect(ask('elsewhere.example.com', { via })).toBe(404);
    expect(ask(host)).toBe(404);
  });

  it('reports what a controller reports, for the generation it has seen', async () => {
    const object = route('web', { parentRefs: [{ name: 'public' }], rules: [{ backendRefs: backend('nobody') }] });
    await open(gatewayReader, [gateway, object]);
    expect(statusOf('web')).toMatchObject({
      parents: [
        {
          parentRef: { name: 'public' },
          conditions: [
            { type: 'Accepted', status: 'True', observedGeneration: 1 },
            { type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound', observedGeneration: 1 },
          ],
        },
      ],
    });
    expect(ask('any.example.com', { via: 'gateway' })).toBe(500);
    server.store.put({
      ...object,
      spec: { parentRefs: [{ name: 'public' }], rules: [{ backendRefs: backend('web') }] },
    });
    expect(JSON.stringify(statusOf('web'))).toContain('"observedGeneration":1');
    await clock.advance(100);
    expect(statusOf('web')).toMatchObject({
      parents: [
        { conditions: [{ observedGeneration: 2 }, { status: 'True', reason: 'ResolvedRefs', observedGeneration: 2 }] },
      ],
    });
  });

  it('has no status and no effect without its parent', async () => {
    await open(gatewayReader, [
      route('web', { parentRefs: [{ name: 'absent' }], rules: [{ backendRefs: backend('web') }] }),
    ]);
    expect(statusOf('web')).toBeUndefined();
    expect(ask('web', { via: 'gateway' })).toBe(404);
  });

  it('needs a grant to reach another namespace', async () => {
    const away = {
      parentRefs: [{ group: '', kind: 'Service', name: 'web' }],
      rules: [{ backendRefs: backend('away', { namespace: 'other' }) }],
    };
    await open(gatewayReader, [route('web', away)]);
    expect(ask('web')).toBe(500);
    expect(JSON.stringify(statusOf('web'))).toContain('RefNotPermitted');
    server.store.create({
      apiVersion: 'gateway.networking.k8s.io/v1beta1',
      kind: 'ReferenceGrant',
      metadata: { name: 'shop', namespace: 'other' },
      spec: {
        from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'shop' }],
        to: [{ group: '', kind: 'Service' }],
      },
    });
    await clock.advance(100);
    expect(ask('web')).toBe('away');
  });

  it('routes gRPC by service and method', async () => {
    await open(gatewayReader, [
      route(
        'calls',
        {
          parentRefs: [{ group: '', kind: 'Service', name: 'web' }],
          rules: [
            { matches: [{ method: { service: 'proto.DataService' } }], backendRefs: backend('web-primary') },
            {
              matches: [{ method: { service: 'proto.DataService', method: 'Get' } }],
              backendRefs: backend('web-canary'),
            },
          ],
        },
        'GRPCRoute',
      ),
    ]);
    expect(ask('web', { path: '/proto.DataService/Get' })).toBe('web-canary');
    expect(ask('web', { path: '/proto.DataService/List' })).toBe('web-primary');
    expect(ask('web', { path: '/proto.Other/Get' })).toBe(404);
  });
});
