// The one message of a run as Slack blocks: where it stands, what runs, what was said last.
import type { Announcement } from './contract.ts';
import { cutText, escapeSlack } from './text.ts';

/** Slack's limits are 150 for a header, 3,000 for a section, 2,000 for a field; ours keep a whole message below 12 KiB. */
const HEADER_MAX = 150;
const SENTENCE_MAX = 1_000;
const FIELD_MAX = 400;
const IMAGES_MAX = 4;
const BAR_CELLS = 20;

/** A message with its fallback, which notifications and screen readers show. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly Record<string, unknown>[];
}

const PHASE_EMOJI: Readonly<Record<string, string>> = {
  Succeeded: ':white_check_mark:',
  Initialized: ':white_check_mark:',
  Failed: ':x:',
  Waiting: ':raised_hand:',
  WaitingPromotion: ':raised_hand:',
  Terminating: ':wastebasket:',
};

/** The bar of a weight: `▓▓▓▓░░░░░░░░░░░░░░░░ 20 %`. */
export function weightBar(weightPercent: number): string {
  const share = Math.min(Math.max(weightPercent, 0), 100);
  const filled = Math.round((share / 100) * BAR_CELLS);
  return `${'▓'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)} ${share} %`;
}

const field = (title: string, value: string): Record<string, unknown> => ({
  type: 'mrkdwn',
  text: `*${title}*\n${escapeSlack(cutText(value, FIELD_MAX))}`,
});

/** The run's own message: the state after `announcement`. */
export function toRunMessage(announcement: Announcement): SlackMessage {
  const { canary } = announcement;
  const emoji = PHASE_EMOJI[canary.phase] ?? ':arrows_counterclockwise:';
  const fields = [
    ...(canary.clusterName === '' ? [] : [field('Cluster', canary.clusterName)]),
    field('Target', `${canary.targetKind}/${canary.targetName}.${canary.namespace}`),
    ...(canary.version === '' ? [] : [field('Version', canary.version)]),
    ...(canary.images.length === 0 ? [] : [field('Images', imagesOf(canary.images))]),
    field('Failed checks', `${canary.failedChecks}/${canary.threshold}`),
    ...(canary.trafficRouting === '' ? [] : [field('Traffic routing', canary.trafficRouting)]),
    field('Provider', canary.provider),
  ];
  return {
    text: fallbackOf(announcement),
    blocks: [
      {
        type: 'header',
        text: { type: 'plain_text', text: cutText(`${canary.name}.${canary.namespace}`, HEADER_MAX), emoji: false },
      },
      {
        type: 'section',
        text: { type: 'mrkdwn', text: `${emoji} *${canary.phase}*\n\`${weightBar(canary.weightPercent)}\`` },
        fields,
      },
      { type: 'context', elements: [{ type: 'mrkdwn', text: sentenceOf(announcement) }] },
    ],
  };
}

/** One step in the thread of a run. */
export function toStepMessage(announcement: Announcement): SlackMessage {
  const mark = announcement.eventType === 'Warning' ? ':warning: ' : '';
  return {
    text: fallbackOf(announcement),
    blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `${mark}${sentenceOf(announcement)}` } }],
  };
}

function imagesOf(images: readonly string[]): string {
  const more = images.length > IMAGES_MAX ? ` and ${images.length - IMAGES_MAX} more` : '';
  return `${images.slice(0, IMAGES_MAX).join(', ')}${more}`;
}

const sentenceOf = (announcement: Announcement): string => escapeSlack(cutText(announcement.message, SENTENCE_MAX));

function fallbackOf(announcement: Announcement): string {
  const { canary } = announcement;
  return `${escapeSlack(`${canary.name}.${canary.namespace}`)}: ${sentenceOf(announcement)}`;
}
