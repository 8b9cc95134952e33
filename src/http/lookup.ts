// Name resolution at connect time: every address is checked before a socket may use it, so that DNS cannot answer twice.
import { lookup as resolveWithSystem } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { RefusedError } from '../errors.ts';
import type { Clock } from '../util/clock.ts';
import { canonicalAddress } from './addresses.ts';
import { hostnameOf, portOf, refuse, type UrlGuard } from './guard.ts';

/** One address of a name. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** Resolves a name to all its addresses. Throws Node's DNS errors. */
export type ResolveName = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** The system's resolver. */
export const systemResolve: ResolveName = (hostname) => resolveWithSystem(hostname, { all: true, order: 'verbatim' });

/** How long the addresses of denied names are kept, in milliseconds. */
const DENIED_NAMES_KEPT_MS = 60_000;

/** Makes the lookups of one client. */
export interface LookupMaker {
  /** A lookup for one call to `url`. What it refuses is also handed to `onRefusal`, because the socket layer wraps errors. */
  lookupFor(url: URL, purpose: string, onRefusal: (error: RefusedError) => void): LookupFunction;
  /** Checks a URL whose host is an address, for which no socket ever asks a lookup. Throws RefusedError. */
  checkLiteral(url: URL, purpose: string): Promise<void>;
}

/** Makes lookups that refuse a name as soon as one of its addresses is forbidden: good and bad together is an attack, not a choice. */
export function createLookupMaker(guard: UrlGuard, resolve: ResolveName, clock: Clock): LookupMaker {
  let deniedAddresses: ReadonlySet<string> = new Set();
  let deniedUntilMs = Number.NEGATIVE_INFINITY;

  const refreshDenied = async (): Promise<void> => {
    if (guard.deniedNames.length === 0 || clock.monotonicMs() < deniedUntilMs) return;
    const answers = await Promise.allSettled(guard.deniedNames.map((name) => resolve(name)));
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    deniedAddresses = new Set(found.map(({ address }) => canonicalAddress(address) ?? address));
    deniedUntilMs = clock.monotonicMs() + DENIED_NAMES_KEPT_MS;
  };

  const resolveChecked = async (hostname: string, url: URL, purpose: string): Promise<readonly ResolvedAddress[]> => {
    await refreshDenied();
    const found = isIP(hostname) === 0 ? await resolve(hostname) : [{ address: hostname, family: isIP(hostname) }];
    if (found.length === 0) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
    for (const { address } of found) {
      const isDenied = deniedAddresses.has(canonicalAddress(address) ?? address);
      const why =
        guard.refusalOf(address, portOf(url), hostnameOf(url)) ?? (isDenied ? 'the API server is not allowed' : null);
      if (why !== null) throw refuse(hostnameOf(url), purpose, why);
    }
    return found;
  };

  return {
    async checkLiteral(url, purpose) {
      if (isIP(hostnameOf(url)) !== 0) await resolveChecked(hostnameOf(url), url, purpose);
    },
    lookupFor(url, purpose, onRefusal) {
      return (hostname, options, callback) => {
        resolveChecked(hostname, url, purpose).then(
          (found) => {
            const first = found[0]!;
            if (options.all === true) callback(null, [...found]);
            else callback(null, first.address, first.family);
          },
          (error: Error) => {
            if (error instanceof RefusedError) onRefusal(error);
            callback(error, '', 0);
          },
        );
      };
    },
  };
}
