// The URL guard: refuses URLs and addresses that no resource of a user may make the controller call.
import { isIP } from 'node:net';
import { RefusedError } from '../errors.ts';
import { canonicalAddress, classifyAddress } from './addresses.ts';

/** Whom the guard lets through. Entries are `host` or `host:port`; a host is a name or an address. */
export interface GuardOptions {
  /** Lets loopback addresses through (flag `--allow-loopback`): the demo and development. */
  readonly allowLoopback: boolean;
  /** Hosts that the administrator vouches for: loopback, ports and `deniedHosts` do not count for them. Metadata and link-local addresses stay refused. */
  readonly allowedHosts?: readonly string[];
  /** The API server's own addresses and names. */
  readonly deniedHosts?: readonly string[];
}

/** Checks a URL before anything is sent, and every address that its name resolves to. */
export interface UrlGuard {
  /** Names among `deniedHosts`, whose addresses are refused too. */
  readonly deniedNames: readonly string[];
  /** Parses and checks. Throws RefusedError. `purpose` names the caller in the message. */
  check(url: string, purpose: string): URL;
  /** Why a connection to `address` must not be made for `hostname`; null when it may. */
  refusalOf(address: string, port: number, hostname: string): string | null;
}

interface HostEntry {
  readonly host: string;
  readonly port: number | null;
}

/** Names that lead to credentials or to the API server, whatever they resolve to. */
const FORBIDDEN_NAMES: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  {
    pattern: /^(metadata\.google\.internal|metadata\.goog|instance-data(\.ec2\.internal)?)$/,
    what: 'metadata addresses are not allowed',
  },
  { pattern: /^kubernetes(\.default(\.svc(\.[a-z0-9.-]+)?)?)?$/, what: 'the API server is not allowed' },
];

/** Ports of services that speak no HTTP, of kubelets and of the control plane. */
const FORBIDDEN_PORTS: ReadonlySet<number> = new Set([
  21, 22, 23, 25, 53, 110, 143, 389, 465, 587, 993, 995, 2379, 2380, 3306, 5432, 6379, 10250, 10255, 10257, 10259,
  11211, 27017,
]);

const REFUSALS: Readonly<Record<Exclude<ReturnType<typeof classifyAddress>, 'ordinary'>, string>> = {
  loopback: 'loopback addresses are not allowed (flag --allow-loopback)',
  unspecified: 'the unspecified address is not allowed',
  'link-local': 'link-local addresses are not allowed',
  metadata: 'metadata addresses are not allowed',
  multicast: 'multicast addresses are not allowed',
  reserved: 'reserved addresses are not allowed',
};

/** The port that a URL means. */
export function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}

/** The host of a URL as names and addresses are compared: no brackets, no trailing dot. */
export function hostnameOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '');
}

/** Builds the refusal that the whole client throws. `host` must hold no path, query or credentials. */
export function refuse(host: string, purpose: string, why: string): RefusedError {
  return new RefusedError(0, `Cannot call "${host}" for ${purpose}: IO_FORBIDDEN_ADDRESS, ${why}`);
}

function parseEntry(entry: string): HostEntry {
  const text = entry.trim().toLowerCase();
  if (isIP(text) !== 0) return { host: canonicalAddress(text) ?? text, port: null };
  const parts = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text);
  const host = (parts?.[1] ?? text).replace(/^\[|\]$/g, '').replace(/\.+$/, '');
  return { host: canonicalAddress(host) ?? host, port: parts?.[2] === undefined ? null : Number(parts[2]) };
}

function hasEntry(entries: readonly HostEntry[], host: string, port: number): boolean {
  return entries.some((entry) => entry.host === host && (entry.port === null || entry.port === port));
}

/** Makes the guard. It holds no state and may be shared. */
export function createUrlGuard(options: GuardOptions): UrlGuard {
  const allowed = (options.allowedHosts ?? []).map(parseEntry);
  const denied = (options.deniedHosts ?? []).map(parseEntry);

  const refusalOf = (address: string, port: number, hostname: string): string | null => {
    const canonical = canonicalAddress(address);
    const kind = classifyAddress(address);
    if (kind !== 'ordinary' && kind !== 'loopback') return REFUSALS[kind];
    if (hasEntry(allowed, hostname, port) || hasEntry(allowed, canonical ?? address, port)) return null;
    if (kind === 'loopback' && !options.allowLoopback) return REFUSALS.loopback;
    return hasEntry(denied, canonical ?? address, port) ? 'the API server is not allowed' : null;
  };

  const refusalOfName = (hostname: string, port: number): string | null => {
    if (hostname === '') return 'the URL names no host';
    const forbidden = FORBIDDEN_NAMES.find(({ pattern }) => pattern.test(hostname));
    if (forbidden !== undefined) return forbidden.what;
    if (hasEntry(allowed, canonicalAddress(hostname) ?? hostname, port)) return null;
    if (hasEntry(denied, hostname, port)) return 'the API server is not allowed';
    if (/(^|\.)localhost$/.test(hostname) && !options.allowLoopback) return REFUSALS.loopback;
    return FORBIDDEN_PORTS.has(port) ? `port ${port} is not allowed` : null;
  };

  return {
    deniedNames: denied.map((entry) => entry.host).filter((host) => isIP(host) === 0),
    refusalOf,
    check(text, purpose) {
      const url = URL.canParse(text) ? new URL(text) : null;
      if (url === null)
        throw new RefusedError(0, `Cannot call a URL for ${purpose}: IO_FORBIDDEN_ADDRESS, it is not a valid URL`);
      if (url.protocol !== 'http:' && url.protocol !== 'https:') {
        throw refuse(hostnameOf(url), purpose, `the scheme must be http or https, not ${url.protocol.slice(0, -1)}`);
      }
      const hostname = hostnameOf(url);
      const port = portOf(url);
      const why = refusalOfName(hostname, port) ?? (isIP(hostname) === 0 ? null : refusalOf(hostname, port, hostname));
      if (why !== null) throw refuse(hostname, purpose, why);
      return url;
    },
  };
}
