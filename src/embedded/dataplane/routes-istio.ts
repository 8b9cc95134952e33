// Istio's VirtualService and DestinationRule, read as their documentation has them.
import type { KubeObject, ResourceKind } from '../../kube/contract.ts';
import { at, entriesAt, numberAt, objectsAt, textAt, textsAt } from './read.ts';
import type { Backend, Entrance, HeaderChange, HeaderChanges, RequestFacts, Rule } from './table.ts';
import { fullPattern, hostMatcher, isSameHost, parseHost } from './table.ts';
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
    return services.flatMap((service) => rulesOf(service, destinations));
  },
};

/** The oldest of several that name one host is the one that counts. */
function byAge(a: KubeObject, b: KubeObject): number {
  const [ageA, ageB] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (ageA !== ageB) return ageA < ageB ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

function rulesOf(service: KubeObject, destinations: readonly KubeObject[]): readonly Rule[] {
  const namespace = service.metadata.namespace ?? '';
  const hosts = textsAt(service, 'spec', 'hosts').map((host) => hostMatcher(host, namespace));
  return objectsAt(service, 'spec', 'http').map((route) => ({
    origin: `VirtualService ${namespace}/${service.metadata.name}`,
    via: entrancesOf(textsAt(service, 'spec', 'gateways')),
    isFor: (host) => hosts.some((matches) => matches(host)),
    matches: matcherOf(route),
    backends: backendsOf(route, namespace, destinations),
    headers: headersOf(route),
    timeoutMs: durationOf(textAt(route, 'timeout')),
    rewrite: rewriteOf(route),
  }));
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
