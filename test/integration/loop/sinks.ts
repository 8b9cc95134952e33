// The sinks of the notification tests: a Slack that keeps messages and threads, and the generic webhook.
import type { Reply } from '../../support/loop-http.ts';
import type { LoopWorld } from '../../support/loop-world.ts';

export const SLACK_APP = ['--slack-token=xoxb-test', '--slack-channel=deliveries'];
export const WEBHOOK = ['--event-webhook=http://sink.sim/events'];

/** A message in Slack as people see it. */
export interface SlackMessage {
  readonly ts: string;
  text: string;
  readonly thread: string | null;
  updates: number;
}

/** Slack's Web API, as far as it matters: messages that can be updated, threads, and being away. */
export function slackOn(world: LoopWorld): { messages: SlackMessage[]; isAway: boolean } {
  const slack: { messages: SlackMessage[]; isAway: boolean } = { messages: [], isAway: false };
  world.http.on('slack.com', (request, url): Reply => {
    if (slack.isAway) return { status: 503 };
    const body = JSON.parse(request.body ?? '{}') as { text: string; ts?: string; thread_ts?: string };
    const answer = (ts: string): Reply => ({ status: 200, body: JSON.stringify({ ok: true, channel: 'C1', ts }) });
    if (url.pathname.endsWith('chat.update')) {
      const message = slack.messages.find(({ ts }) => ts === body.ts);
      if (message === undefined) return { status: 200, body: '{"ok":false,"error":"message_not_found"}' };
      message.text = body.text;
      message.updates += 1;
      return answer(message.ts);
    }
    const ts = `${slack.messages.length + 1}.0`;
    slack.messages.push({ ts, text: body.text, thread: body.thread_ts ?? null, updates: 0 });
    return answer(ts);
  });
  return slack;
}

/** The messages of runs; the one about the initialization is no run's. */
export const runMessages = (messages: readonly SlackMessage[]): readonly SlackMessage[] =>
  messages.filter(({ text, thread }) => thread === null && !text.includes('Initialization done'));

export const sinkTexts = (world: LoopWorld): readonly string[] =>
  world.http
    .to('sink.sim')
    .map(({ body }) => (JSON.parse(body) as { metadata: { eventMessage: string } }).metadata.eventMessage);
export const sinkKeys = (world: LoopWorld): readonly string[] =>
  world.http.to('sink.sim').map(({ headers }) => headers['idempotency-key'] ?? '');

export const isSettled = (world: LoopWorld): boolean => world.status().outbox?.length === 0;
