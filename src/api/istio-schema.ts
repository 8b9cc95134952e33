// The members of spec.service that are Istio's own types: traffic policy, request matches, headers, cross-origin policy.
import { choice, flag, list, map, object, stringMatch, text, whole } from './schema-kit.ts';

const time = (description: string) => text(description, 32);

const connectionPool = object('Limits of the connections to the workload: the circuit breaker.', {
  tcp: object('Limits of TCP connections, also those that carry HTTP.', {
    maxConnections: whole('Most connections to one host.').optional(),
    connectTimeout: time('How long connecting may take, such as 5s.').optional(),
  }).optional(),
  http: object('Limits of HTTP requests.', {
    h2UpgradePolicy: choice('Whether HTTP/1.1 connections are upgraded to HTTP/2.', [
      'DEFAULT',
      'DO_NOT_UPGRADE',
      'UPGRADE',
    ]).optional(),
    http1MaxPendingRequests: whole('Most requests that wait for a connection.').optional(),
    http2MaxRequests: whole('Most requests under way at once.').optional(),
    idleTimeout: time('How long a connection without requests is kept, such as 1h.').optional(),
    maxRequestsPerConnection: whole('Requests after which a connection is closed.').optional(),
    maxRetries: whole('Most retries under way at once.').optional(),
  }).optional(),
});

const localityLoadBalancing = object('How traffic is shared between regions and zones.', {
  enabled: flag('Turns it on or off for this service.').optional(),
  distribute: list(
    'Explicit shares by where a request comes from.',
    object('Shares for one origin.', {
      from: text('Locality of the caller, such as region/zone/*.').optional(),
      to: map('Share in percent of each locality; they sum to 100.', whole('Share in percent.')).optional(),
    }),
    64,
  ).optional(),
  failover: list(
    'Where traffic goes when a region is unhealthy.',
    object('One pair of regions.', {
      from: text('The region that fails.').optional(),
      to: text('The region that takes over.').optional(),
    }),
    64,
  ).optional(),
});

const loadBalancer = object(
  'How requests are shared between pods: either simple or consistentHash.',
  {
    simple: choice('A method that needs no key.', [
      'ROUND_ROBIN',
      'LEAST_CONN',
      'RANDOM',
      'PASSTHROUGH',
      'LEAST_REQUEST',
    ]).optional(),
    consistentHash: object('Requests with the same key go to the same pod.', {
      httpCookie: object('The key is a cookie, made when it is absent.', {
        name: text('The name that the cookie has.').optional(),
        path: text('Path of the cookie.', 1024).optional(),
        ttl: time('Lifetime of the cookie, such as 0s.').optional(),
      }).optional(),
      httpHeaderName: text('The key is this request header.').optional(),
      httpQueryParameterName: text('The key is this query parameter.').optional(),
      minimumRingSize: whole('Fewest virtual nodes in the hash ring.').optional(),
      useSourceIp: flag('The key is the address of the caller.').optional(),
    }).optional(),
    localityLbSetting: localityLoadBalancing.optional(),
    warmupDurationSecs: time('How long a new pod gets less than its share, such as 30s.').optional(),
  },
  {
    rules: [
      {
        rule: '!(has(self.simple) && has(self.consistentHash))',
        message: 'must have either simple or consistentHash, not both',
      },
    ],
  },
);

const outlierDetection = object('When a pod is taken out of the load balancing because it fails.', {
  baseEjectionTime: time('How long the first ejection lasts, such as 30s.').optional(),
  consecutive5xxErrors: whole('Answers with 5xx in a row that eject a pod.').optional(),
  consecutiveErrors: whole('Errors in a row that eject a pod; an older name.').optional(),
  consecutiveGatewayErrors: whole('Answers 502, 503 and 504 in a row that eject a pod.').optional(),
  consecutiveLocalOriginFailures: whole('Failures of the connection itself in a row that eject a pod.').optional(),
  interval: time('How often pods are judged, such as 10s.').optional(),
  maxEjectionPercent: whole('Largest share of pods that may be out, in percent.').optional(),
  minHealthPercent: whole('Share of healthy pods below which nobody is ejected, in percent.').optional(),
  splitExternalLocalOriginErrors: flag('Counts failures of the connection apart from answers.').optional(),
});

const clientTls = object('TLS towards the workload.', {
  caCertificates: text('File of the authority that signed the server certificate.', 1024).optional(),
  clientCertificate: text('File of the client certificate.', 1024).optional(),
  mode: choice('Whether and how TLS is used.', ['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']).optional(),
  privateKey: text('File of the client key.', 1024).optional(),
  sni: text('Server name sent in the handshake.').optional(),
  subjectAltNames: list('Names of which the server certificate must hold one.', text('A name.'), 64).optional(),
});

/** Istio's TrafficPolicy, copied to the DestinationRules of primary and canary. */
export const trafficPolicy = object('Istio: traffic policy of both DestinationRules, kept as written.', {
  connectionPool: connectionPool.optional(),
  loadBalancer: loadBalancer.optional(),
  outlierDetection: outlierDetection.optional(),
  tls: clientTls.optional(),
});

const headerMatch = (description: string) =>
  map(description, stringMatch('How the value must match; empty asks only that it is there.'));

/** Istio's HTTPMatchRequest. */
export const httpMatch = object('One set of conditions; all of them must hold.', {
  name: text('Name of the match, for the proxy logs.').optional(),
  uri: stringMatch('Path of the request.').optional(),
  scheme: stringMatch('Scheme of the request.').optional(),
  method: stringMatch('Method of the request.').optional(),
  authority: stringMatch('Host header of the request.').optional(),
  headers: headerMatch('Request headers by lower-case name.').optional(),
  withoutHeaders: headerMatch('Request headers that must not match.').optional(),
  queryParams: headerMatch('Query parameters by name.').optional(),
  port: whole('Port on which the request arrives.', { min: 0, max: 65_535 }).optional(),
  sourceLabels: map('Labels of the calling workload.', text('Value of the label.')).optional(),
  sourceNamespace: text('Namespace of the calling workload.').optional(),
  gateways: list('Gateways at which the conditions count.', text('Name of a gateway.'), 64).optional(),
  ignoreUriCase: flag('Compares the path without regard to case.').optional(),
});

const headerChanges = (description: string) =>
  object(description, {
    add: map('Headers appended, by name.', text('Value to append.', 4096)).optional(),
    set: map('Headers overwritten, by name.', text('Value to set.', 4096)).optional(),
    remove: list('Headers taken away.', text('Name of a header.'), 64).optional(),
  });

/** Istio's Headers, also read by Gateway API. */
export const headers = object('Istio, Gateway API: headers to add, set or remove.', {
  request: headerChanges('Changes before the request reaches the workload.').optional(),
  response: headerChanges('Changes before the answer reaches the caller.').optional(),
});

/** Istio's CorsPolicy. */
export const corsPolicy = object('Istio, Gateway API: cross-origin resource sharing.', {
  allowOrigin: list(
    'Origins that may call, letter for letter; an older form of allowOrigins.',
    text('An origin.'),
    64,
  ).optional(),
  allowOrigins: list('Origins that may call.', stringMatch('How the origin must match.', true), 64).optional(),
  allowMethods: list('Methods that may be used.', text('A method.', 64), 64).optional(),
  allowHeaders: list('Request headers that may be used.', text('Name of a header.'), 64).optional(),
  exposeHeaders: list('Answer headers that the browser may read.', text('Name of a header.'), 64).optional(),
  allowCredentials: flag('Whether the browser may send credentials.').optional(),
  maxAge: time('How long the browser may remember the answer, such as 24h.').optional(),
});
