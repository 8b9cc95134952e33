// How Istio and SMI decide, by the words of their documentation.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { istioReader } from '../../../../src/embedded/dataplane/routes-istio.ts';
import { smiReader } from '../../../../src/embedded/dataplane/routes-smi.ts';
import type { KubeObject } from '../../../../src/kube/contract.ts';
import { ask, begin, clock, dial, end, open, server } from './routes-support.ts';

beforeEach(begin);
afterEach(end);

const to = (host: string): unknown => [{ destination: { host } }];

describe('istio', () => {
  const virtualService = (spec: Record<string, unknown>, name = 'web'): KubeObject => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, namespace: 'shop' },
    spec,
  });

  it('takes the first rule that matches; conditions of a match hold together, matches of a rule do not', async () => {
    await open(istioReader, [
      virtualService({
        hosts: ['web'],
        http: [
          {
            match: [
              { headers: { 'x-user': { exact: 'insider' } }, uri: { prefix: '/a' } },
              { headers: { cookie: { regex: '^(.*;\\s*)?canary=always(;.*)?$' } } },
              { queryParams: { track: { exact: 'beta' } }, method: { exact: 'POST' } },
            ],
            route: to('web-canary'),
          },
          { match: [{ uri: { exact: '/beta' } }], route: to('beta.shop.svc.cluster.local') },
          { match: [{ withoutHeaders: { 'x-old': {} } }], route: to('web-primary') },
        ],
      }),
    ]);
    expect(ask('web')).toBe('web-primary');
    expect(ask('web', { headers: { 'x-user': 'insider' } })).toBe('web-primary');
    expect(ask('web', { headers: { 'x-user': 'insider' }, path: '/a/b' })).toBe('web-canary');
    expect(ask('web', { headers: { cookie: 'a=b; canary=always' } })).toBe('web-canary');
    expect(ask('web', { headers: { cookie: 'notcanary=always' } })).toBe('web-primary');
    expect(ask('web', { path: '/?track=beta', method: 'POST' })).toBe('web-canary');
    expect(ask('web', { path: '/beta' })).toBe('beta');
    expect(ask('web', { headers: { 'x-old': '1' } })).toBe(404);
    expect(ask('web-canary')).toBe('web-canary');
  });

  it('follows one level of delegation: hosts and gateways of the root, conditions of both', async () => {
    await open(istioReader, [
      virtualService(
        {
          hosts: ['shop.example.com'],
          gateways: ['istio-system/public'],
          http: [
            {
              match: [{ uri: { prefix: '/shop' } }],
              delegate: { name: 'web' },
              headers: { request: { set: { a: 'b' } } },
            },
            { match: [{ uri: { prefix: '/other' } }], delegate: { name: 'nobody' } },
            { match: [{ uri: { prefix: '/far' } }], delegate: { name: 'web', namespace: 'elsewhere' } },
            { route: to('beta') },
          ],
        },
        'root',
      ),
      virtualService({
        http: [
          { match: [{ uri: { prefix: '/shop/new' } }], route: to('web-canary') },
          { match: [{ uri: { prefix: '/outside' } }], route: to('web-canary') },
          { match: [{ uri: { prefix: '/shop/deep' } }], delegate: { name: 'deeper' } },
          { route: to('web-primary') },
        ],
      }),
    ]);
    const at = (path: string): unknown => ask('shop.example.com', { via: 'gateway', path });
    expect(at('/shop')).toBe('web-primary');
    expect(at('/shop/new/1')).toBe('web-canary');
    expect(at('/shop/deep')).toBe('web-primary');
    expect(at('/outside')).toBe('beta');
    expect(at('/other')).toBe('beta');
    expect(at('/far')).toBe('beta');
    // A delegate alone routes nothing: its Service is a plain one.
    expect(ask('web')).toBe('web');
  });

  it('splits connections by spec.tcp, and by the port that they are made to', async () => {
    await open(istioReader, [
      virtualService({
        hosts: ['web'],
        http: [{ route: to('beta') }],
        tcp: [
          { match: [{ port: 5432, sourceLabels: { app: 'a' } }], route: to('beta') },
          { match: [{ port: 5432 }], route: to('web-canary') },
        ],
      }),
    ]);
    expect(dial('web:5432')).toBe('web-canary');
    expect(dial('web.shop.svc.cluster.local:5432')).toBe('web-canary');
    // No rule for this port: the Service itself. HTTP rules hold for no connection, TCP rules for no request.
    expect(dial('web:80')).toBe('web');
    expect(ask('web:5432')).toBe('beta');
    expect(dial('nowhere:80')).toBe(503);
    expect(dial('web:80', 'gateway')).toBe(503);
  });

  it('keeps gateway and mesh apart', async () => {
    await open(istioReader, [
      virtualService({
        hosts: ['shop.example.com', 'web'],
        gateways: ['istio-system/public'],
        http: [{ route: to('web-canary') }],
      }),
      virtualService({ hosts: ['*.example.org'], gateways: ['mesh', 'public'], http: [{ route: to('beta') }] }, 'both'),
    ]);
    expect(ask('shop.example.com', { via: 'gateway' })).toBe('web-canary');
    expect(ask('shop.example.com')).toBe(404);
    expect(ask('web')).toBe('web');
    expect(ask('a.example.org', { via: 'gateway' })).toBe('beta');
    expect(ask('a.example.org')).toBe('beta');
  });

  it('gives nothing to a destination without a weight, and fails for a missing subset', async () => {
    await open(istioReader, [
      virtualService({
        hosts: ['web'],
        http: [
          { route: [{ destination: { host: 'web-primary' } }, { destination: { host: 'web-canary' }, weight: 1 }] },
        ],
      }),
      virtualService(
        { hosts: ['beta'], http: [{ route: [{ destination: { host: 'beta', subset: 'gone' } }] }] },
        'beta',
      ),
    ]);
    expect(ask('web')).toBe('web-canary');
    expect(ask('beta')).toBe(500);
  });

  it('follows a change only after the lag', async () => {
    const object = virtualService({ hosts: ['web'], http: [{ route: to('web-primary') }] });
    await open(istioReader, [object]);
    server.store.put({ ...object, spec: { hosts: ['web'], http: [{ route: to('web-canary') }] } });
    await clock.advance(10);
    expect(ask('web')).toBe('web-primary');
    await clock.advance(20);
    expect(ask('web')).toBe('web-canary');
  });
});

describe('smi', () => {
  it('divides only what goes to the root Service', async () => {
    await open(smiReader, [
      {
        apiVersion: 'split.smi-spec.io/v1alpha2',
        kind: 'TrafficSplit',
        metadata: { name: 'web', namespace: 'shop' },
        spec: {
          service: 'web',
          backends: [
            { service: 'web-primary', weight: 0 },
            { service: 'web-canary', weight: 5 },
          ],
        },
      },
    ]);
    expect(ask('web')).toBe('web-canary');
    expect(ask('web-primary')).toBe('web-primary');
  });
});
