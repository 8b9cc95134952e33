// The notify contract: an announcement is rendered from facts in status and sent at least once under a stable key.
import type { Alert } from '../core/policy.ts';

/** One thing people are told. Rendered from an outbox entry; the same entry always renders to the same announcement. */
export interface Announcement {
  /** `uid/run/seq`: the same for every repetition. */
  readonly key: string;
  readonly seq: number;
  readonly runId: string;
  readonly atMs: number;
  /** The kind of event, CamelCase: WeightAdvanced, MetricFailed, GateWaiting, Promoted, RolledBack… Also the reason of the Kubernetes Event in serin.dev. */
  readonly type: string;
  /** Flagger's sentence, unchanged. */
  readonly message: string;
  readonly eventType: 'Normal' | 'Warning';
  /** Severity as an alert; null when the event is no alert (Flagger's table of alerts). */
  readonly alert: {
    readonly severity: Alert['severity'];
    readonly message: string;
    readonly withMetadata: boolean;
  } | null;
  /** The run begins or ends with it, or it is a step within. */
  readonly role: 'begin' | 'step' | 'end' | 'other';
  readonly canary: {
    readonly group: string;
    readonly apiVersion: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly phase: string;
    readonly checksum: string;
    readonly targetKind: string;
    readonly targetName: string;
    readonly provider: string;
    readonly weightPercent: number;
    readonly failedChecks: number;
    readonly threshold: number;
    readonly images: readonly string[];
    readonly version: string;
    /** Flagger's fact `Traffic routing`. */
    readonly trafficRouting: string;
    readonly progressDeadlineSeconds: number;
    readonly clusterName: string;
  };
}

/** What a delivery leaves behind so that the next one can update the message; kept in status. At most 200 characters. */
export type MessageHandle = string;

/** `retryAfterMs` null: the sink refused for good and the entry is dropped with a count. */
export type Delivery =
  | { readonly kind: 'delivered'; readonly handle: MessageHandle | null }
  | { readonly kind: 'failed'; readonly detail: string; readonly retryAfterMs: number | null };

/** A sink. Safe to call again with the same announcement: same key, and one message where the sink allows it. */
export interface Notifier {
  /** Names the sink within a Canary, stable over restarts: `event`, `slack`, `alert/<namespace>/<name>`, `hook/<name>`. */
  readonly sink: string;
  /** True when this announcement concerns this sink. */
  wants(announcement: Announcement): boolean;
  /** `handle` is what the last delivery of the same run to this sink left behind. */
  send(announcement: Announcement, handle: MessageHandle | null, signal: AbortSignal): Promise<Delivery>;
}
