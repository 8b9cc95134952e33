// What went through the data plane, by Service and pod.

/** One answered request. */
export interface ProxiedRequest {
  readonly host: string;
  /** The backend Service; null when the request was refused before one was chosen. */
  readonly service: string | null;
  readonly pod: string | null;
  /** HTTP status; for gRPC 200 unless the proxy itself failed. */
  readonly status: number;
  readonly grpcStatus: number | null;
  readonly durationMs: number;
}

/** Sums of one backend Service. */
export interface BackendCount {
  requests: number;
  failures: number;
}

/** Keeps count. */
export interface Counts {
  note(request: ProxiedRequest): void;
  byService(): ReadonlyMap<string, BackendCount>;
  onRequest(listener: (request: ProxiedRequest) => void): () => void;
}

/** True for what a user would call failed: 5xx, or a gRPC status other than OK. */
function isFailed({ status, grpcStatus }: Pick<ProxiedRequest, 'status' | 'grpcStatus'>): boolean {
  return status >= 500 || (grpcStatus !== null && grpcStatus !== 0);
}

/** Opens a count; requests that reached no backend are counted under the empty name. */
export function openCounts(): Counts {
  const counts = new Map<string, BackendCount>();
  const listeners = new Set<(request: ProxiedRequest) => void>();
  return {
    note(request) {
      const name = request.service ?? '';
      const held = counts.get(name) ?? { requests: 0, failures: 0 };
      held.requests += 1;
      if (isFailed(request)) held.failures += 1;
      counts.set(name, held);
      for (const listener of listeners) listener(request);
    },
    byService: () => counts,
    onRequest(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
