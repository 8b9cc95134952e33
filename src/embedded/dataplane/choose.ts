// One request's way: which rule, which backend, which pod.
import type { Random } from '../../util/random.ts';
import type { Backend, Entrance, HeaderChange, HostName, RequestFacts, Rule } from './table.ts';
import { NO_CHANGES, chooseByWeight } from './table.ts';
import type { Endpoint, Snapshot } from './view.ts';

/** Where a request goes. `rule` is null for a plain Service. */
export interface Forward {
  readonly kind: 'forward';
  readonly rule: Rule | null;
  readonly backend: Backend;
  /** In the order in which they are tried. */
  readonly endpoints: readonly Endpoint[];
}

/** Or what the proxy answers itself. */
export interface Refusal {
  readonly kind: 'refuse';
  readonly status: 404 | 500 | 503;
  readonly reason: string;
  /** The Service that the request was for, where there is one. */
  readonly service: string | null;
}

/** Decides. Hosts that no rule names are plain Services; the gateway knows none of these. */
export function chooseWay(snapshot: Snapshot, via: Entrance, request: RequestFacts, random: Random): Forward | Refusal {
  const rules = snapshot.rules.filter(
    (rule) => rule.carries !== 'connections' && rule.via.includes(via) && rule.isFor(request.host),
  );
  const rule = rules.find((candidate) => candidate.matches(request)) ?? null;
  if (rule === null && rules.length > 0) return refuse(404, 'no route matches');
  const backend =
    rule === null ? plainService(snapshot, via, request.host) : chooseByWeight(rule.backends, random.next());
  if (backend === null) return rule === null ? refuse(404, 'unknown host') : refuse(500, 'no backend has any weight');
  if (backend.service === null) return refuse(500, 'the backend does not exist');
  const endpoints = shuffle(snapshot.endpointsOf(backend), random);
  if (endpoints.length === 0) return refuse(503, 'no healthy upstream', backend.service.name);
  return { kind: 'forward', rule, backend, endpoints };
}

/** Decides for one TCP connection. Without a route for connections the Service itself is reached; at a gateway nothing is. */
export function chooseConnection(snapshot: Snapshot, via: Entrance, host: HostName, random: Random): Forward | Refusal {
  const connection: RequestFacts = { host, method: '', path: '', query: new URLSearchParams(), headers: {} };
  const rule =
    snapshot.rules.find(
      (one) => one.carries !== undefined && one.via.includes(via) && one.isFor(host) && one.matches(connection),
    ) ?? null;
  const backend = rule === null ? plainService(snapshot, via, host) : chooseByWeight(rule.backends, random.next());
  if (backend?.service == null) return refuse(503, 'no route');
  const endpoints = shuffle(snapshot.endpointsOf(backend), random);
  if (endpoints.length === 0) return refuse(503, 'no healthy upstream', backend.service.name);
  return { kind: 'forward', rule, backend, endpoints };
}

const refuse = (status: Refusal['status'], reason: string, service: string | null = null): Refusal => ({
  kind: 'refuse',
  status,
  reason,
  service,
});

function plainService(snapshot: Snapshot, via: Entrance, host: HostName): Backend | null {
  if (via !== 'mesh' || host.service === null || !snapshot.hasService(host.service)) return null;
  return { service: host.service, port: host.port, labels: null, weight: 1, headers: NO_CHANGES };
}

/** A random one first, the others after it. */
function shuffle(endpoints: readonly Endpoint[], random: Random): readonly Endpoint[] {
  const start = Math.floor(random.next() * endpoints.length);
  return [...endpoints.slice(start), ...endpoints.slice(0, start)];
}

/** Headers after a route's changes; names are lower case. */
export function changeHeaders(
  headers: Readonly<Record<string, string | number | readonly string[] | undefined>>,
  ...changes: readonly HeaderChange[]
): Record<string, string | string[]> {
  const next: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    // Node has some values as numbers, such as :status.
    if (value !== undefined) next[name] = typeof value === 'object' ? [...value] : String(value);
  }
  for (const change of changes) {
    for (const name of change.remove) delete next[name.toLowerCase()];
    for (const [name, value] of change.set) next[name.toLowerCase()] = value;
    for (const [name, value] of change.add) {
      const held = next[name.toLowerCase()];
      next[name.toLowerCase()] = held === undefined ? value : [...(typeof held === 'string' ? [held] : held), value];
    }
  }
  return next;
}

/** The path after a rule's rewrite. */
export function rewritePath(rule: Rule | null, path: string): string {
  if (rule?.rewrite == null) return path;
  const { matched, to } = rule.rewrite;
  if (!path.startsWith(matched)) return path;
  const rest = path.slice(matched.length);
  const joined = to.endsWith('/') && rest.startsWith('/') ? to + rest.slice(1) : to + rest;
  return joined.startsWith('/') ? joined : `/${joined}`;
}
