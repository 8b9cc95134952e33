// A whole call to the API server: lane, credentials, retries and the meaning of its status, up to one minute.
import { SerinError, TransientError } from '../errors.ts';
import type { Clock } from '../util/clock.ts';
import { sleep } from '../util/clock.ts';
import type { Random } from '../util/random.ts';
import { linkController, orAbort } from './abort.ts';
import { answerFault, doubtOf, parseAnswer } from './answers.ts';
import type { Answer } from './answers.ts';
import type { Lane } from './contract.ts';
import { exchange, openExchange, readStream } from './exchange.ts';
import type { Limiter, ReleaseSlot } from './limiter.ts';
import type { KubeTransport, TransportRequest } from './transport.ts';

/** Limit of a whole call in milliseconds: the wait for a slot, all tries and pauses included. */
const CALL_LIMIT_MS = 60_000;
const READ_TRIES = 3;
const THROTTLED_TRIES = 5;
const READ_PAUSE_MS = 100;

/** Puts credentials into the headers. With `isRefused` the last ones were answered with 401 and must be read again. */
export type Authorize = (headers: Record<string, string>, isRefused: boolean) => Promise<void>;

/** What is told of each request sent, for metrics. `status` 0 means that there was no answer. */
export interface RequestSeen {
  readonly verb: string;
  readonly kind: string;
  readonly lane: Lane;
  readonly status: number;
  readonly durationMs: number;
}

/** What the calls of one cluster share. */
export interface CallerOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly limiter: Limiter;
  readonly authorize?: Authorize;
  readonly onRequest?: (seen: RequestSeen) => void;
}

/** One call. `what` begins every error message, such as `Cannot get Deployment shop/web`. */
export interface Call {
  readonly verb: string;
  readonly kind: string;
  readonly what: string;
  readonly method: TransportRequest['method'];
  readonly path: string;
  readonly contentType?: string;
  readonly body?: string;
  readonly lane: Lane;
  readonly signal?: AbortSignal | undefined;
  readonly bytesMax: number;
}

/** A watch that was opened, or the server's refusal. */
export type Opened = { readonly chunks: AsyncGenerator<Uint8Array, void, void> } | { readonly refusal: Answer };

/** Makes the calls of one cluster. */
export class Caller {
  readonly #options: CallerOptions;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /**
   * Sends a call. Returns 2xx and 4xx answers, parsed. Throws TransientError for everything else. Reads are tried three times;
   * a write only where the server says that it did nothing: 429, and once 401.
   */
  async send(call: Call): Promise<Answer> {
    const { clock, limiter } = this.#options;
    const { controller, unlink } = linkController(call.signal, () => gaveUp(call));
    const startMs = clock.monotonicMs();
    const cancel = clock.setTimer(CALL_LIMIT_MS, () => {
      controller.abort(timedOut(call));
    });
    const { signal } = controller;
    let isRefused = false;
    let letGo: (() => void) | null = null;
    try {
      for (let attempt = 1; ; attempt += 1) {
        const outcome = await this.#attempt(call, signal, isRefused);
        if (!('fault' in outcome)) {
          if (outcome.status !== 401 || isRefused || this.#options.authorize === undefined) return outcome;
          isRefused = true;
          continue;
        }
        if (signal.aborted) throw signal.reason;
        const pauseMs = this.#pauseMs(outcome.fault, attempt);
        if (outcome.isThrottled && call.lane === 'rollback') letGo ??= limiter.holdForRollback();
        const leftMs = CALL_LIMIT_MS - (clock.monotonicMs() - startMs);
        if (!canRetry(call, outcome, attempt) || pauseMs >= leftMs) throw outcome.fault;
        await sleep(clock, pauseMs, signal);
        if (signal.aborted) throw signal.reason;
      }
    } finally {
      letGo?.();
      cancel();
      unlink();
    }
  }

  /** Opens a watch. Throws TransientError like `send`; tries once, the reflector is the one to try again. */
  async open(call: Call): Promise<Opened> {
    const { controller, unlink } = linkController(call.signal, () => gaveUp(call));
    try {
      for (const isRefused of [false, true]) {
        const release = await this.#slot(call.lane, controller.signal);
        const opened = await this.#opening(call, controller.signal, isRefused).finally(release);
        if ('chunks' in opened) return { chunks: unlinkAfter(opened.chunks, unlink) };
        if (opened.refusal.status === 401 && !isRefused && this.#options.authorize !== undefined) continue;
        unlink();
        return opened;
      }
    } catch (error) {
      unlink();
      throw error;
    }
    throw new TransientError('IO_AUTH', `${call.what}: the server did not accept the credentials`);
  }

  async #attempt(call: Call, signal: AbortSignal, isRefused: boolean): Promise<Outcome> {
    const release = await this.#slot(call.lane, signal);
    const { clock } = this.#options;
    const startMs = clock.monotonicMs();
    let status = 0;
    try {
      const request = await this.#request(call, signal, isRefused);
      const raw = await exchange(request, call.bytesMax, {
        ...this.#options,
        what: call.what,
        doubt: doubtOf(call.method),
        signal,
      });
      status = raw.status;
      return this.#outcome(raw.status, () => parseAnswer(raw, call.what), answerFault(raw, call));
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      return { fault: error, isThrottled: false };
    } finally {
      release();
      this.#options.onRequest?.({
        verb: call.verb,
        kind: call.kind,
        lane: call.lane,
        status,
        durationMs: clock.monotonicMs() - startMs,
      });
    }
  }

  #outcome(status: number, parse: () => Answer, fault: TransientError | null): Outcome {
    if (fault === null) return parse();
    if (fault.retryAfterMs !== null) this.#options.limiter.backOff(this.#pauseMs(fault, 1));
    return { fault, isThrottled: status === 429 };
  }

  async #opening(call: Call, signal: AbortSignal, isRefused: boolean): Promise<Opened> {
    const startMs = this.#options.clock.monotonicMs();
    let status = 0;
    try {
      const options = { ...this.#options, what: call.what, doubt: '', signal };
      const request = await this.#request(call, signal, isRefused);
      const opened = await openExchange({ ...request, isStream: true }, options);
      status = opened.response.status;
      if (status === 200) return { chunks: readStream(opened, call.what) };
      const chunks = readStream(opened, call.what);
      const raw = { status, headers: opened.response.headers, text: await readStart(chunks, call.bytesMax) };
      const fault = answerFault(raw, call);
      if (fault === null) return { refusal: parseAnswer(raw, call.what) };
      if (fault.retryAfterMs !== null) this.#options.limiter.backOff(this.#pauseMs(fault, 1));
      throw fault;
    } finally {
      this.#options.onRequest?.({
        verb: call.verb,
        kind: call.kind,
        lane: call.lane,
        status,
        durationMs: this.#options.clock.monotonicMs() - startMs,
      });
    }
  }

  async #slot(lane: Lane, signal: AbortSignal): Promise<ReleaseSlot> {
    try {
      return await this.#options.limiter.acquire(lane, signal);
    } catch {
      throw signal.reason;
    }
  }

  async #request(call: Call, signal: AbortSignal, isRefused: boolean): Promise<Omit<TransportRequest, 'signal'>> {
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'serin' };
    if (call.contentType !== undefined) headers['content-type'] = call.contentType;
    try {
      await orAbort(this.#options.authorize?.(headers, isRefused) ?? Promise.resolve(), signal);
    } catch (error) {
      if (error instanceof SerinError) throw error;
      throw new TransientError('IO_AUTH', `${call.what}: the credentials could not be read`, { cause: error });
    }
    return {
      method: call.method,
      path: call.path,
      headers,
      ...(call.body === undefined ? {} : { body: call.body }),
    };
  }

  #pauseMs(fault: TransientError, attempt: number): number {
    const spread = 1 + 0.2 * this.#options.random.next();
    if (fault.retryAfterMs !== null) return Math.round(fault.retryAfterMs * spread);
    return Math.round(READ_PAUSE_MS * 4 ** (attempt - 1) * (0.5 + this.#options.random.next()));
  }
}

type Outcome = Answer | { readonly fault: TransientError; readonly isThrottled: boolean };

function canRetry(call: Call, outcome: { readonly isThrottled: boolean }, attempt: number): boolean {
  if (outcome.isThrottled) return attempt < THROTTLED_TRIES;
  return call.method === 'GET' && attempt < READ_TRIES;
}

function timedOut(call: Call): TransientError {
  const limit = `${CALL_LIMIT_MS / 1000} s`;
  return new TransientError('IO_TIMEOUT', `${call.what}: there was no result within ${limit}${doubtOf(call.method)}`);
}

function gaveUp(call: Call): TransientError {
  return new TransientError('IO_ABORTED', `${call.what}: the call was given up${doubtOf(call.method)}`);
}

async function* unlinkAfter<T>(
  items: AsyncGenerator<T, void, void>,
  unlink: () => void,
): AsyncGenerator<T, void, void> {
  try {
    yield* items;
  } finally {
    unlink();
  }
}

async function readStart(chunks: AsyncGenerator<Uint8Array, void, void>, bytesMax: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of chunks) {
    pieces.push(piece);
    size += piece.byteLength;
    if (size > bytesMax) break;
  }
  return Buffer.concat(pieces).toString('utf8');
}
