// What an HTTP answer of a sink means for the outbox: delivered, try again, or refused for good.
import { RefusedError, TransientError, messageOf } from '../errors.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../http/contract.ts';
import type { Delivery } from './contract.ts';

/** How long to wait before another attempt when the sink did not say. */
export const RETRY_DEFAULT_MS = 5_000;
/** Longest wait that a sink may ask for. */
const RETRY_MAX_MS = 15 * 60_000;
/** Client errors that may pass by themselves. */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/** A failure that may be tried again after `retryAfterMs`. */
export function failForNow(detail: string, retryAfterMs: number | null = null): Delivery {
  return { kind: 'failed', detail, retryAfterMs: retryAfterMs ?? RETRY_DEFAULT_MS };
}

/** A failure that no repetition mends. */
export function failForGood(detail: string): Delivery {
  return { kind: 'failed', detail, retryAfterMs: null };
}

export const delivered = (handle: string | null = null): Delivery => ({ kind: 'delivered', handle });

/** Retry-After in milliseconds (RFC 9110: seconds; a date is answered with null, since the clocks may differ), at most 15 minutes. */
export function retryAfterOf(response: HttpResponse): number | null {
  const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, RETRY_MAX_MS) : null;
}

/** The failure that a status of 300 and above means. `sink` begins the detail; the body is never quoted, it may echo secrets. */
export function failureOf(sink: string, response: HttpResponse): Delivery {
  const detail = `${sink} answered ${response.status}`;
  if (response.status >= 500 || TRANSIENT_STATUSES.has(response.status))
    return failForNow(detail, retryAfterOf(response));
  return failForGood(detail);
}

/** Sends, and turns what the client throws into a failure; anything that is not an error of the network is thrown on. */
export async function sendOrFail(
  http: HttpClient,
  sink: string,
  request: HttpRequest,
): Promise<{ response: HttpResponse } | { failure: Delivery }> {
  try {
    return { response: await http.send(request) };
  } catch (error) {
    if (error instanceof TransientError)
      return { failure: failForNow(`${sink}: ${messageOf(error)}`, error.retryAfterMs) };
    if (error instanceof RefusedError) return { failure: failForGood(`${sink}: ${messageOf(error)}`) };
    throw error;
  }
}
