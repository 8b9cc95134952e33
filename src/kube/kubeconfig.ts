// Where the cluster is and who we are there: kubeconfig, in-cluster account, tokens, certificates and exec plugins.
import { readFile } from 'node:fs/promises';
import { dirname, delimiter, isAbsolute, join } from 'node:path';
import type { RequestOptions } from 'node:https';
import type * as ClientNode from '@kubernetes/client-node';
import { InvalidSpecError, TransientError, messageOf } from '../errors.ts';
import type { SerinError } from '../errors.ts';
import type { Clock } from '../util/clock.ts';
import { sleep } from '../util/clock.ts';
import type { TlsSettings } from './undici-transport.ts';

/** What is needed to talk to the cluster now. */
export interface ClusterAccess {
  /** Base URL of the API server. */
  readonly server: string;
  readonly proxyUrl: string | null;
  readonly tls: TlsSettings;
  /** Authorization and impersonation headers. Never logged. */
  readonly headers: Readonly<Record<string, string>>;
  /** Namespace of the context, or of the pod's own account; null when there is none. */
  readonly namespace: string | null;
}

/** Options of loading. */
export interface KubeconfigOptions {
  /** The --kubeconfig flag; without it KUBECONFIG, ~/.kube/config or the pod's own account. */
  readonly path?: string | undefined;
  /** Context to use instead of the current one. */
  readonly context?: string | undefined;
  readonly clock: Clock;
  /** Environment; the process's own by default. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Credentials that renew themselves. */
export interface ClusterCredentials {
  /** What to use now; files are read again, and exec plugins asked, at most once a minute, or at once when the last was refused (but not more than once per five seconds). */
  current(isRefused: boolean): Promise<ClusterAccess>;
}

// Tokens in files are rotated well before they end; client-go re-reads them after the same time.
const FRESH_MS = 60_000;
const REFUSED_PAUSE_MS = 5_000;
const LOAD_LIMIT_MS = 30_000;

/** Prepares to load credentials; nothing is read before `current` is first called. */
export function openCredentials(options: KubeconfigOptions): ClusterCredentials {
  const { clock } = options;
  let loaded: { readonly access: ClusterAccess; readonly atMs: number } | null = null;
  let loading: Promise<ClusterAccess> | null = null;
  const load = async (): Promise<ClusterAccess> => {
    const access = await withLimit(clock, loadAccess(options));
    // The same settings keep their identity, so that comparing them costs nothing.
    const tls = loaded !== null && isSameTls(loaded.access.tls, access.tls) ? loaded.access.tls : access.tls;
    loaded = { access: { ...access, tls }, atMs: clock.monotonicMs() };
    return loaded.access;
  };
  return {
    current(isRefused) {
      const ageMs = loaded === null ? Infinity : clock.monotonicMs() - loaded.atMs;
      if (loaded !== null && ageMs < (isRefused ? REFUSED_PAUSE_MS : FRESH_MS)) return Promise.resolve(loaded.access);
      loading ??= load().finally(() => {
        loading = null;
      });
      return loading;
    },
  };
}

async function loadAccess(options: KubeconfigOptions): Promise<ClusterAccess> {
  const config = await loadConfig(options);
  if (options.context !== undefined) config.setCurrentContext(options.context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw invalid(`the context "${config.getCurrentContext() ?? ''}" names no cluster`);
  }
  const request: RequestOptions = {};
  try {
    await credentialsOnly(config, await clientNode()).applyToHTTPSOptions(request);
  } catch (error) {
    // What an exec plugin wrote to its standard error may hold anything; its name says enough to try it by hand.
    const plugin = (config.getCurrentUser()?.exec as { command?: unknown } | undefined)?.command;
    const from = typeof plugin === 'string' ? `the exec plugin "${plugin}"` : 'the files that the kubeconfig names';
    const code = (error as { code?: unknown }).code;
    const why = typeof code === 'string' ? ` (${code})` : '';
    throw new TransientError('IO_AUTH', `Cannot load credentials for the API server: ${from} failed${why}`, {
      cause: error,
    });
  }
  return {
    server: cluster.server,
    proxyUrl: cluster.proxyUrl ?? null,
    tls: tlsOf(request),
    headers: headersOf(request),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace?.trim() || null,
  };
}

/** The same cluster and user for client-node's credential code, without its proxies, and without its refusal of plain HTTP. */
function credentialsOnly(
  config: ClientNode.KubeConfig,
  { KubeConfig }: Pick<typeof ClientNode, 'KubeConfig'>,
): ClientNode.KubeConfig {
  const { caData, caFile, tlsServerName, name, server, skipTLSVerify } = config.getCurrentCluster()!;
  const isPlain = server.startsWith('http:');
  const bare = new KubeConfig();
  bare.loadFromClusterAndUser(
    {
      name,
      server,
      skipTLSVerify: isPlain || skipTLSVerify,
      ...(caData === undefined ? {} : { caData }),
      ...(caFile === undefined ? {} : { caFile }),
      ...(tlsServerName === undefined ? {} : { tlsServerName }),
    },
    config.getCurrentUser() ?? { name: 'nobody' },
  );
  return bare;
}

async function loadConfig(options: KubeconfigOptions): Promise<ClientNode.KubeConfig> {
  const environment = options.environment ?? process.env;
  const { KubeConfig } = await clientNode();
  const config = new KubeConfig();
  const named = options.path === undefined ? (environment['KUBECONFIG'] ?? '').split(delimiter) : [options.path];
  const files = named.filter((file) => file !== '');
  if (files.length === 0) {
    const home = environment['HOME'] ?? '';
    const isHome = home !== '' && (await mergeFile(config, join(home, '.kube', 'config')));
    if (isHome) return config;
    if (!environment['KUBERNETES_SERVICE_HOST']) {
      throw invalid('there is no --kubeconfig, no KUBECONFIG, no ~/.kube/config, and this is no pod');
    }
    config.loadFromCluster();
    return config;
  }
  let found = 0;
  for (const file of files) if (await mergeFile(config, file)) found += 1;
  if (found === 0) throw invalid(`there is no file ${files.map((file) => `"${file}"`).join(' or ')}`);
  return config;
}

/** Adds a file to what is loaded, the first mention of a name wins as in kubectl; false when it does not exist. */
async function mergeFile(into: ClientNode.KubeConfig, file: string): Promise<boolean> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return false;
    throw invalid(`"${file}" cannot be read: ${messageOf(error)}`);
  }
  const { KubeConfig } = await clientNode();
  const config = new KubeConfig();
  try {
    config.loadFromString(nameTokenFiles(text, dirname(file)));
    config.makePathsAbsolute(dirname(file));
  } catch (error) {
    throw invalid(`"${file}" is no kubeconfig (${(error as Error).name})`);
  }
  const firstOf = <T extends { readonly name: string }>(old: readonly T[], more: readonly T[]): T[] => [
    ...old,
    ...more.filter(({ name }) => !old.some((other) => other.name === name)),
  ];
  into.loadFromOptions({
    clusters: firstOf(into.clusters, config.clusters),
    users: firstOf(into.users, config.users),
    contexts: firstOf(into.contexts, config.contexts),
    currentContext: into.currentContext || config.currentContext,
  });
  return true;
}

/** client-node 2.0.1 knows a user's token file by another name than kubectl's `tokenFile`, and reads it relative to the working directory. */
function nameTokenFiles(text: string, directory: string): string {
  return text.replace(
    /(^|[\s{,])["']?tokenFile["']?:\s*("[^"\n]*"|'[^'\n]*'|[^\s,}]+)/g,
    (_, before: string, value: string) => {
      const path = value.replace(/^["']|["']$/g, '');
      return `${before}"token-file": ${JSON.stringify(isAbsolute(path) ? path : join(directory, path))}`;
    },
  );
}

function headersOf(request: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    // A token read from a file ends with the file's line feed.
    if (typeof value === 'string') headers[name.toLowerCase()] = value.trim();
  }
  if (typeof request.auth === 'string' && headers['authorization'] === undefined) {
    headers['authorization'] = `Basic ${Buffer.from(request.auth).toString('base64')}`;
  }
  return headers;
}

function tlsOf({ ca, cert, key, rejectUnauthorized, servername }: RequestOptions): TlsSettings {
  return {
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ...(cert === undefined ? {} : { cert: pem(cert) }),
    ...(key === undefined ? {} : { key: pem(key) }),
    ...(servername === undefined ? {} : { serverName: servername }),
    ...(rejectUnauthorized === false ? { isInsecure: true } : {}),
  };
}

function pem(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('utf8') : String(value);
}

function isSameTls(a: TlsSettings, b: TlsSettings): boolean {
  const members = ['ca', 'cert', 'key', 'serverName', 'isInsecure'] as const;
  return members.every((member) => a[member] === b[member]);
}

async function withLimit<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const controller = new AbortController();
  const tooLate = sleep(clock, LOAD_LIMIT_MS, controller.signal).then(() => {
    const what = 'Cannot load credentials for the API server';
    throw new TransientError('IO_TIMEOUT', `${what}: they were not there within ${LOAD_LIMIT_MS / 1000} s`);
  });
  tooLate.catch(() => undefined);
  return Promise.race([work, tooLate]).finally(() => controller.abort());
}

function invalid(why: string): SerinError {
  return new InvalidSpecError('SPEC_KUBECONFIG', '', `Cannot find the cluster: ${why}`);
}

/** Loaded when it is first needed: run from the sources, its typed models cost a second and 80 MB. */
function clientNode(): Promise<Pick<typeof ClientNode, 'KubeConfig'>> {
  return import('./client-node.ts');
}
