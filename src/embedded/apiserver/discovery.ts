// Discovery: which groups, versions and kinds are served; and the small paths beside them.
import { createHash } from 'node:crypto';
import type { Engine } from './engine.ts';
import { answer, answerText, type Accept, readAccept } from './media.ts';
import { encodeOpenApiV2, OPENAPI_PROTOBUF } from './openapi-v2.ts';
import { openApiV2, openApiV3Document, openApiV3Index } from './openapi.ts';
import { isReview } from './reviews.ts';
import { groupVersion } from './served-kind.ts';
import { methodNotAllowed, notAcceptable, UnknownPath } from './status.ts';
import type { ApiRequest, ApiResponse, ServedKind } from './types.ts';

/** The version that the server reports. */
const VERSION = { major: '1', minor: '36', gitVersion: 'v1.36.3' };

const HEALTH_PATHS = new Set(['/healthz', '/livez', '/readyz']);

/** Answers a path that is that of no resource. Throws StatusFailure and UnknownPath. */
export function answerNonResource(engine: Engine, request: ApiRequest): ApiResponse {
  const path = normalPath(request.path);
  if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
  if (HEALTH_PATHS.has(path)) return answerText(200, 'ok');
  if (path.startsWith('/openapi/')) return answerOpenApi(engine, request, path);
  const accept = readAccept(request.headers?.['accept']);
  if (path === '/version') return answer(200, versionInfo());
  if (path === '') return answer(200, { paths: rootPaths(engine) });
  if (path === '/api') return answerApi(engine, accept);
  if (path === '/apis') return answerApis(engine, accept);
  const [root, first, second, more] = path.split('/').slice(1);
  if (root === 'api' && first !== undefined && second === undefined) return answerGroupVersion(engine, '', first);
  if (root !== 'apis' || first === undefined || more !== undefined) throw new UnknownPath();
  return second === undefined ? answerGroup(engine, first) : answerGroupVersion(engine, first, second);
}

function normalPath(target: string): string {
  return (target.split('?')[0] ?? '').replace(/\/+$/, '');
}

function versionInfo(): Record<string, string> {
  return {
    ...VERSION,
    emulationMajor: '1',
    emulationMinor: '36',
    minCompatibilityMajor: '1',
    minCompatibilityMinor: '35',
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '2026-07-15T00:00:00Z',
    goVersion: 'go1.26.8',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}

function rootPaths(engine: Engine): string[] {
  const groups = groupsOf(engine);
  const paths = groups.flatMap((group) =>
    group.name === ''
      ? ['/api', '/api/v1']
      : [`/apis/${group.name}`, ...group.versions.map((version) => `/apis/${group.name}/${version}`)],
  );
  return [...paths, '/apis', ...HEALTH_PATHS, '/openapi/v2', '/openapi/v3', '/version'].sort();
}

interface Group {
  readonly name: string;
  /** The preferred one first. */
  readonly versions: readonly string[];
  readonly kinds: readonly ServedKind[];
}

/** Groups in the order in which they came, versions by Kubernetes' order of preference. */
function groupsOf(engine: Engine): readonly Group[] {
  const byName = new Map<string, ServedKind[]>();
  for (const kind of engine.registry.all()) byName.set(kind.group, [...(byName.get(kind.group) ?? []), kind]);
  return [...byName].map(([name, kinds]) => ({
    name,
    kinds,
    versions: [...new Set(kinds.map((kind) => kind.version))].sort(comparePriority),
  }));
}

/** GA before beta before alpha, higher before lower. */
function comparePriority(a: string, b: string): number {
  const [left, right] = [versionRank(a), versionRank(b)];
  for (const [index, value] of left.entries()) {
    const difference = (right[index] ?? 0) - value;
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : Number(a > b);
}

function versionRank(version: string): readonly number[] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return [0, 0, 0];
  const level = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
  return [level, Number(match[1]), Number(match[3] ?? 0)];
}

function answerApi(engine: Engine, accept: Accept): ApiResponse {
  if (accept.discovery !== null) return answerAggregated(groupsOf(engine).filter((group) => group.name === ''));
  const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1:443' }];
  return answer(200, { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs }, accept);
}

function answerApis(engine: Engine, accept: Accept): ApiResponse {
  const groups = groupsOf(engine).filter((group) => group.name !== '');
  if (accept.discovery !== null) return answerAggregated(groups);
  return answer(200, { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(describeGroup) }, accept);
}

function answerGroup(engine: Engine, name: string): ApiResponse {
  const group = groupsOf(engine).find((item) => item.name === name);
  if (group === undefined) throw new UnknownPath();
  return answer(200, { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(group) });
}

function describeGroup(group: Group): Record<string, unknown> {
  const versions = group.versions.map((version) => ({ groupVersion: `${group.name}/${version}`, version }));
  return { name: group.name, versions, preferredVersion: versions[0] };
}

function answerGroupVersion(engine: Engine, group: string, version: string): ApiResponse {
  const kinds = engine.registry.all().filter((kind) => kind.group === group && kind.version === version);
  if (kinds.length === 0) throw new UnknownPath();
  const resources = [...kinds].sort((a, b) => (a.plural < b.plural ? -1 : 1)).flatMap(describeKind);
  const name = groupVersion({ group, version });
  const head = group === '' ? { kind: 'APIResourceList' } : { kind: 'APIResourceList', apiVersion: 'v1' };
  return answer(200, { ...head, groupVersion: name, resources });
}

function describeKind(kind: ServedKind): Record<string, unknown>[] {
  const base = { name: kind.plural, singularName: kind.singular, namespaced: kind.namespaced, kind: kind.kind };
  const main = {
    ...base,
    verbs: kind.verbs,
    ...(isReview(kind) ? {} : { storageVersionHash: storageVersionHash(kind) }),
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
    ...(kind.categories.length === 0 ? {} : { categories: kind.categories }),
  };
  const verbs = ['get', 'patch', 'update'];
  const rows: Record<string, unknown>[] = [main];
  if (kind.hasStatus) rows.push({ ...base, name: `${kind.plural}/status`, singularName: '', verbs });
  if (kind.scale !== null) {
    const scale = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
    rows.push({ ...base, ...scale, name: `${kind.plural}/scale`, singularName: '', verbs });
  }
  return rows;
}

/** By this, clients see that the stored version of a kind has changed: the first eight bytes of a digest of its name. */
function storageVersionHash(kind: ServedKind): string {
  const name = `${kind.storageVersion.includes('/') ? '' : '/'}${kind.storageVersion}/${kind.kind}`;
  return createHash('sha256').update(name).digest().subarray(0, 8).toString('base64');
}

const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

function answerAggregated(groups: readonly Group[]): ApiResponse {
  const items = groups.map((group) => ({
    metadata: group.name === '' ? {} : { name: group.name },
    versions: group.versions.map((version) => ({
      version,
      freshness: 'Current',
      resources: group.kinds.filter((kind) => kind.version === version).map(aggregatedKind),
    })),
  }));
  const list = { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
  return answer(200, list, { isYaml: false }, { 'content-type': AGGREGATED_TYPE, vary: 'Accept' });
}

function aggregatedKind(kind: ServedKind): Record<string, unknown> {
  // Kinds that are built in are named without their group here.
  const at = kind.isCustom ? { group: kind.group, version: kind.version } : { group: '', version: '' };
  const responseKind = { ...at, kind: kind.kind };
  const verbs = ['get', 'patch', 'update'];
  const subresources: Record<string, unknown>[] = [];
  if (kind.hasStatus) subresources.push({ subresource: 'status', responseKind, verbs });
  if (kind.scale !== null) {
    const scale = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
    subresources.push({ subresource: 'scale', responseKind: scale, verbs });
  }
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
    ...(kind.categories.length === 0 ? {} : { categories: kind.categories }),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}

function answerOpenApi(engine: Engine, request: ApiRequest, path: string): ApiResponse {
  const header = request.headers?.['accept'] ?? '';
  if (path === '/openapi/v2' && header.includes(OPENAPI_PROTOBUF.accept)) {
    const bytes = encodeOpenApiV2(openApiV2(engine));
    return { status: 200, headers: { 'content-type': OPENAPI_PROTOBUF.contentType }, body: bytes.toString('latin1') };
  }
  const isJsonWanted = header === '' || /application\/json|\*\/\*|application\/\*/.test(header);
  if (!isJsonWanted) throw notAcceptable(['application/json']);
  if (path === '/openapi/v2') return answer(200, openApiV2(engine));
  if (path === '/openapi/v3') return answer(200, openApiV3Index(engine));
  const document = openApiV3Document(engine, path.slice('/openapi/v3/'.length));
  if (document === null) throw new UnknownPath();
  return answer(200, document);
}
