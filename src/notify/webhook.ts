// The generic event webhook: Flagger's event payload, signed as in Standard Webhooks when there is a secret.
import { createHmac } from 'node:crypto';
import type { Alert } from '../core/policy.ts';
import type { HttpClient } from '../http/contract.ts';
import type { Clock } from '../util/clock.ts';
import { delivered, failureOf, sendOrFail } from './answer.ts';
import type { Delivery, Notifier } from './contract.ts';
import { toEventBody } from './event-body.ts';
import { passesSeverity } from './severity.ts';

const SEND_TIMEOUT_MS = 5_000;
const SECRET_PREFIX = 'whsec_';

/** Settings of one webhook sink. */
export interface WebhookOptions {
  readonly sink: string;
  readonly url: string;
  /** Secrets for signing, separated by white space, the newest first; null sends without a signature. */
  readonly secret: string | null;
  readonly proxyUrl: string | null;
  /** Only alerts from this severity on; null for every announcement. */
  readonly severity: Alert['severity'] | null;
}

/**
 * The header webhook-signature of Standard Webhooks 1.0 (symmetric): for each secret `v1,` and the base64 of the
 * HMAC-SHA256 over `id.timestamp.body`. A secret is `whsec_` and base64, or else its own bytes.
 */
export function signWebhook(secrets: string, id: string, timestampSeconds: number, body: string): string {
  return secrets
    .split(/\s+/)
    .filter((secret) => secret !== '')
    .map((secret) => {
      const key = secret.startsWith(SECRET_PREFIX)
        ? Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
        : Buffer.from(secret);
      return `v1,${createHmac('sha256', key).update(`${id}.${timestampSeconds}.${body}`).digest('base64')}`;
    })
    .join(' ');
}

/** Opens the sink. The key goes out as webhook-id and as Idempotency-Key; the signature's time is that of the attempt. */
export function openWebhookNotifier(http: HttpClient, clock: Clock, options: WebhookOptions): Notifier {
  return {
    sink: options.sink,
    wants: ({ alert }) =>
      options.severity === null || (alert !== null && passesSeverity(options.severity, alert.severity)),
    async send(announcement, _handle, signal): Promise<Delivery> {
      const body = toEventBody(announcement);
      const sent = await sendOrFail(http, 'Webhook', {
        method: 'POST',
        url: options.url,
        headers: {
          'content-type': 'application/json',
          'idempotency-key': announcement.key,
          ...signatureHeaders(options.secret, announcement.key, clock.nowMs(), body),
        },
        body,
        timeoutMs: SEND_TIMEOUT_MS,
        signal,
        purpose: 'webhook',
        ...(options.proxyUrl === null ? {} : { proxyUrl: options.proxyUrl }),
      });
      if ('failure' in sent) return sent.failure;
      return sent.response.status < 300 ? delivered() : failureOf('Webhook', sent.response);
    },
  };
}

function signatureHeaders(secret: string | null, id: string, nowMs: number, body: string): Record<string, string> {
  const timestampSeconds = Math.floor(nowMs / 1000);
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestampSeconds) };
  if (secret === null || secret.trim() === '') return headers;
  return { ...headers, 'webhook-signature': signWebhook(secret, id, timestampSeconds, body) };
}
