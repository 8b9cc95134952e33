// Slack's Web API: one message per run, updated in place, with a thread of its steps.
import type { Alert } from '../core/policy.ts';
import type { HttpClient, HttpResponse } from '../http/contract.ts';
import { delivered, failForGood, failForNow, failureOf, retryAfterOf, sendOrFail } from './answer.ts';
import type { Announcement, Delivery, Notifier } from './contract.ts';
import { passesSeverity } from './severity.ts';
import type { SlackMessage } from './slack-blocks.ts';
import { toRunMessage, toStepMessage } from './slack-blocks.ts';
import { errorCodeOf, parseAnswer } from './slack-answer.ts';

const SEND_TIMEOUT_MS = 5_000;

/** Settings of one Web API sink. */
export interface SlackAppOptions {
  readonly sink: string;
  /** `https://slack.com/api`, or what stands for it. */
  readonly apiUrl: string;
  readonly token: string;
  /** Name or id of the channel; Slack answers with its id. */
  readonly channel: string;
  /** Shown as author where the app has the scope chat:write.customize; empty leaves the app's own name. */
  readonly username: string;
  readonly proxyUrl: string | null;
  readonly severity: Alert['severity'];
}

/** Errors that pass by themselves (docs of chat.postMessage); all others are about the token, the channel or the body and stay. */
const TRANSIENT_ERRORS: ReadonlySet<string> = new Set([
  'ratelimited',
  'rate_limited',
  'message_limit_exceeded',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);
/** The run's message is gone or frozen: a new one takes its place. */
const LOST_MESSAGE_ERRORS: ReadonlySet<string> = new Set([
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'thread_not_found',
]);

type Answer =
  | { readonly ok: true; readonly channel: string; readonly ts: string }
  | { readonly ok: false; readonly code: string; readonly delivery: Delivery };

/** Opens the sink. The handle is `channelId:ts` of the run's message. */
export function openSlackAppNotifier(http: HttpClient, options: SlackAppOptions): Notifier {
  const call = (method: string, body: Record<string, unknown>, signal: AbortSignal): Promise<Answer> =>
    callSlack(http, options, method, body, signal);

  async function postParent(announcement: Announcement, signal: AbortSignal): Promise<Delivery> {
    const answer = await call(
      'chat.postMessage',
      {
        channel: options.channel,
        ...messageOf(toRunMessage(announcement), announcement),
        ...(options.username === '' ? {} : { username: options.username, icon_emoji: ':rocket:' }),
      },
      signal,
    );
    return answer.ok ? delivered(`${answer.channel}:${answer.ts}`) : answer.delivery;
  }

  async function send(announcement: Announcement, handle: string | null, signal: AbortSignal): Promise<Delivery> {
    const [channel, ts] = splitHandle(handle);
    // The first message already holds the sentence, so that a repetition after a lost answer costs one message, not two.
    if (channel === null || ts === null) return postParent(announcement, signal);
    // The update comes first because it may be repeated without a trace; the reply may not.
    const updated = await call(
      'chat.update',
      { channel, ts, ...messageOf(toRunMessage(announcement), announcement) },
      signal,
    );
    if (!updated.ok) return LOST_MESSAGE_ERRORS.has(updated.code) ? postParent(announcement, signal) : updated.delivery;
    const isBroadcast = announcement.role === 'end' && announcement.eventType === 'Warning';
    const reply = {
      ...messageOf(toStepMessage(announcement), announcement),
      ...(isBroadcast ? { reply_broadcast: true } : {}),
    };
    const replied = await call('chat.postMessage', { channel, thread_ts: ts, ...reply }, signal);
    return replied.ok ? delivered(handle) : replied.delivery;
  }

  return { sink: options.sink, wants: (announcement) => wants(options.severity, announcement), send };
}

/** With `info`, the whole run and whatever is an alert or a warning; otherwise only alerts that pass the filter. */
function wants(severity: Alert['severity'], { alert, role, eventType }: Announcement): boolean {
  if (alert !== null) return passesSeverity(severity, alert.severity);
  return severity === 'info' && (role !== 'other' || eventType === 'Warning');
}

function splitHandle(handle: string | null): [string, string] | [null, null] {
  const at = handle?.lastIndexOf(':') ?? -1;
  return handle === null || at <= 0 ? [null, null] : [handle.slice(0, at), handle.slice(at + 1)];
}

function messageOf(message: SlackMessage, announcement: Announcement): Record<string, unknown> {
  return {
    text: message.text,
    blocks: message.blocks,
    unfurl_links: false,
    unfurl_media: false,
    metadata: { event_type: 'serin_announcement', event_payload: { key: announcement.key, type: announcement.type } },
  };
}

async function callSlack(
  http: HttpClient,
  options: SlackAppOptions,
  method: string,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Answer> {
  const sent = await sendOrFail(http, `Slack ${method}`, {
    method: 'POST',
    url: `${options.apiUrl}/${method}`,
    headers: { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${options.token}` },
    body: JSON.stringify(body),
    timeoutMs: SEND_TIMEOUT_MS,
    signal,
    purpose: 'slack',
    ...(options.proxyUrl === null ? {} : { proxyUrl: options.proxyUrl }),
  });
  return 'failure' in sent ? { ok: false, code: '', delivery: sent.failure } : readAnswer(method, sent.response);
}

function readAnswer(method: string, response: HttpResponse): Answer {
  if (response.status >= 300) return { ok: false, code: '', delivery: failureOf(`Slack ${method}`, response) };
  const answer = parseAnswer(response.body);
  if (answer === null)
    return { ok: false, code: '', delivery: failForNow(`Slack ${method} answered something that is not JSON`) };
  const { channel, ts } = answer;
  if (answer['ok'] === true && typeof channel === 'string' && typeof ts === 'string') return { ok: true, channel, ts };
  const code = errorCodeOf(answer);
  const detail = `Slack ${method} answered ${code}`;
  const isTransient = answer['ok'] === true || TRANSIENT_ERRORS.has(code);
  return { ok: false, code, delivery: isTransient ? failForNow(detail, retryAfterOf(response)) : failForGood(detail) };
}
