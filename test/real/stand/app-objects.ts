// What a user of each mesh has before serin comes: an app, its Service, a route of their own, and then a Canary.
import type { KubeObject } from '../../../src/kube/contract.ts';
import { CONTOUR_GATEWAY } from './contour.ts';
import { CONTOUR_ENVOY_IP, CONTOUR_PORT, ISTIO_GATEWAY_API_PORT, ISTIO_GATEWAY_IP, ISTIO_PORT } from './network.ts';

/** Who implements the routes. */
export const MESHES = ['istio', 'gateway-api-istio', 'gateway-api-contour'] as const;
export type StandMesh = (typeof MESHES)[number];
export type StandProtocol = 'http' | 'grpc';

/** An app of the stand. */
export interface AppSpec {
  readonly namespace: string;
  readonly mesh: StandMesh;
  readonly protocol: StandProtocol;
  /** Changes of the Canary's spec.analysis. */
  readonly analysis?: Readonly<Record<string, unknown>>;
  /** Changes of the Canary's spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Name of Deployment, Service, route and Canary. */
export const APP = 'web';
export const FIRST_IMAGE = 'app:1.0.0';
/** Shared by all apps: Istio's Gateway of each API. */
const ISTIO_NAMESPACE = 'istio-system';
const PUBLIC = 'public';

/** What clients of an app call. */
export const hostOf = ({ namespace }: AppSpec): string => `${namespace}.example.com`;

/** `ip:port` at which the mesh takes requests. */
export function addressOf({ mesh }: AppSpec): string {
  switch (mesh) {
    case 'istio':
      return `${ISTIO_GATEWAY_IP}:${ISTIO_PORT}`;
    case 'gateway-api-istio':
      return `${ISTIO_GATEWAY_IP}:${ISTIO_GATEWAY_API_PORT}`;
    case 'gateway-api-contour':
      return `${CONTOUR_ENVOY_IP}:${CONTOUR_PORT}`;
  }
}

/** Gateways that all apps share; Contour's is there already. */
export function gatewayObjects(): readonly KubeObject[] {
  return [
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Gateway',
      metadata: { name: PUBLIC, namespace: ISTIO_NAMESPACE },
      spec: {
        selector: { istio: 'ingressgateway' },
        servers: [{ port: { number: ISTIO_PORT, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
      },
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: PUBLIC, namespace: ISTIO_NAMESPACE },
      spec: {
        gatewayClassName: 'istio',
        addresses: [{ type: 'Hostname', value: `gateway.${ISTIO_NAMESPACE}.svc.cluster.local` }],
        listeners: [
          {
            name: 'http',
            port: ISTIO_GATEWAY_API_PORT,
            protocol: 'HTTP',
            allowedRoutes: { namespaces: { from: 'All' } },
          },
        ],
      },
    },
  ];
}

const PORTS = { http: { port: 80, name: 'http', target: 8080 }, grpc: { port: 50_051, name: 'grpc', target: 50_051 } };

/** The app as it runs before serin: namespace, Deployment, Service and the user's own route. */
export function appObjects(app: AppSpec): readonly KubeObject[] {
  const { namespace, protocol } = app;
  const { port, name, target } = PORTS[protocol];
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: APP, namespace, labels: { app: APP } },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: APP } },
        template: {
          metadata: { labels: { app: APP }, annotations: scrapeAnnotations(protocol) },
          spec: podSpec(protocol, name, target),
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: APP, namespace },
      spec: { selector: { app: APP }, ports: [{ name, port, targetPort: name, ...appProtocol(app) }] },
    },
    routeOf(app),
  ];
}

/** Contour speaks HTTP/2 to a backend only where the Service says so; Istio reads the port's name. */
const appProtocol = ({ protocol }: AppSpec): object =>
  protocol === 'grpc' ? { appProtocol: 'kubernetes.io/h2c' } : {};

const scrapeAnnotations = (protocol: StandProtocol): Record<string, string> => ({
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': protocol === 'http' ? '8080' : '9102',
  'prometheus.io/path': '/metrics',
});

function podSpec(protocol: StandProtocol, portName: string, containerPort: number): unknown {
  // The path is not counted as a request.
  const ask =
    protocol === 'http' ? { httpGet: { path: '/metrics', port: portName } } : { tcpSocket: { port: portName } };
  return {
    terminationGracePeriodSeconds: 20,
    containers: [
      {
        name: 'app',
        image: FIRST_IMAGE,
        ports: [{ name: portName, containerPort }],
        readinessProbe: { ...ask, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 3 },
        // So long do proxies have to hear that a pod ends.
        lifecycle: { preStop: { sleep: { seconds: 3 } } },
      },
    ],
  };
}

/** A route that the user wrote: with fields that serin must leave as they are. */
function routeOf(app: AppSpec): KubeObject {
  const { namespace, mesh, protocol } = app;
  const { port } = PORTS[protocol];
  const metadata = { name: APP, namespace, annotations: { team: 'shop' } };
  if (mesh === 'istio')
    return {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata,
      spec: {
        hosts: [hostOf(app)],
        gateways: [`${ISTIO_NAMESPACE}/${PUBLIC}`],
        http: [
          {
            name: 'main',
            timeout: '9s',
            headers: { response: { set: { 'x-team': 'shop' } } },
            retries: { attempts: 0 },
            route: [{ destination: { host: APP, port: { number: port } } }],
          },
        ],
      },
    };
  const gateway = mesh === 'gateway-api-istio' ? { namespace: ISTIO_NAMESPACE, name: PUBLIC } : CONTOUR_GATEWAY;
  const kind = protocol === 'grpc' ? 'GRPCRoute' : 'HTTPRoute';
  const filter = {
    type: 'ResponseHeaderModifier',
    responseHeaderModifier: { set: [{ name: 'x-team', value: 'shop' }] },
  };
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata,
    spec: {
      parentRefs: [gateway],
      hostnames: [hostOf(app)],
      rules: [{ filters: [filter], backendRefs: [{ name: APP, port }] }],
    },
  };
}

/** The Canary: short steps, each long enough for a share to be seen. */
export function canaryObject(app: AppSpec): KubeObject {
  const { namespace, mesh, protocol } = app;
  const { port, name } = PORTS[protocol];
  const gateway = mesh === 'gateway-api-istio' ? { namespace: ISTIO_NAMESPACE, name: PUBLIC } : CONTOUR_GATEWAY;
  return {
    apiVersion: 'serin.dev/v1beta1',
    kind: 'Canary',
    metadata: { name: APP, namespace },
    spec: {
      provider: mesh === 'istio' ? 'istio' : 'gateway-api',
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: APP },
      progressDeadlineSeconds: 120,
      service: {
        port,
        targetPort: name,
        portName: name,
        hosts: [hostOf(app)],
        ...(mesh === 'istio'
          ? { gateways: [`${ISTIO_NAMESPACE}/${PUBLIC}`] }
          : { gatewayRefs: [gateway], ...appProtocol(app) }),
      },
      analysis: {
        interval: '4s',
        // Two bad moments of this machine are no bad revision: the bounds are far from what the faults do.
        threshold: 3,
        // A Prometheus takes some seconds to find new pods, and may be away for a minute.
        insufficientLimit: 10,
        errorLimit: 30,
        stepWeight: 20,
        maxWeight: 60,
        metrics: [
          { name: 'request-success-rate', interval: '6s', thresholdRange: { min: 99 } },
          { name: 'request-duration', interval: '6s', thresholdRange: { max: 1000 } },
        ],
        ...app.analysis,
      },
      ...app.spec,
    },
  };
}
