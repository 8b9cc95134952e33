// Flagger's event payload, for the event webhook and for event hooks.
import type { Announcement } from './contract.ts';

/** Flagger's event payload. The timestamp is the event's, so that a repetition has the same body. */
export function toEventBody(announcement: Announcement): string {
  const { canary } = announcement;
  return JSON.stringify({
    name: canary.name,
    namespace: canary.namespace,
    phase: canary.phase,
    checksum: canary.checksum,
    metadata: eventMetadata(announcement),
  });
}

/** What Flagger adds to the metadata of event hooks. */
export function eventMetadata(announcement: Announcement): Readonly<Record<string, string>> {
  return {
    eventMessage: announcement.message,
    eventType: announcement.eventType,
    timestamp: String(announcement.atMs),
  };
}
