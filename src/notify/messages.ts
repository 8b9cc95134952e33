// One door to all sentences: renders an announcement's type and facts to what people read.
import type { AnnouncementType, MessageFacts, MessageSubject, RenderedMessage, Sentence } from './message-types.ts';
import { FLAGGER_SENTENCES } from './messages-flagger.ts';
import { OWN_SENTENCES } from './messages-own.ts';

export type { AnnouncementType, MessageFacts, MessageSubject, RenderedMessage } from './message-types.ts';

const SENTENCES: Readonly<Record<AnnouncementType, Sentence>> = { ...FLAGGER_SENTENCES, ...OWN_SENTENCES };

/** True for a type that this version knows; an entry in status may come from another one. */
export function isAnnouncementType(type: string): type is AnnouncementType {
  return Object.hasOwn(SENTENCES, type);
}

/** The sentence, event type, alert and role of an announcement. A type that is not known is told as it stands rather than dropped. */
export function renderMessage(type: string, subject: MessageSubject, facts: MessageFacts): RenderedMessage {
  if (isAnnouncementType(type)) return SENTENCES[type](subject, facts);
  return { message: `${type} ${facts.detail ?? ''}`.trim(), eventType: 'Normal', alert: null, role: 'other' };
}
