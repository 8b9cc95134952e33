// From the facts of an outbox entry to an announcement: the same entry always gives the same announcement.
import type { Announcement } from './contract.ts';
import type { MessageFacts } from './messages.ts';
import { renderMessage } from './messages.ts';

/** What an outbox entry stores: facts, never texts. */
export interface AnnouncementEntry {
  readonly seq: number;
  readonly runId: string;
  readonly atMs: number;
  readonly type: string;
  readonly facts: MessageFacts;
}

/** The state of the Canary when the entry was written. */
export type AnnouncementCanary = Announcement['canary'];

/** Renders an entry. The key is `uid/run/seq`, so that every repetition carries the same one. */
export function renderAnnouncement(entry: AnnouncementEntry, canary: AnnouncementCanary): Announcement {
  const { message, eventType, alert, role } = renderMessage(
    entry.type,
    {
      namespace: canary.namespace,
      name: canary.name,
      targetKind: canary.targetKind,
      targetName: canary.targetName,
      provider: canary.provider,
    },
    entry.facts,
  );
  return {
    key: `${canary.uid}/${entry.runId}/${entry.seq}`,
    seq: entry.seq,
    runId: entry.runId,
    atMs: entry.atMs,
    type: entry.type,
    message,
    eventType,
    alert,
    role,
    canary,
  };
}

/** Flagger's fact `Traffic routing`; empty when it would show none. */
export function trafficRoutingOf(analysis: {
  readonly stepWeight: number;
  readonly stepWeights: readonly number[];
  readonly maxWeight: number;
  readonly hasMatch: boolean;
  readonly iterations: number;
}): string {
  if (analysis.stepWeight > 0) return `Weight step: ${analysis.stepWeight} max: ${analysis.maxWeight}`;
  if (analysis.stepWeights.length > 0) {
    return `Weight steps: ${analysis.stepWeights.join(',')} max: ${analysis.maxWeight}`;
  }
  if (analysis.hasMatch) return 'A/B Testing';
  return analysis.iterations > 0 ? 'Blue/Green' : '';
}
