// The rule of a Gateway API route made from spec.service, and the defaults that the API server fills in.
import type { Json, JsonObject } from '../util/json.ts';
import { isObject } from '../util/json.ts';
import type { RouteRequest } from './contract.ts';
import { gatewayDuration, parseDurationMs } from './durations.ts';
import { gatewayHttpMatch, grpcMethodOf, readMatches } from './http-match.ts';
import { compact, memberAt, objectsAt, textAt, textsAt } from './members.ts';
import { servicePath } from './service-fields.ts';
import type { Flaw } from './service-fields.ts';

/** The one rule of the route, with the canary at 0. */
export function ruleOf(request: RouteRequest): JsonObject {
  const { service, names, protocol } = request;
  const backend = (name: string, weight: number): JsonObject => ({
    group: '',
    kind: 'Service',
    name,
    port: service.port,
    weight,
  });
  const filters = filtersOf(request);
  const timeouts = compact({
    request: service.timeout === null ? undefined : (gatewayDuration(service.timeout) ?? undefined),
    backendRequest:
      service.backendTimeout === null ? undefined : (gatewayDuration(service.backendTimeout) ?? undefined),
  });
  const matches = protocol === 'grpc' ? grpcMatches(request) : httpMatches(request);
  return compact({
    matches: matches.length === 0 ? undefined : matches,
    filters: filters.length === 0 ? undefined : filters,
    timeouts: Object.keys(timeouts).length === 0 ? undefined : timeouts,
    backendRefs: [backend(names.primary, 100), backend(names.canary, 0)],
  });
}

function httpMatches(request: RouteRequest): readonly JsonObject[] {
  const matches = readMatches(request);
  return matches.length === 0 ? [{ path: { type: 'PathPrefix', value: '/' } }] : matches.map(gatewayHttpMatch);
}

function grpcMatches(request: RouteRequest): readonly JsonObject[] {
  const { grpc } = request.service;
  const methodMatch = (service: string | null, method: string | null): JsonObject | undefined =>
    service === null && method === null
      ? undefined
      : compact({ type: 'Exact', service: service ?? undefined, method: method ?? undefined });
  if (grpc !== null) {
    const method = methodMatch(grpc.serviceName, grpc.methodName);
    return method === undefined ? [] : [{ method }];
  }
  return readMatches(request).map((match) => {
    const named = grpcMethodOf(match.path);
    const { headers } = gatewayHttpMatch(match);
    return compact({ method: methodMatch(named?.service ?? null, named?.method ?? null), headers });
  });
}

function filtersOf(request: RouteRequest): readonly JsonObject[] {
  const { headers, rewrite, corsPolicy } = request.service;
  const filters: JsonObject[] = [];
  for (const [side, type, key] of [
    ['request', 'RequestHeaderModifier', 'requestHeaderModifier'],
    ['response', 'ResponseHeaderModifier', 'responseHeaderModifier'],
  ] as const) {
    const modifier = modifierOf(memberAt(headers, side));
    if (modifier !== null) filters.push({ type, [key]: modifier });
  }
  if (rewrite !== null) filters.push({ type: 'URLRewrite', urlRewrite: rewriteOf(rewrite) });
  if (corsPolicy !== null) filters.push({ type: 'CORS', cors: corsOf(corsPolicy) });
  return filters;
}

function modifierOf(side: unknown): JsonObject | null {
  const named = (key: string): Json | undefined => {
    const map = memberAt(side, key);
    if (!isObject(map) || Object.keys(map).length === 0) return undefined;
    // Sorted, so that the same headers always give the same route.
    const names = Object.keys(map).sort();
    return names.map((name) => ({ name, value: String(map[name]) }));
  };
  const removed = textsAt(side, 'remove');
  const modifier = compact({
    add: named('add'),
    set: named('set'),
    remove: removed.length === 0 ? undefined : removed,
  });
  return Object.keys(modifier).length === 0 ? null : modifier;
}

function rewriteOf(rewrite: JsonObject): JsonObject {
  const uri = textAt(rewrite, 'uri');
  const type = rewriteTypeOf(rewrite);
  const member = type === 'ReplacePrefixMatch' ? 'replacePrefixMatch' : 'replaceFullPath';
  return compact({
    hostname: textAt(rewrite, 'authority') ?? undefined,
    path: uri === null ? undefined : { type, [member]: uri },
  });
}

function rewriteTypeOf(rewrite: JsonObject): string {
  return textAt(rewrite, 'type') ?? 'ReplaceFullPath';
}

function corsOf(cors: JsonObject): JsonObject {
  const origins = [
    ...textsAt(cors, 'allowOrigin'),
    ...objectsAt(cors, 'allowOrigins').flatMap((origin) => textAt(origin, 'exact') ?? []),
  ];
  const list = (key: string): Json | undefined => {
    const items = textsAt(cors, key);
    return items.length === 0 ? undefined : items;
  };
  const maxAgeMs = parseDurationMs(textAt(cors, 'maxAge') ?? '');
  return compact({
    allowOrigins: origins.length === 0 ? undefined : [...new Set(origins)],
    allowMethods: list('allowMethods'),
    allowHeaders: list('allowHeaders'),
    exposeHeaders: list('exposeHeaders'),
    allowCredentials: typeof cors['allowCredentials'] === 'boolean' ? cors['allowCredentials'] : undefined,
    maxAge: maxAgeMs === null ? undefined : Math.round(maxAgeMs / 1_000),
  });
}

/** What of spec.service an HTTPRoute or GRPCRoute cannot say, beyond fields and matches. */
export function judgeRule(request: RouteRequest): readonly Flaw[] {
  const { service, protocol } = request;
  const flaws: Flaw[] = [];
  for (const field of ['timeout', 'backendTimeout'] as const) {
    const text = service[field];
    if (text !== null && gatewayDuration(text) === null) {
      flaws.push({
        path: servicePath(field),
        message: `"${text}" is no duration of Gateway API, must be like "1m30s"`,
      });
    }
  }
  const [requestMs, backendMs] = [service.timeout, service.backendTimeout].map((text) =>
    text === null ? null : parseDurationMs(text),
  );
  // The CRD's own rule; a request time-out of 0 means none.
  if (requestMs && backendMs && backendMs > requestMs) {
    flaws.push({
      path: servicePath('backendTimeout'),
      message: `is longer than the timeout ${service.timeout}, must not be`,
    });
  }
  if (protocol === 'grpc') {
    for (const field of ['timeout', 'backendTimeout', 'rewrite', 'corsPolicy'] as const) {
      if (service[field] !== null)
        flaws.push({ path: servicePath(field), message: 'a GRPCRoute has no such field, must be unset' });
    }
    for (const [index, match] of readMatches(request).entries()) {
      if (grpcMethodOf(match.path) !== null) continue;
      flaws.push({
        path: servicePath('match', index, 'uri'),
        message: 'names no gRPC method, must be "/service/method" or the prefix "/service/"',
      });
    }
  }
  return [...flaws, ...judgeRewrite(request), ...judgeCors(service.corsPolicy)];
}

/** The CRD's own rule: a prefix can be replaced where exactly one prefix is matched. */
function judgeRewrite(request: RouteRequest): readonly Flaw[] {
  const { rewrite } = request.service;
  if (rewrite === null || textAt(rewrite, 'uri') === null) return [];
  const path = servicePath('rewrite', 'type');
  const type = rewriteTypeOf(rewrite);
  if (!['ReplaceFullPath', 'ReplacePrefixMatch'].includes(type)) {
    return [{ path, message: `"${type}" is unknown, must be ReplaceFullPath or ReplacePrefixMatch` }];
  }
  const matches = readMatches(request);
  const isPrefix = matches.length === 0 || (matches.length === 1 && (matches[0]!.path?.how ?? 'prefix') === 'prefix');
  if (type === 'ReplaceFullPath' || isPrefix) return [];
  return [
    { path, message: 'ReplacePrefixMatch needs exactly one match, by uri.prefix, must be ReplaceFullPath otherwise' },
  ];
}

function judgeCors(cors: JsonObject | null): readonly Flaw[] {
  if (cors === null) return [];
  const flaws = objectsAt(cors, 'allowOrigins').flatMap((origin, index): Flaw[] =>
    textAt(origin, 'exact') === null
      ? [
          {
            path: servicePath('corsPolicy', 'allowOrigins', index),
            message: 'the CORS filter takes no patterns but "*", must be "exact"',
          },
        ]
      : [],
  );
  const maxAge = textAt(cors, 'maxAge');
  if (maxAge === null || (parseDurationMs(maxAge) ?? 0) >= 1_000) return flaws;
  return [
    ...flaws,
    {
      path: servicePath('corsPolicy', 'maxAge'),
      message: `"${maxAge}" is no duration of a second or more, must be like "24h"`,
    },
  ];
}

/** The spec with everything that the API server defaults (HTTPRoute and GRPCRoute, v1) written out. */
export function withGatewayDefaults(spec: unknown): unknown {
  if (!isObject(spec)) return spec;
  const parentRefs = objectsAt(spec, 'parentRefs').map((ref) => ({
    group: 'gateway.networking.k8s.io',
    kind: 'Gateway',
    ...ref,
  }));
  const rules = objectsAt(spec, 'rules').map((rule) => ({
    ...rule,
    ...('matches' in rule ? { matches: objectsAt(rule, 'matches').map(matchWithDefaults) } : {}),
    ...('filters' in rule ? { filters: objectsAt(rule, 'filters').map(filterWithDefaults) } : {}),
    backendRefs: objectsAt(rule, 'backendRefs').map((ref) => ({ group: '', kind: 'Service', weight: 1, ...ref })),
  }));
  return { ...spec, parentRefs, rules };
}

function matchWithDefaults(match: JsonObject): JsonObject {
  const typed = (key: string): JsonObject =>
    key in match ? { [key]: objectsAt(match, key).map((item) => ({ type: 'Exact', ...item })) } : {};
  const under = (key: string, defaults: JsonObject): JsonObject =>
    isObject(match[key]) ? { [key]: { ...defaults, ...match[key] } } : {};
  return {
    ...match,
    ...typed('headers'),
    ...typed('queryParams'),
    ...under('path', { type: 'PathPrefix', value: '/' }),
    ...under('method', { type: 'Exact' }),
  };
}

function filterWithDefaults(filter: JsonObject): JsonObject {
  return isObject(filter['cors']) ? { ...filter, cors: { maxAge: 5, ...filter['cors'] } } : filter;
}
