// An istiod by script: proxies, pushes and acknowledgements, in the words that a real one (1.31) answered at its debug endpoint.
import type { KubeObject } from '../../src/kube/contract.ts';
import { isObject } from '../../src/util/json.ts';
import type { Reply, Script } from './loop-http.ts';

/** What a proxy is in these tests. */
export interface ScriptedProxy {
  /** Its scope holds the route; others are never pushed to for it. */
  readonly isConcerned: boolean;
  isConnected: boolean;
  /** It acknowledges what it is sent; a paused or stuck one does not. */
  isAcking: boolean;
  sent: string;
  acked: string;
  /** What the last push that concerned it made of it. */
  held: KubeObject | null;
}

type Spec = Record<string, unknown>;
const rulesAt = (route: KubeObject | null, section: string): readonly Spec[] => {
  const spec = isObject(route?.['spec']) ? route['spec'] : {};
  return (spec[section] as readonly Spec[] | undefined) ?? [];
};

/** One istiod. `store` is what its informer has; a push gives it to the proxies. */
export class ScriptedIstiod {
  readonly proxies = new Map<string, ScriptedProxy>();
  store: KubeObject | null = null;
  /** Stands still, as under SIGSTOP: connections are taken and nothing is answered. */
  isPaused = false;
  #pushes = 0;
  #nonces = 0;
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Connects a proxy, which is sent everything that there is. */
  connect(name: string, isConcerned = true): ScriptedProxy {
    const proxy = { isConcerned, isConnected: true, isAcking: true, sent: '', acked: '', held: null };
    this.proxies.set(name, proxy);
    this.#send(proxy);
    return proxy;
  }

  /** A new push context from the store, sent to whom it concerns. `only` leaves the others waiting in the queue. */
  push(only: readonly string[] = [...this.proxies.keys()]): void {
    this.#pushes += 1;
    for (const [name, proxy] of this.proxies) {
      if (proxy.isConcerned && proxy.isConnected && only.includes(name)) this.#send(proxy);
    }
  }

  #send(proxy: ScriptedProxy): void {
    const time = new Date(this.#nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
    this.#nonces += 1;
    proxy.sent = `${time}/${this.#pushes}00000000-0000-4000-8000-${String(this.#nonces).padStart(12, '0')}`;
    proxy.held = structuredClone(this.store);
    if (proxy.isAcking) proxy.acked = proxy.sent;
  }

  /** Answers as the debug endpoint does. */
  readonly answer: Script = (_request, url) => {
    if (this.isPaused) return 'hang';
    const json = (value: unknown): Reply => ({ status: 200, body: JSON.stringify(value) });
    if (url.pathname === '/debug/syncz') return json([...this.proxies].flatMap((entry) => syncOf(...entry)));
    if (url.pathname === '/debug/configz') return json(this.store === null ? [] : [{ ...this.store, spec: null }]);
    if (url.pathname !== '/debug/config_dump') return { status: 404, body: '' };
    const proxy = this.proxies.get(url.searchParams.get('proxyID') ?? '');
    if (proxy?.isConnected !== true) return { status: 404, body: 'Proxy not connected to this Pilot instance.' };
    const isTcp = url.searchParams.get('types') === 'LDS';
    // istiod makes the dump anew from the context that the proxy was last pushed.
    const held = proxy.isConcerned ? proxy.held : null;
    return json({ configs: isTcp ? listenersOf(held) : routesOf(held) });
  };
}

function syncOf(proxy: string, { isConnected, sent, acked }: ScriptedProxy): readonly object[] {
  if (!isConnected) return [];
  const types = ['cluster', 'listener', 'route', 'endpoint'];
  const nonces = types.flatMap((type) => [[`${type}_sent`, sent], ...(acked === '' ? [] : [[`${type}_acked`, acked]])]);
  return [
    {
      cluster_id: 'Kubernetes',
      proxy,
      proxy_type: proxy.startsWith('gw') ? 'router' : 'sidecar',
      istio_version: '1.31.0',
      ...Object.fromEntries(nonces),
    },
  ];
}

const cluster = (host: string, port: number): string => `outbound|${port}||${host}`;
const fullName = (host: string, namespace: string): string => `${host}.${namespace}.svc.cluster.local`;

/** Destinations of weight 0 are left out; a single one stays a list. */
function clustersOf(rule: Spec, namespace: string, port: number): object {
  const routes = rule['route'] as readonly { destination: { host: string }; weight?: number }[];
  const sole = routes.length === 1;
  return {
    weightedClusters: {
      clusters: routes
        .map(({ destination, weight }) => ({
          name: cluster(fullName(destination.host, namespace), port),
          weight: sole ? 100 : (weight ?? 0),
        }))
        .filter(({ weight }) => weight > 0),
    },
  };
}

function routesOf(route: KubeObject | null): readonly object[] {
  const namespace = route?.metadata.namespace ?? '';
  const service = (host: string): object => ({
    name: `${fullName(host, namespace)}:80`,
    domains: [fullName(host, namespace)],
    routes: [{ name: 'default', match: { prefix: '/' }, route: { cluster: cluster(fullName(host, namespace), 80) } }],
  });
  const apex = route?.metadata.name ?? '';
  const config = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtual-service/${apex}`;
  const own = rulesAt(route, 'http').map((rule) => ({
    match: { prefix: '/' },
    route: { ...clustersOf(rule, namespace, 80), timeout: '0s' },
    metadata: { filterMetadata: { istio: { config } } },
  }));
  const hosts = [
    service('unrelated'),
    ...(route === null ? [] : [service(`${apex}-primary`), service(`${apex}-canary`)]),
    ...(own.length === 0
      ? []
      : [{ name: `${fullName(apex, namespace)}:80`, domains: ['shop.example.com'], routes: own }]),
  ];
  return [{ '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration', name: '80', virtualHosts: hosts }];
}

function listenersOf(route: KubeObject | null): readonly object[] {
  const namespace = route?.metadata.namespace ?? '';
  const apex = route?.metadata.name ?? '';
  const listener = (name: string, proxy: object): object => ({
    '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener',
    name,
    filterChains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.tcp_proxy',
            typedConfig: {
              '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
              statPrefix: name,
              ...proxy,
            },
          },
        ],
      },
    ],
  });
  const plain = (host: string): object =>
    listener(`10.96.0.1_${host}`, { cluster: cluster(fullName(host, namespace), 5432) });
  return [
    plain('unrelated'),
    ...(route === null ? [] : [plain(`${apex}-primary`), plain(`${apex}-canary`)]),
    ...rulesAt(route, 'tcp').map((rule) => listener(`10.96.0.2_${apex}`, clustersOf(rule, namespace, 5432))),
  ];
}
