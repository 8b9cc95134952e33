// Slack's incoming webhook, and those that copy it: Flagger's body, one message per alert.
import type { Alert } from '../core/policy.ts';
import type { HttpClient, HttpResponse } from '../http/contract.ts';
import { delivered, failForGood, failureOf, sendOrFail } from './answer.ts';
import type { Announcement, Delivery, Notifier } from './contract.ts';
import { passesSeverity } from './severity.ts';
import { errorCodeOf, parseAnswer } from './slack-answer.ts';
import { escapeSlack } from './text.ts';

const SEND_TIMEOUT_MS = 5_000;

/** Settings of one webhook sink. */
export interface SlackWebhookOptions {
  readonly sink: string;
  /** Holds a secret; appears nowhere else. */
  readonly url: string;
  readonly channel: string;
  readonly username: string;
  readonly proxyUrl: string | null;
  /** Sent as bearer token where the address wants one; null for Slack's own webhooks. */
  readonly token: string | null;
  readonly severity: Alert['severity'];
}

/** An attachment's field as Slack names it. */
interface SlackField {
  readonly title: string;
  readonly value: string;
  readonly short: boolean;
}

/** The body that Flagger posts for an alert, member for member. */
function toSlackBody(
  announcement: Announcement,
  alert: NonNullable<Announcement['alert']>,
  options: Pick<SlackWebhookOptions, 'channel' | 'username'>,
): Record<string, unknown> {
  const { canary } = announcement;
  return {
    channel: options.channel,
    username: options.username,
    icon_url: '',
    icon_emoji: ':rocket:',
    attachments: [
      {
        color: alert.severity === 'error' ? 'danger' : 'good',
        author_name: `${canary.name}.${canary.namespace}`,
        text: escapeSlack(alert.message),
        mrkdwn_in: ['text'],
        fields: fieldsOf(announcement, alert.withMetadata),
      },
    ],
  };
}

/** The cluster first, when it has a name, then Flagger's four facts. */
function fieldsOf({ canary }: Announcement, withMetadata: boolean): readonly SlackField[] {
  const fields: [string, string][] = [];
  if (canary.clusterName !== '') fields.push(['Cluster', canary.clusterName]);
  if (withMetadata) {
    fields.push(
      ['Target', `${canary.targetKind}/${canary.targetName}.${canary.namespace}`],
      ['Failed checks threshold', String(canary.threshold)],
      ['Progress deadline', `${canary.progressDeadlineSeconds}s`],
    );
    if (canary.trafficRouting !== '') fields.push(['Traffic routing', canary.trafficRouting]);
  }
  return fields.map(([title, value]) => ({ title, value, short: false }));
}

/** Opens the sink: it wants alerts only, and cannot update what it has posted. */
export function openSlackWebhookNotifier(http: HttpClient, options: SlackWebhookOptions): Notifier {
  return {
    sink: options.sink,
    wants: ({ alert }) => alert !== null && passesSeverity(options.severity, alert.severity),
    async send(announcement, _handle, signal): Promise<Delivery> {
      if (announcement.alert === null) return delivered();
      const sent = await sendOrFail(http, 'Slack webhook', {
        method: 'POST',
        url: options.url,
        headers: {
          'content-type': 'application/json',
          ...(options.token === null ? {} : { authorization: `Bearer ${options.token}` }),
        },
        body: JSON.stringify(toSlackBody(announcement, announcement.alert, options)),
        timeoutMs: SEND_TIMEOUT_MS,
        signal,
        purpose: 'slack',
        ...(options.proxyUrl === null ? {} : { proxyUrl: options.proxyUrl }),
      });
      return 'failure' in sent ? sent.failure : readAnswer(sent.response);
    },
  };
}

/** Slack answers `ok`; an API behind a webhook address may answer 200 with `ok: false`, which is a failure. */
function readAnswer(response: HttpResponse): Delivery {
  if (response.status >= 300) return failureOf('Slack webhook', response);
  const answer = parseAnswer(response.body);
  if (answer !== null && answer['ok'] === false) return failForGood(`Slack webhook answered ${errorCodeOf(answer)}`);
  return delivered();
}
