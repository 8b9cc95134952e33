// The transport port: one HTTP exchange with the API server. The simulation cuts here.

/** One request. `path` begins with a slash and holds the query. */
export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the exchange, the body included: a pending request rejects, an iteration throws. */
  readonly signal: AbortSignal;
  /** True for a watch: it takes no connection away from the other requests. */
  readonly isStream?: boolean;
}

/** The answer, whatever its status; redirects are answers like any other. Header names are lower case. */
export interface TransportResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The raw bytes in pieces of any size. Leaving the iteration early ends the exchange. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Sends one request, once. Holds no time limit (the connection's own apart), repeats nothing and follows nothing: all of that
 * lives above, on the injected clock. Rejects with whatever error the network gives.
 */
export interface KubeTransport {
  request(request: TransportRequest): Promise<TransportResponse>;
  /** Closes all connections. */
  close(): Promise<void>;
}
