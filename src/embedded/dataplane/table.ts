// The common form of all routing APIs: rules with hosts and matches, each with weighted backends.

/** A host as asked for: its text without port, and the Service that it names in cluster DNS, if it does. */
export interface HostName {
  readonly text: string;
  readonly service: ServiceName | null;
  readonly port: number | null;
}

export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

/** What of a request rules look at. Header names are lower case. */
export interface RequestFacts {
  readonly host: HostName;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a request may go. `service` null is a reference that cannot be followed: it takes its share and fails. */
export interface Backend {
  readonly service: ServiceName | null;
  readonly port: number | null;
  /** Labels that a pod must have besides (an Istio subset); null for all. */
  readonly labels: Readonly<Record<string, string>> | null;
  readonly weight: number;
  readonly headers: HeaderChanges;
}

/** Headers that a route changes. */
export interface HeaderChanges {
  readonly request: HeaderChange;
  readonly response: HeaderChange;
}

export interface HeaderChange {
  readonly set: readonly (readonly [string, string])[];
  readonly add: readonly (readonly [string, string])[];
  readonly remove: readonly string[];
}

/** One rule. Rules are tried in order; the first whose host and match fit is taken. */
export interface Rule {
  /** `Kind namespace/name`, for people. */
  readonly origin: string;
  /** Where it holds: for clients within the mesh, for the gateway, or both. */
  readonly via: readonly Entrance[];
  /** What it holds for; requests when absent. */
  readonly carries?: 'connections' | 'both';
  isFor(host: HostName): boolean;
  matches(request: RequestFacts): boolean;
  readonly backends: readonly Backend[];
  readonly headers: HeaderChanges;
  readonly timeoutMs: number | null;
  /** Path that takes the place of `matched`, a prefix or all of it; null leaves it. */
  readonly rewrite: { readonly matched: string; readonly to: string } | null;
}

/** The two ways into the data plane: as a client in the cluster, or through the gateway. */
export type Entrance = 'mesh' | 'gateway';

export const NO_CHANGE: HeaderChange = { set: [], add: [], remove: [] };
export const NO_CHANGES: HeaderChanges = { request: NO_CHANGE, response: NO_CHANGE };

/** Reads an authority such as `shop.web.svc.cluster.local:8080`. A name without dots is one of `namespace`. */
export function parseHost(authority: string, namespace: string): HostName {
  const [name = '', portText] = authority.toLowerCase().split(':');
  const text = name.replace(/\.$/, '');
  const port = portText === undefined ? null : Number(portText);
  return { text, service: serviceOf(text, namespace), port: Number.isInteger(port) ? port : null };
}

function serviceOf(text: string, namespace: string): ServiceName | null {
  const labels = text.replace(/\.svc(\.cluster\.local)?$/, '').split('.');
  const [name = '', space] = labels;
  if (name === '' || labels.length > 2) return null;
  return { name, namespace: space ?? namespace };
}

/** True when both name one Service, or are the same text. */
export function isSameHost(a: HostName, b: HostName): boolean {
  if (a.text === b.text && (a.service === null || b.service === null)) return true;
  return a.service !== null && b.service !== null && serviceKey(a.service) === serviceKey(b.service);
}

export const serviceKey = (service: ServiceName): string => `${service.namespace}/${service.name}`;

/** A test for hosts as routing APIs write them: `*`, `*.example.com`, a name. */
export function hostMatcher(pattern: string, namespace: string): (host: HostName) => boolean {
  if (pattern === '*') return () => true;
  if (pattern.startsWith('*.')) return (host) => host.text.endsWith(pattern.slice(1).toLowerCase());
  const wanted = parseHost(pattern, namespace);
  return (host) => isSameHost(host, wanted);
}

/** A pattern that must hold for the whole text, as RE2 does in proxies. One that cannot be read matches nothing. */
export function fullPattern(source: string): (text: string) => boolean {
  try {
    const pattern = new RegExp(`^(?:${source})$`);
    return (text) => pattern.test(text);
  } catch {
    return () => false;
  }
}

/** A backend by weight: `next` is in [0, 1). Null when no backend has any weight. */
export function chooseByWeight(backends: readonly Backend[], next: number): Backend | null {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  let left = next * total;
  for (const backend of backends) {
    if (backend.weight > 0 && left < backend.weight) return backend;
    left -= backend.weight;
  }
  return null;
}
