// The outgoing-HTTP port: every call that is not the API server's goes through one hardened client behind this contract.

/** One outgoing call. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Limit of the whole call in milliseconds, connection and body included. */
  readonly timeoutMs: number;
  /** Most bytes of body read, after decompression; 1 MiB by default. A longer body is an error. */
  readonly bytesMax?: number;
  /** Skips verification of the server's certificate. */
  readonly insecureTls?: boolean;
  /** PEM of the authority to trust besides the system's. */
  readonly caPem?: string;
  readonly proxyUrl?: string;
  readonly signal?: AbortSignal;
  /** Who asks, for metrics and messages: metrics, hook, slack… Never the URL, which may hold secrets. */
  readonly purpose: string;
  /** Redirects followed within the same host; 0 by default. A redirect to another host is always an error. */
  readonly redirectsMax?: number;
}

/** The answer, whatever its status. Header names are lower case. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Sends requests. Throws TransientError with code IO_TIMEOUT, IO_NETWORK, IO_TOO_LARGE or IO_TLS, and RefusedError for
 * a URL that the guard forbids (IO_FORBIDDEN_ADDRESS in the message). No error text holds a body, a header or the URL's
 * path, query or credentials.
 */
export interface HttpClient {
  send(request: HttpRequest): Promise<HttpResponse>;
}
