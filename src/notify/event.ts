// Kubernetes Events as a sink: one object per announcement, named after its key, so that a repetition is refused as a duplicate.
import { createHash } from 'node:crypto';
import { ConflictError, RefusedError, TransientError, messageOf } from '../errors.ts';
import type { KubeClient, KubeObject } from '../kube/contract.ts';
import { EVENT, apiVersionOf } from '../kube/kinds.ts';
import { delivered, failForGood, failForNow } from './answer.ts';
import type { Announcement, Delivery, Notifier } from './contract.ts';
import { cutBytes, formatMicroTime } from './text.ts';

/** The API server refuses notes above 1,024 bytes. */
const NOTE_BYTES_MAX = 1_000;
const NAME_MAX = 200;
const REPORTER = 'serin';

/** Settings of the sink. */
export interface EventNotifierOptions {
  /** Name of this replica, at most 128 characters: the pod's name. */
  readonly reportingInstance: string;
}

/**
 * The Event of an announcement (events.k8s.io/v1). The deprecated members of core/v1 must be unset here: the API server
 * refuses an Event that carries both forms. `kubectl get events` and `describe` read eventTime and reportingController.
 */
export function toEvent(announcement: Announcement, options: EventNotifierOptions): KubeObject {
  const { canary } = announcement;
  const suffix = createHash('sha256').update(announcement.key).digest('hex').slice(0, 16);
  return {
    apiVersion: apiVersionOf(EVENT),
    kind: EVENT.kind,
    metadata: {
      name: `${canary.name.slice(0, NAME_MAX).replace(/[-.]+$/, '')}.${suffix}`,
      namespace: canary.namespace,
    },
    eventTime: formatMicroTime(announcement.atMs),
    reportingController: REPORTER,
    reportingInstance: options.reportingInstance.slice(0, 128),
    action: announcement.type,
    // Flagger's reason is always the same, and people filter on it.
    reason: canary.group === 'flagger.app' ? 'Synced' : announcement.type,
    type: announcement.eventType,
    regarding: {
      apiVersion: canary.apiVersion,
      kind: 'Canary',
      namespace: canary.namespace,
      name: canary.name,
      uid: canary.uid,
    },
    note: cutBytes(announcement.message, NOTE_BYTES_MAX),
  };
}

/** Opens the sink `event`, which wants every announcement. */
export function openEventNotifier(client: KubeClient, options: EventNotifierOptions): Notifier {
  return {
    sink: 'event',
    wants: () => true,
    async send(announcement, _handle, signal): Promise<Delivery> {
      try {
        await client.create(toEvent(announcement, options), EVENT, { lane: 'progress', signal });
        return delivered();
      } catch (error) {
        // The name comes from the key: somebody of us has delivered it already.
        if (error instanceof ConflictError) return delivered();
        if (error instanceof TransientError) return failForNow(messageOf(error), error.retryAfterMs);
        if (error instanceof RefusedError) return failForGood(messageOf(error));
        throw error;
      }
    },
  };
}
