// Reads a request's path and method: which resource, which object, which verb.
import type { RequestInfo, Verb } from './types.ts';

/** Subresources of a namespace, which look like resources inside it. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/** What a request asks for; null when its path is that of no resource. */
export function readRequest(method: string, target: string): RequestInfo | null {
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  const query = new URLSearchParams(question < 0 ? '' : target.slice(question + 1));
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodePart);
  const place = placeOf(parts);
  if (place === null) return null;
  return { ...place, verb: verbOf(method, place.name !== null, query), query };
}

function decodePart(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

type Place = Omit<RequestInfo, 'verb' | 'query'>;

function placeOf(parts: readonly string[]): Place | null {
  if (parts[0] === 'api' && parts.length >= 3) return placeIn('', parts[1] ?? '', parts.slice(2));
  if (parts[0] === 'apis' && parts.length >= 4) return placeIn(parts[1] ?? '', parts[2] ?? '', parts.slice(3));
  return null;
}

function placeIn(group: string, version: string, rest: readonly string[]): Place | null {
  const [first, second, third] = rest;
  const isInNamespace =
    first === 'namespaces' && second !== undefined && third !== undefined && !NAMESPACE_SUBRESOURCES.has(third);
  const [plural, name, ...more] = isInNamespace ? rest.slice(2) : rest;
  if (plural === undefined || more.length > 1) return null;
  const namespace = isInNamespace ? second : null;
  return { group, version, plural, name: name ?? null, namespace, subresource: more[0] ?? '' };
}

function verbOf(method: string, hasName: boolean, query: URLSearchParams): Verb {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (isTrue(query.get('watch'))) return 'watch';
      return hasName ? 'get' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return hasName ? 'delete' : 'deletecollection';
    default:
      return 'none';
  }
}

/** True for the texts that Go's ParseBool takes for true. */
export function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1' || text === 't' || text === 'T' || text === 'TRUE' || text === 'True';
}
