// One exchange with time limits on the injected clock and a bound on the size of the answer.
import { SerinError, TransientError } from '../errors.ts';
import type { CancelTimer, Clock } from '../util/clock.ts';
import { linkController, orAbort } from './abort.ts';
import type { KubeTransport, TransportRequest, TransportResponse } from './transport.ts';

/** Limit from sending a request to its headers, in milliseconds; connecting is part of it. */
const HEADERS_LIMIT_MS = 10_000;
/** Limit from the headers to the end of the body, in milliseconds. */
const BODY_LIMIT_MS = 30_000;
/** A watch that sends no byte for so long, in milliseconds, is dead; a healthy one sends a bookmark about once a minute. */
export const SILENCE_LIMIT_MS = 90_000;

/** With this an exchange ends that nobody waits for any more; one for all, because an error is dear to make. */
const OVER = new TransientError('IO_ABORTED', 'Cannot go on with an exchange: it is over');

/** What an exchange needs besides the request. `what` begins every message, such as `Cannot get Deployment shop/web`; `doubt` ends it where the outcome is unknown. */
export interface ExchangeOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly what: string;
  readonly doubt: string;
  readonly signal: AbortSignal;
}

/** An answer that was read to its end. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Sends a request and reads the whole answer, at most `bytesMax`. Throws TransientError, or the signal's reason. */
export async function exchange(
  request: Omit<TransportRequest, 'signal'>,
  bytesMax: number,
  options: ExchangeOptions,
): Promise<RawAnswer> {
  const opened = await openExchange(request, options);
  try {
    opened.limit(BODY_LIMIT_MS, 'the answer was not complete');
    const text = await orAbort(readText(opened.response.body, bytesMax, options.what), opened.signal);
    return { status: opened.response.status, headers: opened.response.headers, text };
  } catch (error) {
    throw explain(error, opened.signal, options.what, options.doubt);
  } finally {
    opened.end();
  }
}

/** An exchange whose headers are in. `end` must be called; it drops the connection when the body was not read. */
export interface OpenExchange {
  readonly response: TransportResponse;
  /** Aborts with the error to throw. */
  readonly signal: AbortSignal;
  /** Replaces the running time limit. */
  limit(limitMs: number, complaint: string): void;
  end(): void;
}

/** Sends a request and waits for the headers. Throws TransientError, or the signal's reason. */
export async function openExchange(
  request: Omit<TransportRequest, 'signal'>,
  options: ExchangeOptions,
): Promise<OpenExchange> {
  const { controller, unlink } = linkController(options.signal);
  let cancel: CancelTimer = () => undefined;
  const limit = (limitMs: number, complaint: string): void => {
    cancel();
    cancel = options.clock.setTimer(limitMs, () => {
      controller.abort(
        new TransientError('IO_TIMEOUT', `${options.what}: ${complaint} within ${limitMs / 1000} s${options.doubt}`),
      );
    });
  };
  const end = (): void => {
    cancel();
    unlink();
    controller.abort(OVER);
  };
  limit(HEADERS_LIMIT_MS, 'the server did not answer');
  try {
    const pending = options.transport.request({ ...request, signal: controller.signal });
    const response = await orAbort(pending, controller.signal);
    return { response, signal: controller.signal, limit, end };
  } catch (error) {
    const explained = explain(error, controller.signal, options.what, options.doubt);
    end();
    throw explained;
  }
}

/** The pieces of a body that never ends, each within the limit of silence. Ends the exchange when it is left. */
export async function* readStream(opened: OpenExchange, what: string): AsyncGenerator<Uint8Array, void, void> {
  const pieces = opened.response.body[Symbol.asyncIterator]();
  try {
    for (;;) {
      opened.limit(SILENCE_LIMIT_MS, 'not a byte came');
      const piece = await orAbort(pieces.next(), opened.signal);
      if (piece.done) return;
      yield piece.value;
    }
  } catch (error) {
    throw explain(error, opened.signal, what, '');
  } finally {
    opened.end();
    // Not awaited: it may hang behind a read that will never be answered.
    void pieces.return?.().catch(() => undefined);
  }
}

async function readText(body: AsyncIterable<Uint8Array>, bytesMax: number, what: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.byteLength;
    if (size > bytesMax) {
      throw new TransientError('IO_TOO_LARGE', `${what}: the answer is larger than ${bytesMax} bytes`);
    }
    pieces.push(piece);
  }
  const whole = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, size);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(whole);
  } catch {
    throw new TransientError('IO_PROTOCOL', `${what}: the answer is not UTF-8`);
  }
}

/** Turns what a transport throws into a TransientError: the code of the failure, never its text, which may hold more than we want to log. */
function explain(error: unknown, signal: AbortSignal, what: string, doubt: string): SerinError {
  if (signal.aborted && signal.reason instanceof SerinError) return signal.reason;
  if (error instanceof SerinError) return error;
  const code = codeOf(error);
  if (isTlsCode(code)) {
    return new TransientError('IO_TLS', `${what}: the server's certificate was not accepted (${code})`, {
      cause: error,
    });
  }
  return new TransientError('IO_NETWORK', `${what}: the connection failed (${code})${doubt}`, { cause: error });
}

function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const code: unknown = (at as Error & { code?: unknown }).code;
    if (typeof code === 'string') return code;
  }
  return error instanceof Error ? error.name : 'unknown';
}

// Names of OpenSSL's verification results and of Node's TLS errors.
function isTlsCode(code: string): boolean {
  return /CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(code);
}
