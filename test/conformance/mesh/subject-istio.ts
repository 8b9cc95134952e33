// Istio before the exam: VirtualService and DestinationRule as istio.io documents them.
import type { KubeObject } from '../../../src/kube/contract.ts';
import { refOf } from '../../../src/kube/kinds.ts';
import { meshProvider } from '../../../src/mesh/istio.ts';
import { anObject } from './subject.ts';
import type { MeshSubject } from './subject.ts';

const kind = {
  group: 'networking.istio.io',
  version: 'v1',
  kind: 'VirtualService',
  plural: 'virtualservices',
  namespaced: true,
};
const routeRef = refOf(kind, 'shop', 'web');

interface Rule {
  route?: { destination: { host: string }; weight?: number }[];
  [member: string]: unknown;
}
type Section = 'http' | 'tcp';
const rulesOf = (object: unknown, section: Section): Rule[] =>
  (object as { spec: Partial<Record<Section, Rule[]>> }).spec[section] ?? [];
const httpOf = (object: unknown): Rule[] => rulesOf(object, 'http');
const splitsOf =
  (section: Section): MeshSubject['splits'] =>
  (route) =>
    rulesOf(route, section).flatMap((rule) =>
      rule.route === undefined
        ? []
        : [
            rule.route.map(({ destination, weight }) => ({
              name: destination.host.split('.')[0]!,
              weight: weight ?? null,
            })),
          ],
    );

const other = {
  match: [{ uri: { prefix: '/legacy' } }],
  route: [{ destination: { host: 'legacy', subset: 'v2' }, weight: 100 }],
};

export const istio: MeshSubject = {
  provider: meshProvider,
  minimal: {},
  full: {
    http: {
      timeout: '15s',
      gateways: ['istio-system/public', 'mesh'],
      hosts: ['shop.example.com'],
      portDiscovery: true,
      trafficPolicy: {
        tls: { mode: 'ISTIO_MUTUAL' },
        outlierDetection: { consecutive5xxErrors: 5, interval: '10s' },
        loadBalancer: { simple: 'LEAST_REQUEST' },
      },
      match: [
        { uri: { prefix: '/' }, headers: { 'x-user': { exact: 'me' } }, method: { exact: 'GET' } },
        { queryParams: { v: { regex: '2.*' } } },
      ],
      rewrite: { uri: '/', authority: 'web.example.com' },
      retries: { attempts: 3, perTryTimeout: '1s', retryOn: 'gateway-error,connect-failure,refused-stream' },
      headers: {
        request: { set: { 'x-a': '1' }, add: { 'x-b': '2' }, remove: ['x-c'] },
        response: { set: { 'x-d': '4' } },
      },
      corsPolicy: {
        allowOrigins: [{ exact: 'https://shop.example.com' }, { regex: '.*' }],
        allowMethods: ['GET'],
        allowCredentials: true,
        maxAge: '24h',
      },
    },
    grpc: { grpc: { serviceName: 'proto.DataService', methodName: 'Query' }, timeout: '2s', hosts: ['*'] },
  },
  crds: [['istio/crd-all.gen.yaml']],
  crdNames: ['virtualservices.networking.istio.io', 'destinationrules.networking.istio.io'],
  routeRef,
  splits: splitsOf('http'),
  apexTarget: 'web',
  foreign: () => [
    anObject(routeRef, {
      hosts: ['shop.example.com', 'web'],
      gateways: ['public'],
      exportTo: ['*'],
      http: [
        {
          name: 'checkout',
          match: [{ uri: { prefix: '/checkout' } }],
          timeout: '5s',
          fault: { delay: { percentage: { value: 1 }, fixedDelay: '1s' } },
          route: [
            {
              destination: { host: 'web.shop.svc.cluster.local', port: { number: 80 } },
              headers: { request: { set: { a: 'b' } } },
            },
          ],
        },
        {
          match: [{ headers: { 'x-user': { exact: 'me' } } }],
          route: [{ weight: 100, destination: { host: 'web' } }],
          retries: { attempts: 1 },
        },
        other,
      ],
      tls: [{ match: [{ port: 443, sniHosts: ['shop.example.com'] }], route: [{ destination: { host: 'web' } }] }],
    }),
  ],
  mixed: () => [
    anObject(routeRef, {
      hosts: ['web'],
      http: [
        {
          route: [
            { destination: { host: 'web' }, weight: 80 },
            { destination: { host: 'legacy' }, weight: 20 },
          ],
        },
      ],
    }),
  ],
  stranger: () => anObject(routeRef, { hosts: ['web'], http: [other, { redirect: { uri: '/' } }] }),
  spoil: (route) => {
    const http = httpOf(route)[0]!;
    http['timeout'] = '99s';
    http.route = [http.route![0]!, { ...http.route![1]!, destination: { host: 'elsewhere' } }];
    (route['spec'] as Record<string, unknown>)['gateways'] = ['somewhere'];
    // The weights as they were: what is repaired around them must not move them.
    http.route[1]!.destination.host = 'web-canary';
  },
  addForeign: (route) => {
    httpOf(route)[0]!['fault'] = { delay: { percentage: { value: 1 }, fixedDelay: '1s' } };
    (route['spec'] as Record<string, unknown>)['exportTo'] = ['*'];
  },
  report: null,
};

/** A delegate: hosts and gateways belong to the VirtualService that leads to it (istio.io, Virtual Service, Delegate). */
export const istioDelegate: MeshSubject = {
  ...istio,
  variant: 'delegate',
  minimal: { delegation: true },
  full: { http: without(istio.full.http, ['hosts', 'gateways']), grpc: without(istio.full.grpc, ['hosts']) },
  foreign: () => istio.foreign().map(asDelegate),
  mixed: () => istio.mixed().map(asDelegate),
  stranger: () => asDelegate(istio.stranger()),
  spoil: (route) => {
    istio.spoil(route);
    // Istio takes no delegate that has hosts.
    (route['spec'] as Record<string, unknown>)['hosts'] = ['web'];
  },
};

function without<T extends object>(service: T | undefined, fields: readonly string[]): T {
  return Object.fromEntries(Object.entries(service ?? {}).filter(([name]) => !fields.includes(name))) as T;
}

function asDelegate(object: KubeObject): KubeObject {
  const { hosts: _hosts, gateways: _gateways, tls: _tls, ...spec } = object['spec'] as Record<string, unknown>;
  return { ...object, spec };
}

const otherTcp = { match: [{ port: 5432 }], route: [{ destination: { host: 'legacy', subset: 'v2' }, weight: 100 }] };

/** TCP: spec.tcp, whose matches are L4MatchAttributes (istio.io, TCPRoute). */
export const istioTcp: MeshSubject = {
  ...istio,
  variant: 'TCP',
  protocol: 'tcp',
  full: {
    tcp: {
      appProtocol: 'TCP',
      gateways: ['istio-system/public', 'mesh'],
      hosts: ['db.example.com'],
      portDiscovery: true,
      trafficPolicy: { connectionPool: { tcp: { maxConnections: 10, connectTimeout: '5s' } } },
      match: [
        { name: 'inside', port: 80, sourceLabels: { app: 'shop' }, gateways: ['mesh'] },
        { port: 9000, sourceNamespace: 'shop' },
      ],
    },
  },
  splits: splitsOf('tcp'),
  foreign: () => [
    anObject(routeRef, {
      hosts: ['db.example.com', 'web'],
      gateways: ['public'],
      exportTo: ['*'],
      tcp: [
        {
          match: [{ port: 9000 }],
          route: [{ destination: { host: 'web.shop.svc.cluster.local', port: { number: 80 } } }],
        },
        { match: [{ port: 9001 }], route: [{ weight: 100, destination: { host: 'web' } }] },
        otherTcp,
      ],
      http: [{ route: [{ destination: { host: 'web' } }] }],
      tls: [{ match: [{ port: 443, sniHosts: ['shop.example.com'] }], route: [{ destination: { host: 'web' } }] }],
    }),
  ],
  mixed: () => [
    anObject(routeRef, {
      hosts: ['web'],
      tcp: [
        {
          route: [
            { destination: { host: 'web' }, weight: 80 },
            { destination: { host: 'legacy' }, weight: 20 },
          ],
        },
      ],
    }),
  ],
  // HTTP rules hold for no TCP connection.
  stranger: () =>
    anObject(routeRef, { hosts: ['web'], tcp: [otherTcp], http: [{ route: [{ destination: { host: 'web' } }] }] }),
  spoil: (route) => {
    rulesOf(route, 'tcp')[0]!['match'] = [{ port: 1 }];
    (route['spec'] as Record<string, unknown>)['gateways'] = ['somewhere'];
  },
  addForeign: (route) => {
    (route['spec'] as Record<string, unknown>)['exportTo'] = ['*'];
    (route['spec'] as Record<string, unknown>)['tls'] = [
      { match: [{ port: 443, sniHosts: ['shop.example.com'] }], route: [{ destination: { host: 'web' } }] },
    ];
  },
};
