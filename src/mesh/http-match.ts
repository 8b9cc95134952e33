// Reads Istio HTTPMatchRequests, as users of spec.service.match write them, into what the other meshes can say.
import type { JsonObject } from '../util/json.ts';
import { isObject } from '../util/json.ts';
import { compact, textAt } from './members.ts';
import type { RouteRequest } from './contract.ts';
import type { Flaw } from './service-fields.ts';
import { servicePath } from './service-fields.ts';

/** How a text is compared. Prefix and regex are Istio's words for it. */
interface TextMatch {
  readonly how: 'exact' | 'prefix' | 'regex';
  readonly value: string;
}

/** One HTTPMatchRequest: all of it must hold. Headers and query parameters in the order in which they were written. */
export interface HttpMatch {
  readonly path: TextMatch | null;
  readonly method: TextMatch | null;
  readonly headers: readonly { readonly name: string; readonly match: TextMatch }[];
  readonly query: readonly { readonly name: string; readonly match: TextMatch }[];
  /** Members of the HTTPMatchRequest that are not among these, in order. */
  readonly others: readonly string[];
}

/** What a mesh can match by. */
export interface MatchAbility {
  readonly path: readonly TextMatch['how'][];
  readonly method: readonly TextMatch['how'][];
  readonly headers: readonly TextMatch['how'][];
  readonly query: readonly TextMatch['how'][];
  /** How many HTTPMatchRequests may stand beside each other. */
  readonly matchesMax: number;
}

/** The service.match of a request, read. A member `name` only labels and is left out. */
export function readMatches(request: RouteRequest): readonly HttpMatch[] {
  return request.service.match.map((match) => ({
    path: readText(match['uri']),
    method: readText(match['method']),
    headers: readTexts(match['headers']),
    query: readTexts(match['queryParams']),
    others: Object.keys(match).filter((key) => !['uri', 'method', 'headers', 'queryParams', 'name'].includes(key)),
  }));
}

function readText(value: unknown): TextMatch | null {
  for (const how of ['regex', 'exact', 'prefix'] as const) {
    const text = textAt(value, how);
    if (text !== null) return { how, value: text };
  }
  return null;
}

function readTexts(value: unknown): readonly { readonly name: string; readonly match: TextMatch }[] {
  if (!isObject(value)) return [];
  // Sorted, so that the same matches always give the same route, whatever order a map comes in.
  const named = Object.keys(value).sort();
  return named.map((name) => ({ name, match: readText(value[name]) ?? { how: 'regex', value: '.*' } }));
}

/** What of service.match a mesh cannot match by. */
export function judgeMatches(request: RouteRequest, able: MatchAbility, provider: string): readonly Flaw[] {
  const matches = readMatches(request);
  const flaws = matches.flatMap((match, index): Flaw[] => {
    const at = (...keys: readonly string[]): string => servicePath('match', index, ...keys);
    const cannot = (path: string, hows: readonly string[]): Flaw => {
      const right = hows.length === 0 ? 'must be left out' : `must be ${hows.join(' or ')}`;
      return { path, message: `mesh provider "${provider}" cannot match by it, ${right}` };
    };
    return [
      ...match.others.map((key) => cannot(at(key), [])),
      ...(match.path !== null && !able.path.includes(match.path.how)
        ? [cannot(at('uri', match.path.how), able.path)]
        : []),
      ...(match.method !== null && !able.method.includes(match.method.how)
        ? [cannot(at('method', match.method.how), able.method)]
        : []),
      ...match.headers
        .filter((header) => !able.headers.includes(header.match.how))
        .map(({ name }) => cannot(at('headers', name), able.headers)),
      ...match.query
        .filter((param) => !able.query.includes(param.match.how))
        .map(({ name }) => cannot(at('queryParams', name), able.query)),
    ];
  });
  if (matches.length <= able.matchesMax) return flaws;
  return [
    ...flaws,
    { path: servicePath('match'), message: `holds ${matches.length} matches, must hold at most ${able.matchesMax}` },
  ];
}

/** The HTTPRouteMatch of Gateway API for one match; its default path is written out, as the API server would. */
export function gatewayHttpMatch(match: HttpMatch): JsonObject {
  const types = { exact: 'Exact', prefix: 'PathPrefix', regex: 'RegularExpression' };
  const named = (items: HttpMatch['headers']): JsonObject[] =>
    items.map(({ name, match: { how, value } }) => ({ type: types[how], name, value }));
  return compact({
    path: { type: types[match.path?.how ?? 'prefix'], value: match.path?.value ?? '/' },
    method: match.method?.value,
    headers: match.headers.length === 0 ? undefined : named(match.headers),
    queryParams: match.query.length === 0 ? undefined : named(match.query),
  });
}

/** The gRPC method that a path match means: `/service/method` exactly, `/service/` as a prefix, or all; null when it means none of these. */
export function grpcMethodOf(
  path: TextMatch | null,
): { readonly service: string | null; readonly method: string | null } | null {
  if (path === null || (path.how === 'prefix' && path.value === '/')) return { service: null, method: null };
  const parts = /^\/([A-Za-z_][\w.]*)\/(\w*)$/.exec(path.value);
  if (parts === null || path.how === 'regex') return null;
  const method = parts[2] === '' ? null : parts[2]!;
  return (path.how === 'exact') === (method !== null) ? { service: parts[1]!, method } : null;
}

/** The path of the gRPC methods that `service.grpc` names, as an Istio StringMatch; null when it names none. */
export function grpcUri(
  grpc: { readonly serviceName: string | null; readonly methodName: string | null } | null,
): JsonObject | null {
  if (grpc === null || grpc.serviceName === null) return null;
  return grpc.methodName === null
    ? { prefix: `/${grpc.serviceName}/` }
    : { exact: `/${grpc.serviceName}/${grpc.methodName}` };
}
