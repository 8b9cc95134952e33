// The Gateway API's HTTPRoute and GRPCRoute v1, with the precedence among matches that its specification demands.
import type { KubeObject, ResourceKind } from '../../kube/contract.ts';
import { SERVICE } from '../../kube/kinds.ts';
import type { StoreAccess } from '../apiserver/access.ts';
import { isBackendAllowed, parentsOf, settleGateways } from './gateway-status.ts';
import type { Parent } from './gateway-status.ts';
import { GATEWAY, GRPC_ROUTE, HTTP_ROUTE, REFERENCE_GRANT } from './gateway-kinds.ts';
import { numberAt, objectsAt, textAt, textsAt } from './read.ts';
import { durationOf } from './routes-istio.ts';
import type { Backend, HeaderChange, HeaderChanges, HostName, RequestFacts, Rule } from './table.ts';
import { NO_CHANGE, fullPattern, hostMatcher } from './table.ts';
import type { RouteReader } from './view.ts';

/** Reads the Gateway API's routes, and writes their statuses as a gateway's controller does. */
export const gatewayReader: RouteReader = {
  kinds: [HTTP_ROUTE, GRPC_ROUTE, GATEWAY, REFERENCE_GRANT],
  read(store) {
    const routes = [HTTP_ROUTE, GRPC_ROUTE].flatMap((kind) => store.list(kind, null).map((route) => ({ kind, route })));
    return routes
      .flatMap(({ kind, route }) => rankedRules(store, kind, route))
      .sort(compareRank)
      .map(({ rule }) => rule);
  },
  settle: settleGateways,
};

/** Larger comes first, member by member; then the older route, then the name, then the place within it. */
interface Ranked {
  readonly rule: Rule;
  readonly rank: readonly number[];
  readonly age: string;
  readonly name: string;
}

function compareRank(a: Ranked, b: Ranked): number {
  for (const [index, value] of a.rank.entries()) {
    const other = b.rank[index] ?? 0;
    if (value !== other) return other - value;
  }
  if (a.age !== b.age) return a.age < b.age ? -1 : 1;
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

function rankedRules(store: StoreAccess, kind: ResourceKind, route: KubeObject): readonly Ranked[] {
  const namespace = route.metadata.namespace ?? '';
  const parents = parentsOf(store, route).filter(({ isFound }) => isFound);
  const hostnames = textsAt(route, 'spec', 'hostnames');
  const byHost = hostnames.length === 0 ? ['*'] : hostnames;
  return byHost.flatMap((hostname) =>
    objectsAt(route, 'spec', 'rules').flatMap((rule) =>
      parents.flatMap((parent) =>
        matchesOf(kind, rule).map(({ holds, rank }) => ({
          age: route.metadata.creationTimestamp ?? '',
          name: `${namespace}/${route.metadata.name}`,
          rank: [hostRank(hostname), ...rank],
          rule: {
            origin: `${kind.kind} ${namespace}/${route.metadata.name}`,
            via: [parent.isService ? ('mesh' as const) : ('gateway' as const)],
            isFor: hostOf(parent, hostname, namespace),
            matches: holds,
            backends: backendsOf(store, kind, route, rule),
            headers: headersOf(rule),
            timeoutMs: durationOf(textAt(rule, 'timeouts', 'request')),
            rewrite: rewriteOf(rule),
          },
        })),
      ),
    ),
  );
}

/** A route of a Service holds for that Service, whatever hostnames it has. */
function hostOf(parent: Parent, hostname: string, namespace: string): (host: HostName) => boolean {
  return parent.isService
    ? hostMatcher(`${parent.name}.${parent.namespace}`, namespace)
    : hostMatcher(hostname, namespace);
}

const hostRank = (hostname: string): number => (hostname.startsWith('*') ? hostname.length : 1_000 + hostname.length);

interface RankedMatch {
  readonly rank: readonly number[];
  readonly holds: (request: RequestFacts) => boolean;
}

function matchesOf(kind: ResourceKind, rule: Record<string, unknown>): readonly RankedMatch[] {
  const matches = objectsAt(rule, 'matches');
  const read = kind === GRPC_ROUTE ? grpcMatch : httpMatch;
  return (matches.length === 0 ? [{}] : matches).map(read);
}

/** Rank: exact path, length of the prefix, method, number of headers, number of query parameters. */
function httpMatch(match: Record<string, unknown>): RankedMatch {
  const type = textAt(match, 'path', 'type') ?? 'PathPrefix';
  const value = textAt(match, 'path', 'value') ?? '/';
  const method = textAt(match, 'method');
  const headers = objectsAt(match, 'headers').map(valueMatch);
  const query = objectsAt(match, 'queryParams').map(valueMatch);
  const path = pathMatch(type, value);
  const prefixLength = type === 'PathPrefix' ? value.length : 0;
  return {
    rank: [type === 'Exact' ? 1 : 0, prefixLength, method === null ? 0 : 1, headers.length, query.length],
    holds: (request) =>
      path(request.path) &&
      (method === null || method === request.method) &&
      headers.every(({ name, holds }) => holds(request.headers[name.toLowerCase()] ?? null)) &&
      query.every(({ name, holds }) => holds(request.query.get(name))),
  };
}

/** Rank: exact service, length of service, length of method, number of headers. */
function grpcMatch(match: Record<string, unknown>): RankedMatch {
  const type = textAt(match, 'method', 'type') ?? 'Exact';
  const service = textAt(match, 'method', 'service');
  const method = textAt(match, 'method', 'method');
  const headers = objectsAt(match, 'headers').map(valueMatch);
  const test = (wanted: string | null): ((text: string) => boolean) => {
    if (wanted === null) return () => true;
    return type === 'RegularExpression' ? fullPattern(wanted) : (text) => text === wanted;
  };
  const [isService, isMethod] = [test(service), test(method)];
  return {
    rank: [0, service?.length ?? 0, method?.length ?? 0, headers.length],
    holds(request) {
      const [, asked = '', call = ''] = request.path.split('/');
      return (
        isService(asked) &&
        isMethod(call) &&
        headers.every(({ name, holds }) => holds(request.headers[name.toLowerCase()] ?? null))
      );
    },
  };
}

/** A prefix counts in whole path elements: `/a` holds for `/a` and `/a/b`, not for `/ab`. */
function pathMatch(type: string, value: string): (path: string) => boolean {
  if (type === 'Exact') return (path) => path === value;
  if (type === 'RegularExpression') return fullPattern(value);
  const prefix = value.endsWith('/') ? value.slice(0, -1) : value;
  return (path) => path === prefix || path.startsWith(`${prefix}/`);
}

function valueMatch(match: Record<string, unknown>): { name: string; holds: (text: string | null) => boolean } {
  const value = textAt(match, 'value') ?? '';
  const test = match['type'] === 'RegularExpression' ? fullPattern(value) : (text: string): boolean => text === value;
  return { name: textAt(match, 'name') ?? '', holds: (text) => text !== null && test(text) };
}

/** A reference that cannot be followed keeps its share, and its requests fail. The weight is 1 when there is none. */
function backendsOf(
  store: StoreAccess,
  kind: ResourceKind,
  route: KubeObject,
  rule: Record<string, unknown>,
): readonly Backend[] {
  return objectsAt(rule, 'backendRefs').map((ref) => {
    const namespace = textAt(ref, 'namespace') ?? route.metadata.namespace ?? '';
    const name = textAt(ref, 'name') ?? '';
    const isThere = isBackendAllowed(store, kind, route, ref) && store.get(SERVICE, namespace, name) !== null;
    return {
      service: isThere ? { namespace, name } : null,
      port: numberAt(ref, 'port'),
      labels: null,
      weight: numberAt(ref, 'weight') ?? 1,
      headers: headersOf(ref),
    };
  });
}

function headersOf(holder: Record<string, unknown>): HeaderChanges {
  const filters = objectsAt(holder, 'filters');
  const change = (type: string, member: string): HeaderChange => {
    const filter = filters.find((item) => item['type'] === type);
    if (filter === undefined) return NO_CHANGE;
    const pairs = (list: string): [string, string][] =>
      objectsAt(filter, member, list).map((pair) => [textAt(pair, 'name') ?? '', textAt(pair, 'value') ?? '']);
    return { set: pairs('set'), add: pairs('add'), remove: textsAt(filter, member, 'remove') };
  };
  return {
    request: change('RequestHeaderModifier', 'requestHeaderModifier'),
    response: change('ResponseHeaderModifier', 'responseHeaderModifier'),
  };
}

function rewriteOf(rule: Record<string, unknown>): Rule['rewrite'] {
  const filter = objectsAt(rule, 'filters').find((item) => item['type'] === 'URLRewrite');
  const prefix = textAt(filter, 'urlRewrite', 'path', 'replacePrefixMatch');
  if (prefix === null) return null;
  return { matched: textAt(objectsAt(rule, 'matches')[0], 'path', 'value') ?? '/', to: prefix };
}
