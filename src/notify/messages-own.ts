// Sentences for what Flagger is silent on, in the same manner.
import type { MessageFacts, OWN_TYPES, RenderedMessage, Sentence } from './message-types.ts';
import { canaryOf, detailOf, targetOf, tell, withAlert } from './message-types.ts';

const byOf = (facts: MessageFacts): string => (facts.by === undefined || facts.by === '' ? '' : ` by ${facts.by}`);
const becauseOf = (facts: MessageFacts): string => {
  const detail = detailOf(facts);
  return detail === '' ? '' : `: ${detail}`;
};

/** A warning that is also an alert with the same text. */
function warn(message: string, severity: 'warn' | 'error', role: RenderedMessage['role']): RenderedMessage {
  return withAlert(tell(message, 'Warning', role), severity, message);
}

/** Our own sentences by type. */
export const OWN_SENTENCES: Readonly<Record<(typeof OWN_TYPES)[number], Sentence>> = {
  Aborted: (subject, facts) => warn(`Aborting ${canaryOf(subject)}${byOf(facts)}${becauseOf(facts)}`, 'warn', 'step'),
  Paused: (subject, facts) => tell(`Paused ${canaryOf(subject)}${byOf(facts)}`, 'Normal', 'step'),
  Resumed: (subject, facts) => tell(`Resumed ${canaryOf(subject)}${byOf(facts)}`, 'Normal', 'step'),
  RequestRefused: (subject, facts) =>
    tell(`Refused a request${byOf(facts)} for ${canaryOf(subject)}${becauseOf(facts)}`, 'Warning', 'step'),
  ReturnedToPrimary: (subject) =>
    tell(`${targetOf(subject)} is back at the revision of the primary, the run ends`, 'Normal', 'end'),
  DeadlineExceeded: (subject, facts) =>
    warn(`Deadline of ${canaryOf(subject)} exceeded${becauseOf(facts)}`, 'error', 'step'),
  NotDrained: (subject, facts) =>
    warn(
      `Traffic still reaches ${targetOf(subject)} although its weight is 0, its pods are kept${becauseOf(facts)}`,
      'warn',
      'other',
    ),
  Conflict: (subject, facts) =>
    warn(
      `Somebody else keeps changing ${facts.object ?? 'an object'} of ${canaryOf(subject)}, repairs of it stop${becauseOf(facts)}`,
      'warn',
      'step',
    ),
  RouteFailed: (subject, facts) => tell(`Cannot write the route of ${canaryOf(subject)}${becauseOf(facts)}`, 'Warning'),
  InvalidSpec: (subject, facts) => warn(`Invalid spec of ${canaryOf(subject)}${becauseOf(facts)}`, 'error', 'other'),
  SpecAdjusted: (subject, facts) =>
    tell(`Spec of ${canaryOf(subject)} is taken differently than written${becauseOf(facts)}`, 'Warning', 'other'),
  StatusInvalid: (subject, facts) =>
    warn(
      `Status of ${canaryOf(subject)} cannot be read, traffic stays where it is${becauseOf(facts)}`,
      'error',
      'other',
    ),
  InvariantViolated: (subject, facts) =>
    warn(
      `Stopped ${canaryOf(subject)} after a broken invariant, traffic stays where it is${becauseOf(facts)}`,
      'error',
      'other',
    ),
};
