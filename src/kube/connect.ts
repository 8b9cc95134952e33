// Connects to a cluster: credentials, transport, client and cache in one.
import type { Log } from '../telemetry/contract.ts';
import type { Clock } from '../util/clock.ts';
import type { Random } from '../util/random.ts';
import { createKubeCache } from './cache.ts';
import type { FedKubeCache } from './cache.ts';
import type { Authorize, RequestSeen } from './call.ts';
import { createKubeClient } from './client.ts';
import type { Kube } from './contract.ts';
import { feedCache } from './fed-client.ts';
import { openCredentials } from './kubeconfig.ts';
import type { KubeTransport } from './transport.ts';
import { createUndiciTransport } from './undici-transport.ts';

/** What both doors to a cluster are made of. */
export interface KubeParts {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Log;
  readonly authorize?: Authorize;
  /** Limit of requests to the API server; 1,000 a second by default. */
  readonly requestsPerSecond?: number;
  /** Told of each request sent, for metrics. */
  readonly onRequest?: (seen: RequestSeen) => void;
}

/** Both doors, and the way to close them. */
export interface OpenKube extends Kube {
  readonly cache: FedKubeCache;
  /** Ends all watches and closes all connections. */
  close(): Promise<void>;
}

/** Options of connecting. */
export interface ConnectOptions extends Omit<KubeParts, 'transport' | 'authorize'> {
  /** The --kubeconfig flag; without it KUBECONFIG, ~/.kube/config or the pod's own account. */
  readonly kubeconfigPath?: string | undefined;
  /** Context to use instead of the current one. */
  readonly context?: string | undefined;
}

/** A connected cluster. */
export interface ConnectedKube extends OpenKube {
  /** Base URL of the API server. */
  readonly server: string;
  /** Namespace of the context, or of the pod's own account; null when there is none. */
  readonly namespace: string | null;
}

/** Makes client and cache over any transport. Nothing is sent before the first call. */
export function openKube(parts: KubeParts): OpenKube {
  const client = createKubeClient(parts);
  const cache = createKubeCache({ ...parts, client });
  return {
    client: feedCache(client, cache),
    cache,
    async close() {
      await cache.close();
      await parts.transport.close();
    },
  };
}

/** Finds the cluster and loads the credentials; sends nothing yet. Throws InvalidSpecError SPEC_KUBECONFIG when there is no usable kubeconfig, TransientError IO_AUTH when the credentials cannot be had. */
export async function connectKube(options: ConnectOptions): Promise<ConnectedKube> {
  const credentials = openCredentials({
    path: options.kubeconfigPath,
    context: options.context,
    clock: options.clock,
  });
  const { server, proxyUrl, tls, namespace } = await credentials.current(false);
  const transport = createUndiciTransport({ server, tls, ...(proxyUrl === null ? {} : { proxyUrl }) });
  const authorize: Authorize = async (headers, isRefused) => {
    const access = await credentials.current(isRefused);
    transport.useTls(access.tls);
    Object.assign(headers, access.headers);
  };
  return { ...openKube({ ...options, transport, authorize }), server, namespace };
}
