// The schema of status: Flagger's fields with truthful values, and serin's own record of the run.
import { PHASES } from '../core/phase.ts';
import { choice, freeForm, list, map, object, text, whole, type FieldNotes } from './schema-kit.ts';

/** Long enough that no status write ever fails for its size; the writer keeps the whole status within 16 KiB. */
const LONG = 32_768;
const TIME: FieldNotes = { kube: { format: 'date-time' } };
const time = (description: string) => text(description, 64, TIME);

const condition = object('One condition.', {
  type: text('Which question it answers, such as Ready or Promoted.', 316),
  status: text('True, False or Unknown.', 16),
  reason: text('One word for programs.', 1024),
  message: text('One sentence for people.', LONG).optional(),
  observedGeneration: whole('Generation of the Canary that it speaks of.').optional(),
  lastTransitionTime: time('When status last changed.').optional(),
  lastUpdateTime: time('When it was last written.').optional(),
});

/** Written by the controller alone; a release that adds a member must not lose it to pruning. */
const OPEN: FieldNotes = { kube: { 'x-kubernetes-preserve-unknown-fields': true } };

const pastRun = object(
  'One run that ended.',
  {
    id: text('Id of the run.', 64),
    revision: text('The revision it was about.').optional(),
    version: text('Version label of the target then.').optional(),
    images: list('Images of its containers.', text('An image.', 1024), 256).optional(),
    outcome: text('promoted, skipped, rolledBack, aborted, superseded, returned or promotionFailed.', 64).optional(),
    reason: text('Why it ended so, one word.').optional(),
    message: text('Why it ended so, one sentence.', LONG).optional(),
    startedAtMs: whole('When it began, in milliseconds since 1970.').optional(),
    endedAtMs: whole('When it ended, in milliseconds since 1970.').optional(),
  },
  OPEN,
);

const flaggerStatus = {
  // Internal phases are reported in Flagger's words; Terminated is declared there and never written.
  phase: choice('Where the Canary stands.', [
    '',
    ...PHASES.filter((phase) => !['RollingBack', 'Returning', 'KeepingCanary'].includes(phase)),
    'Terminated',
  ]).optional(),
  canaryWeight: whole('Recorded share of the canary in percent.').optional(),
  failedChecks: whole('Failed checks of this run so far.').optional(),
  iterations: whole('Checks passed in this run so far (blue/green).').optional(),
  trackedConfigs: map('Digest of each tracked ConfigMap and Secret.', text('Digest.', 256), 1024).optional(),
  lastAppliedSpec: text('Digest of the revision that is, or was last, under analysis.', 256).optional(),
  lastPromotedSpec: text('Digest of the revision that the primary runs.', 256).optional(),
  lastTransitionTime: time('When the status last changed.').optional(),
  sessionAffinityCookie: text('Session affinity: cookie of the canary in this run.', 4096).optional(),
  primarySessionAffinityCookie: text('Session affinity: cookie of the primary in this run.', 4096).optional(),
  previousSessionAffinityCookie: text('Session affinity: cookie of the canary in the run before.', 4096).optional(),
  conditions: list('Conditions of the Canary.', condition, 32, {
    kube: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
  }).optional(),
} as const;

/** status. */
export const statusSchema = object(
  'What the controller knows and has decided.',
  {
    ...flaggerStatus,
    // As kstatus reads it: -1 until the controller has looked, so that a new Canary does not count as ready.
    observedGeneration: whole('serin: generation of the spec that the status speaks of.').optional(),
    message: text(
      'serin: what the Canary waits for, until when, and what happens then, in one sentence.',
      LONG,
    ).optional(),
    observedTarget: object(
      'serin: the target as last seen.',
      {
        generation: whole('Generation of the target.').optional(),
        revision: text('Digest of its pod template and tracked configs.').optional(),
        version: text('Its version label.').optional(),
        images: list('Images of its containers.', text('An image.', 1024), 256).optional(),
      },
      OPEN,
    ).optional(),
    lastHandledRequest: object(
      'serin: the last request of a person that was answered.',
      {
        id: text('Id of the request.').optional(),
        verb: text('What was asked.').optional(),
        outcome: text('Followed, or why it was not.', LONG).optional(),
      },
      OPEN,
    ).optional(),
    route: freeForm(
      'serin: the share of the canary that the route asks for (askedPercent) and the share that the mesh shows (livePercent: a number, pending or unknown).',
    ).optional(),
    run: freeForm(
      'serin: record of the run under way. Unstable: its member schema tells its version, and releases may change it.',
    ).optional(),
    outbox: list('serin: what people are still to be told. Unstable.', freeForm('One entry.'), 1024).optional(),
    history: list('serin: the last runs, newest last.', pastRun, 32).optional(),
  },
  { byGroup: { 'serin.dev': { default: { observedGeneration: -1 } } } },
);
