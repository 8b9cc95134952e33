// A client and a cache over the little server in virtual time.
import { LittleServer, littleTransport } from '../../conformance/kube/little-server.ts';
import { VirtualClock, seededRandom } from '../../support/virtual-clock.ts';
import { openKube } from '../../../src/kube/connect.ts';
import type { KubeParts, OpenKube } from '../../../src/kube/connect.ts';
import type { CacheChange } from '../../../src/kube/contract.ts';
import type { KubeTransport } from '../../../src/kube/transport.ts';
import type { Log } from '../../../src/telemetry/contract.ts';

export interface VirtualWorld {
  readonly clock: VirtualClock;
  readonly server: LittleServer;
  readonly kube: OpenKube;
  readonly changes: CacheChange[];
  readonly warnings: string[];
  /** Requests seen by the server as `VERB path?query`, without the paths in front. */
  asked(): string[];
}

export function makeVirtualWorld(
  parts: Partial<KubeParts> & { wrap?: (transport: KubeTransport) => KubeTransport; seed?: number } = {},
): VirtualWorld {
  const clock = new VirtualClock();
  const server = new LittleServer();
  const warnings: string[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message, fields) => warnings.push(`${message}: ${String(fields?.['reason'])}`),
    error: (message) => warnings.push(message),
    child: () => log,
  };
  const transport = littleTransport(server);
  const kube = openKube({
    clock,
    random: seededRandom(parts.seed ?? 1),
    log,
    ...parts,
    transport: parts.wrap?.(transport) ?? transport,
  });
  const changes: CacheChange[] = [];
  kube.cache.onChange((change) => changes.push(change));
  return {
    clock,
    server,
    kube,
    changes,
    warnings,
    asked: () =>
      server.requests.map(({ method, url }) => {
        const isWatch = url.searchParams.has('watch');
        const verb = isWatch ? 'WATCH' : method === 'GET' && url.pathname.endsWith('/widgets') ? 'LIST' : method;
        const version = url.searchParams.get('resourceVersion');
        const match = url.searchParams.get('resourceVersionMatch');
        return [verb, version, match].filter((part) => part !== null).join(' ');
      }),
  };
}

/** A change as `+name`, `~name`, `-name`, with `*` behind an echo of our own. */
export function describeChange({ before, after, isOwnWrite }: CacheChange): string {
  const sign = before === null ? '+' : after === null ? '-' : '~';
  return `${sign}${(after ?? before)!.metadata.name}${isOwnWrite ? '*' : ''}`;
}
