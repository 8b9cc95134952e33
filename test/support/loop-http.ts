// The outgoing HTTP of a loop world: hosts answer from scripts, on the virtual clock, and every request is kept.
import { TransientError } from '../../src/errors.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../src/http/contract.ts';
import { sleep, type Clock } from '../../src/util/clock.ts';

/** What a script may answer: a response, silence until the caller's limit, or an error as the hardened client throws it. */
export type Reply =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | 'hang'
  | Error;

export type Script = (request: HttpRequest, url: URL) => Reply;

/** One request as it was sent. */
export interface SentRequest {
  readonly atMs: number;
  readonly host: string;
  readonly path: string;
  readonly purpose: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const OK: Reply = { status: 200, body: 'ok' };
const TRIP_MS = 5;

/** A client whose hosts are functions. A host without a script answers 200. */
export class ScriptedHttp implements HttpClient {
  readonly sent: SentRequest[] = [];
  readonly #clock: Clock;
  readonly #scripts = new Map<string, Script>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sets what a host answers from now on. */
  on(host: string, script: Script): void {
    this.#scripts.set(host, script);
  }

  /** Requests to a host so far. */
  to(host: string): readonly SentRequest[] {
    return this.sent.filter((request) => request.host === host);
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const url = new URL(request.url);
    this.sent.push({
      atMs: this.#clock.nowMs(),
      host: url.hostname,
      path: url.pathname,
      purpose: request.purpose,
      headers: lower(request.headers ?? {}),
      body: request.body ?? '',
    });
    await sleep(this.#clock, TRIP_MS, request.signal);
    const reply = (this.#scripts.get(url.hostname) ?? ((): Reply => OK))(request, url);
    if (reply instanceof Error) throw reply;
    if (reply === 'hang') return this.#hang(request, url.hostname);
    if (request.signal?.aborted === true) throw cancelled(url.hostname);
    const body = reply.body ?? '';
    if (body.length > (request.bytesMax ?? 1_048_576))
      throw new TransientError('IO_TOO_LARGE', `Cannot read the answer of ${url.hostname}: it is too large`);
    return { status: reply.status, headers: lower(reply.headers ?? {}), body };
  }

  async #hang(request: HttpRequest, host: string): Promise<never> {
    await sleep(this.#clock, request.timeoutMs, request.signal);
    if (request.signal?.aborted === true) throw cancelled(host);
    throw new TransientError('IO_TIMEOUT', `Cannot reach ${host}: no answer within ${request.timeoutMs} ms`);
  }
}

const cancelled = (host: string): TransientError =>
  new TransientError('IO_CANCELLED', `Cannot reach ${host}: the call was cancelled`);

const lower = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** The answer of a Prometheus: one series with this value, as text; none with null. */
export function prometheusAnswer(value: string | null, nowMs: number): Reply {
  const result = value === null ? [] : [{ metric: {}, value: [nowMs / 1_000, value] }];
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }),
  };
}
