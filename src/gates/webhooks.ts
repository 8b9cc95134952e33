// Calls webhooks with Flagger's payload, retries what may heal, and reads what the answer means.
import { RefusedError, SerinError, TransientError } from '../errors.ts';
import type { HttpClient, HttpResponse } from '../http/contract.ts';
import type { Log } from '../telemetry/contract.ts';
import { sleep, type Clock } from '../util/clock.ts';
import { jitterMs, type Random } from '../util/random.ts';
import type { HookAnswer, HookCall, HookCaller } from './contract.ts';
import { cleanText, displayUrl, hideSecretsOf } from './text.ts';

export interface HookCallerPorts {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Log;
}

const WAIT_MIN_MS = 1_000;
const WAIT_MAX_MS = 30_000;
const WAIT_JITTER_SHARE = 0.1;
const REDIRECTS_MAX = 3;

/** What one attempt came to: an answer of the hook, or a failure that may heal by itself. */
type Attempt =
  | { readonly kind: 'answer'; readonly answer: HookAnswer }
  | { readonly kind: 'again'; readonly afterMs: number | null; readonly why: string };

/**
 * Makes the caller. `deadlineMs` of a call is the limit of all its attempts and waits together, in milliseconds from now.
 * Throws TransientError IO_CANCELLED when its own signal aborts, because giving up is not an answer of the hook.
 */
export function createHookCaller(ports: HookCallerPorts): HookCaller {
  return {
    async call(call, deadlineMs, signal) {
      const endsAtMs = ports.clock.monotonicMs() + deadlineMs;
      const answer = await callUntil(ports, call, endsAtMs, signal);
      const { hook } = call;
      ports.log?.debug('Hook answered', {
        hook: hook.name,
        type: hook.type,
        verdict: answer.verdict,
        reason: answer.detail,
      });
      return answer;
    },
  };
}

async function callUntil(
  ports: HookCallerPorts,
  call: HookCall,
  endsAtMs: number,
  signal: AbortSignal,
): Promise<HookAnswer> {
  const leftMs = (): number => Math.max(0, endsAtMs - ports.clock.monotonicMs());
  for (let attempts = 1; ; attempts += 1) {
    const attempt = await attemptOnce(ports, call, Math.min(call.hook.timeoutMs, leftMs()), signal);
    throwIfAborted(call, signal);
    if (attempt.kind === 'answer') return attempt.answer;
    const waitMs = attempt.afterMs ?? backoffMs(ports.random, attempts);
    // A wait that would outlast the deadline ends the call now, when its reason is still known.
    if (attempts > call.hook.retries || waitMs >= leftMs()) return giveUp(call, attempts, attempt.why);
    await sleep(ports.clock, waitMs, signal);
    throwIfAborted(call, signal);
  }
}

/** Exponential from 1 to 30 s, spread a little so that hooks of many canaries do not come back together. */
function backoffMs(random: Random, attempts: number): number {
  return jitterMs(random, Math.min(WAIT_MIN_MS * 2 ** (attempts - 1), WAIT_MAX_MS), WAIT_JITTER_SHARE);
}

function giveUp(call: HookCall, attempts: number, why: string): HookAnswer {
  // Flagger's text, on which people's alerts match; a server error adds nothing to it, a connection error its reason.
  const text = `POST ${displayUrl(call.hook.url)} giving up after ${attempts} attempt(s)`;
  return { verdict: 'fail', detail: why === '' ? text : `${text}: ${why}` };
}

function throwIfAborted(call: HookCall, signal: AbortSignal): void {
  if (signal.aborted)
    throw new TransientError('IO_CANCELLED', `Cannot finish hook "${call.hook.name}": the call was cancelled`);
}

async function attemptOnce(
  ports: HookCallerPorts,
  call: HookCall,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Attempt> {
  try {
    const response = await ports.http.send({
      method: 'POST',
      url: call.hook.url,
      headers: { 'content-type': 'application/json', 'idempotency-key': headerSafe(call.idempotencyKey) },
      body: hookBody(call),
      timeoutMs,
      insecureTls: call.hook.disableTls,
      signal,
      purpose: 'hook',
      redirectsMax: REDIRECTS_MAX,
    });
    return readAnswer(call, response, ports.clock.nowMs());
  } catch (error) {
    if (!(error instanceof SerinError)) throw error;
    const detail = cleanText(error.message);
    const mayHeal = error instanceof TransientError && (error.code === 'IO_NETWORK' || error.code === 'IO_TIMEOUT');
    if (mayHeal) return { kind: 'again', afterMs: error.retryAfterMs, why: detail };
    return { kind: 'answer', answer: failForGood(detail, error instanceof RefusedError) };
  }
}

function failForGood(detail: string, isFinal = true): HookAnswer {
  return { verdict: 'fail', detail, ...(isFinal ? { isFinal } : {}) };
}

/** Flagger's payload: `metadata` is absent when there is none, and the hook's own keys win. */
function hookBody(call: HookCall): string {
  const metadata = { ...call.metadata, ...call.hook.metadata };
  const { name, namespace, phase, checksum } = call;
  return JSON.stringify({
    name,
    namespace,
    phase,
    checksum,
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  });
}

function headerSafe(key: string): string {
  return key.replace(/[^\x21-\x7e]/g, '_').slice(0, 255);
}

function readAnswer(call: HookCall, response: HttpResponse, nowMs: number): Attempt {
  const { status } = response;
  const said = cleanText(hideSecretsOf(call.hook.url, response.body));
  const retryAfterMs = readRetryAfterMs(response.headers['retry-after'], nowMs);
  if (status === 429 || (status >= 500 && status !== 501)) return { kind: 'again', afterMs: retryAfterMs, why: '' };
  if (status === 202 && call.group !== 'flagger.app' && retryAfterMs !== null) {
    return { kind: 'answer', answer: { verdict: 'wait', detail: said || 'the hook says not yet' } };
  }
  const passesTo = call.group === 'flagger.app' ? 202 : 299;
  if (status >= 200 && status <= passesTo) return { kind: 'answer', answer: { verdict: 'pass', detail: '' } };
  return { kind: 'answer', answer: failForGood(said || `the hook answered ${status}`) };
}

/** Seconds or a date (RFC 9110 §10.2.3); null when absent or unreadable. */
export function readRetryAfterMs(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  if (/^\s*\d{1,9}\s*$/.test(text)) return Number(text) * 1_000;
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text.trim())) return null;
  // oxlint-disable-next-line no-restricted-globals -- it reads a text, not the time
  const atMs = Date.parse(text);
  return Number.isFinite(atMs) ? Math.max(0, atMs - nowMs) : null;
}
