// Istio's VirtualService and DestinationRule, read as their documentation has them.
import type { KubeObject, ResourceKind } from '../../kube/contract.ts';
import { at, entriesAt, numberAt, objectsAt, textAt, textsAt } from './read.ts';
import type { Backend, Entrance, HeaderChange, HeaderChanges, HostName, RequestFacts, Rule } from './table.ts';
import { NO_CHANGES, fullPattern, hostMatcher, isSameHost, parseHost } from './table.ts';
import type { RouteReader } from './view.ts';

const GROUP = 'networking.istio.io';
const kind = (name: string, plural: string): ResourceKind => ({
  group: GROUP,
  version: 'v1',
  kind: name,
  plural,
  namespaced: true,
});
const VIRTUAL_SERVICE = kind('VirtualService', 'virtualservices');
const DESTINATION_RULE = kind('DestinationRule', 'destinationrules');

/** Reads Istio's routes. */
export const istioReader: RouteReader = {
  kinds: [VIRTUAL_SERVICE, DESTINATION_RULE],
  read(store) {
    const destinations = store.list(DESTINATION_RULE, null);
    const services = [...store.list(VIRTUAL_SERVICE, null)].sort(byAge);
    return services.flatMap((service) => rulesOf(service, destinations, services));
  },
};

/** The oldest of several that name one host is the one that counts. */
function byAge(a: KubeObject, b: KubeObject): number {
  const [ageA, ageB] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (ageA !== ageB) return ageA < ageB ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** Without hosts it is a delegate: only where another VirtualService leads to it, it does anything. */
function rulesOf(
  service: KubeObject,
  destinations: readonly KubeObject[],
  services: readonly KubeObject[],
): readonly Rule[] {
  const namespace = service.metadata.namespace ?? '';
  const hosts = textsAt(service, 'spec', 'hosts').map((host) => hostMatcher(host, namespace));
  const gateways = textsAt(service, 'spec', 'gateways');
  const common = {
    origin: `VirtualService ${namespace}/${service.metadata.name}`,
    isFor: (host: HostName) => hosts.some((matches) => matches(host)),
  };
  const http = objectsAt(service, 'spec', 'http')
    .flatMap((route) => delegatedBy(route, namespace, services))
    .map(({ route, space, outer }) => ({
      ...common,
      via: entrancesOf(gateways),
      matches: (request: RequestFacts) => outer(request) && matcherOf(route)(request),
      backends: backendsOf(route, space, destinations),
      headers: headersOf(route),
      timeoutMs: durationOf(textAt(route, 'timeout')),
      rewrite: rewriteOf(route),
    }));
  const tcp = objectsAt(service, 'spec', 'tcp').map((route) => ({
    ...common,
    carries: 'connections' as const,
    via: entrancesOf(gateways),
    matches: connectionMatcherOf(route),
    backends: backendsOf(route, namespace, destinations),
    headers: NO_CHANGES,
    timeoutMs: null,
    rewrite: null,
  }));
  return [...http, ...tcp];
}

interface Delegated {
  readonly route: Record<string, unknown>;
  /** Where short host names in it are looked up. */
  readonly space: string;
  /** What must hold before the route is asked. */
  readonly outer: (request: RequestFacts) => boolean;
}

/**
 * The HTTP route, or those of the delegate that it leads to: one level only, both conditions must hold, and a delegate's
 * conditions that are no part of those that lead to it make it void.
 */
function delegatedBy(
  route: Record<string, unknown>,
  namespace: string,
  services: readonly KubeObject[],
): readonly Delegated[] {
  if (at(route, 'delegate') === undefined) return [{ route, space: namespace, outer: () => true }];
  const space = textAt(route, 'delegate', 'namespace') ?? namespace;
  const name = textAt(route, 'delegate', 'name');
  const delegate = services.find(
    ({ metadata, ...object }) =>
      metadata.name === name && metadata.namespace === space && textsAt(object, 'spec', 'hosts').length === 0,
  );
  return objectsAt(delegate, 'spec', 'http')
    .filter((inner) => at(inner, 'delegate') === undefined && !isInConflict(route, inner))
    .map((inner) => ({ route: { ...withoutMatch(route), ...inner }, space, outer: matcherOf(route) }));
}

/** What the leading route sets (time-out, headers and so on) holds unless the delegate sets it. */
function withoutMatch({
  match: _match,
  delegate: _delegate,
  ...rest
}: Record<string, unknown>): Record<string, unknown> {
  return rest;
}

/** Some path of the delegate is not among those that lead to it. */
function isInConflict(outer: Record<string, unknown>, inner: Record<string, unknown>): boolean {
  const paths = (route: Record<string, unknown>): readonly unknown[] =>
    objectsAt(route, 'match').map((match) => match['uri']);
  const outers = paths(outer);
  return paths(inner).some((path) => outers.length > 0 && !outers.some((lead) => isWithin(path, lead)));
}

function isWithin(path: unknown, lead: unknown): boolean {
  if (lead === undefined || path === undefined) return true;
  const [prefix, exact] = [textAt(lead, 'prefix'), textAt(lead, 'exact')];
  if (exact !== null) return textAt(path, 'exact') === exact;
  if (prefix !== null) return (textAt(path, 'exact') ?? textAt(path, 'prefix') ?? '').startsWith(prefix);
  // A pattern in both cannot be compared.
  return textAt(path, 'regex') === null;
}

/** L4MatchAttributes: the port of the Service; connections through here come from no labelled workload. */
function connectionMatcherOf(route: Record<string, unknown>): (connection: RequestFacts) => boolean {
  const matches = objectsAt(route, 'match');
  if (matches.length === 0) return () => true;
  return ({ host }) =>
    matches.some((match) => {
      const port = numberAt(match, 'port');
      const isUnreachable = entriesAt(match, 'sourceLabels').length > 0 || textAt(match, 'sourceNamespace') !== null;
      return !isUnreachable && (port === null || port === host.port);
    });
}

/** `mesh` stands for all sidecars and is the default; anything else is a gateway. */
function entrancesOf(gateways: readonly string[]): readonly Entrance[] {
  if (gateways.length === 0) return ['mesh'];
  const isGateway = gateways.some((gateway) => gateway !== 'mesh');
  return [...(gateways.includes('mesh') ? (['mesh'] as const) : []), ...(isGateway ? (['gateway'] as const) : [])];
}

/** Conditions of one match hold together; one match of the list is enough; no list matches everything. */
function matcherOf(route: Record<string, unknown>): (request: RequestFacts) => boolean {
  const matches = objectsAt(route, 'match').map(oneMatch);
  return matches.length === 0 ? () => true : (request) => matches.some((holds) => holds(request));
}

function oneMatch(match: Record<string, unknown>): (request: RequestFacts) => boolean {
  const isCaseIgnored = match['ignoreUriCase'] === true;
  const uri = textMatch(match['uri']);
  const parts: ((request: RequestFacts) => boolean)[] = [
    ({ path }) => uri(isCaseIgnored ? path.toLowerCase() : path),
    ({ method }) => textMatch(match['method'])(method),
    ({ host }) => textMatch(match['authority'])(host.text),
    ...entriesAt(match, 'headers').map(
      ([name, value]) =>
        ({ headers }: RequestFacts): boolean =>
          headerMatch(value, headers[name.toLowerCase()]),
    ),
    ...entriesAt(match, 'withoutHeaders').map(
      ([name, value]) =>
        ({ headers }: RequestFacts): boolean =>
          !headerMatch(value, headers[name.toLowerCase()]),
    ),
    ...entriesAt(match, 'queryParams').map(
      ([name, value]) =>
        ({ query }: RequestFacts): boolean =>
          headerMatch(value, query.get(name) ?? undefined),
    ),
  ];
  // The load that is sent through here has no labels and comes from no namespace.
  const isUnreachable = entriesAt(match, 'sourceLabels').length > 0 || textAt(match, 'sourceNamespace') !== null;
  return (request) => !isUnreachable && parts.every((holds) => holds(request));
}

/** StringMatch: exact, prefix or regex; none of them holds for everything. */
function textMatch(match: unknown): (text: string) => boolean {
  const [exact, prefix, regex] = [textAt(match, 'exact'), textAt(match, 'prefix'), textAt(match, 'regex')];
  if (exact !== null) return (text) => text === exact;
  if (prefix !== null) return (text) => text.startsWith(prefix);
  return regex === null ? () => true : fullPattern(regex);
}

/** A header that has to be there; an empty match asks for its presence only. */
const headerMatch = (match: unknown, value: string | undefined): boolean =>
  value !== undefined && textMatch(match)(value);

/** The only destination has all the traffic whatever its weight; among several, one without a weight has none. */
function backendsOf(
  route: Record<string, unknown>,
  namespace: string,
  destinations: readonly KubeObject[],
): readonly Backend[] {
  const routes = objectsAt(route, 'route');
  return routes.map((entry) => {
    const host = textAt(entry, 'destination', 'host') ?? '';
    const subset = textAt(entry, 'destination', 'subset');
    const labels = subset === null ? null : subsetLabels(host, subset, namespace, destinations);
    return {
      service: labels === 'missing' ? null : parseHost(host, namespace).service,
      port: numberAt(entry, 'destination', 'port', 'number'),
      labels: labels === 'missing' ? null : labels,
      weight: routes.length === 1 ? 100 : (numberAt(entry, 'weight') ?? 0),
      headers: headersOf(entry),
    };
  });
}

function subsetLabels(
  host: string,
  subset: string,
  namespace: string,
  destinations: readonly KubeObject[],
): Readonly<Record<string, string>> | 'missing' {
  const wanted = parseHost(host, namespace);
  const rule = destinations.find((destination) =>
    isSameHost(parseHost(textAt(destination, 'spec', 'host') ?? '', destination.metadata.namespace ?? ''), wanted),
  );
  const found = objectsAt(rule, 'spec', 'subsets').find((item) => item['name'] === subset);
  if (found === undefined) return 'missing';
  return Object.fromEntries(entriesAt(found, 'labels').map(([name, value]) => [name, String(value)]));
}

function headersOf(holder: Record<string, unknown>): HeaderChanges {
  const change = (side: string): HeaderChange => ({
    set: entriesAt(holder, 'headers', side, 'set').map(([name, value]) => [name, String(value)]),
    add: entriesAt(holder, 'headers', side, 'add').map(([name, value]) => [name, String(value)]),
    remove: textsAt(holder, 'headers', side, 'remove'),
  });
  return { request: change('request'), response: change('response') };
}

function rewriteOf(route: Record<string, unknown>): Rule['rewrite'] {
  const to = textAt(route, 'rewrite', 'uri');
  if (to === null) return null;
  const uri = at(objectsAt(route, 'match')[0], 'uri');
  return { matched: textAt(uri, 'prefix') ?? textAt(uri, 'exact') ?? '/', to };
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A duration such as `1.5s` or `1m30s`; null for none and for 0, which switches the limit off. */
export function durationOf(text: string | null): number | null {
  let totalMs = 0;
  for (const [, amount = '0', unit = 's'] of (text ?? '').matchAll(/([\d.]+)(ms|s|m|h)/g)) {
    totalMs += Number.parseFloat(amount) * (UNITS_MS[unit] ?? 0);
  }
  return totalMs === 0 ? null : totalMs;
}
