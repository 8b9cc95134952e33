// The schema of spec.service: the apex Service, its ports, and what each family of mesh providers reads of it.
import { corsPolicy, headers, httpMatch, trafficPolicy } from './istio-schema.ts';
import {
  choice,
  flag,
  list,
  map,
  object,
  portOrName,
  text,
  TEXT_MAX,
  URL_MAX,
  whole,
  type FieldNotes,
} from './schema-kit.ts';

/** Patterns of Gateway API's ParentReference and BackendRef. */
const DNS_SUBDOMAIN = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
const GROUP: FieldNotes = { kube: { pattern: `^$|${DNS_SUBDOMAIN}` } };
const KIND: FieldNotes = { kube: { minLength: 1, pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$' } };
const NAMESPACE: FieldNotes = { kube: { minLength: 1, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' } };
const NAME: FieldNotes = { kube: { minLength: 1 } };

const withDefault = (notes: FieldNotes, value: string): FieldNotes => ({ kube: { ...notes.kube, default: value } });

const parentRef = object('One parent, as in an HTTPRoute.', {
  group: text('API group of the parent.', 253, withDefault(GROUP, 'gateway.networking.k8s.io')).optional(),
  kind: text(
    'Kind of the parent: Gateway, or Service for traffic inside a mesh.',
    63,
    withDefault(KIND, 'Gateway'),
  ).optional(),
  namespace: text('Namespace of the parent; that of the Canary when unset.', 63, NAMESPACE).optional(),
  name: text('Name of the parent.', 253, NAME),
  sectionName: text('Listener of the Gateway, or port name of the Service.', 253, {
    kube: { minLength: 1, pattern: DNS_SUBDOMAIN },
  }).optional(),
  port: whole('Port of the parent.', { min: 1, max: 65_535 }).optional(),
});

const mirrorTarget = object('A copy of every request goes here; its answer is dropped.', {
  backendRef: object(
    'The Service that gets the copies.',
    {
      group: text('API group of the backend; empty for a Service.', 253, withDefault(GROUP, '')).optional(),
      kind: text('Kind of the backend.', 63, withDefault(KIND, 'Service')).optional(),
      namespace: text('Namespace of the backend; that of the Canary when unset.', 63, NAMESPACE).optional(),
      name: text('Name of the backend.', 253, NAME),
      port: whole('Port of the backend; required for a Service.', { min: 1, max: 65_535 }).optional(),
    },
    {
      rules: [
        {
          rule: "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true",
          message: 'must have port when it refers to a Service',
        },
      ],
    },
  ).optional(),
});

const metadata = (description: string) =>
  object(description, {
    labels: map('Labels to set.', text('Value of the label.', 63)).optional(),
    annotations: map('Annotations to set.', text('Value of the annotation.', TEXT_MAX), 256).optional(),
  });

/** spec.service. */
export const serviceSchema = object(
  'How the workload is reached: the Services and the route that the controller keeps.',
  {
    name: text(
      'Name of the Service that clients call (the apex); the name of the target when unset. Primary and canary Services are <name>-primary and <name>-canary. Cannot be changed later.',
    ).optional(),
    port: whole('Port of the Services.', { min: 1, max: 65_535 }),
    portName: text('Name of the port. A name with grpc in it makes the route a gRPC route.', 63, {
      preset: 'http',
    }).optional(),
    targetPort: portOrName('Port of the container, by number or name; the same as port when unset or 0.').optional(),
    appProtocol: text(
      'Application protocol of the port, such as http, grpc or tcp; with tcp the route splits connections.',
      63,
    ).optional(),
    trafficDistribution: choice('Which pods the Services prefer for a caller.', [
      'PreferClose',
      'PreferSameZone',
      'PreferSameNode',
    ]).optional(),
    portDiscovery: flag('Adds the other ports of the containers, except those of sidecars, to the Services.', {
      preset: false,
    }).optional(),
    headless: flag('Creates the Services without a cluster address.', { preset: false }).optional(),
    timeout: text('Istio, Gateway API, App Mesh: how long a request may take, such as 15s.', 32).optional(),
    backendTimeout: text('Gateway API: how long one attempt at a backend may take, such as 5s.', 32).optional(),
    gateways: list(
      'Istio: gateways that serve the hosts; mesh, the sidecars, when unset.',
      text('Name of a gateway, <namespace>/<name> or mesh.'),
      64,
    ).optional(),
    gatewayRefs: list('Gateway API: parents of the route; at least one is needed there.', parentRef, 32).optional(),
    hosts: list('Istio, Gateway API: host names of the route.', text('A host name.'), 512).optional(),
    delegation: flag(
      'Istio: makes the VirtualService a delegate, without hosts and gateways of its own, to which other VirtualServices lead.',
    ).optional(),
    trafficPolicy: trafficPolicy.optional(),
    match: list(
      'Istio, Gateway API: conditions under which a request belongs to the route; any of them is enough.',
      httpMatch,
      256,
    ).optional(),
    rewrite: object('Istio, Gateway API: changes the path or host before the request reaches the workload.', {
      uri: text('New path, or new beginning of the path.', 1024).optional(),
      authority: text('New host.').optional(),
      type: text('Gateway API: ReplaceFullPath (when unset) or ReplacePrefixMatch.', 63).optional(),
    }).optional(),
    retries: object('Istio, App Mesh: how failed requests are tried again.', {
      attempts: whole('Extra attempts.', { min: 0, max: 100 }).optional(),
      perTryTimeout: text('How long one attempt may take, such as 2s.', 32).optional(),
      retryOn: text('Conditions for another attempt, separated by commas, in the words of the mesh.', 1024).optional(),
    }).optional(),
    headers: headers.optional(),
    mirror: list(
      'Gateway API: Services that get a copy of every request, whatever the analysis does. Comes in a later release.',
      mirrorTarget,
      16,
    ).optional(),
    corsPolicy: corsPolicy.optional(),
    meshName: text('App Mesh: name of the mesh; needed with appmesh-v1beta1.').optional(),
    backends: list(
      'App Mesh: virtual services that the workload calls, by name or ARN.',
      text('A virtual service.', URL_MAX),
      512,
    ).optional(),
    grpc: object('App Mesh: which gRPC calls belong to the route.', {
      serviceName: text('Full name of the gRPC service, such as proto.DataService.').optional(),
      methodName: text('One method of that service; needs serviceName.').optional(),
    }).optional(),
    apex: metadata('Labels and annotations of the apex Service and of the route.').optional(),
    primary: metadata('Labels and annotations of the primary Service.').optional(),
    canary: metadata('Labels and annotations of the canary Service.').optional(),
    unmanagedMetadata: object('Keys on the Services that others set and the controller leaves alone.', {
      labels: list('Keys of labels.', text('A key.', 317), 64).optional(),
      annotations: list('Keys of annotations.', text('A key.', 317), 64).optional(),
    }).optional(),
  },
);
