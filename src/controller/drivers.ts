// What the loop is given: contracts only. compose.ts fills them in; the simulation fills in others.
import type { MetricTemplate, Canary, AlertProvider } from '../api/types.ts';
import type { HookCaller } from '../gates/contract.ts';
import type { Kube, KubeObject } from '../kube/contract.ts';
import type { MeshDriver, MeshProvider } from '../mesh/contract.ts';
import type { MetricEndpoint, MetricSource, MetricSubject, Scraper } from '../metrics/contract.ts';
import type { Notifier } from '../notify/contract.ts';
import type { Announcement } from '../notify/contract.ts';
import type { Facts } from '../core/announcements.ts';
import type { Alert } from '../core/policy.ts';
import type { Queue } from '../queue/contract.ts';
import type { Log } from '../telemetry/contract.ts';
import type { Clock } from '../util/clock.ts';
import type { Random } from '../util/random.ts';
import type { WorkloadDriver } from '../workload/contract.ts';

/** What people are told of a spec that can be worked: what is taken differently than written. `type` is one of an announcement. */
export interface SpecNote {
  readonly type: string;
  readonly detail: string;
}

/** A Canary as parsed, or what is wrong with it. */
export type Parsed =
  | { readonly kind: 'valid'; readonly canary: Canary; readonly notes: readonly SpecNote[] }
  /** `message` says what is wrong, where, and what would be right. */
  | { readonly kind: 'invalid'; readonly message: string };

/** A mesh provider and its driver in this cluster. */
export interface Mesh {
  readonly provider: MeshProvider;
  readonly driver: MeshDriver;
}

/** One alert of a Canary with what it refers to; null is not found or not readable. Secret values are never logged. */
export interface AlertTarget {
  readonly alert: Alert;
  readonly provider: AlertProvider | null;
  readonly secret: Readonly<Record<string, string>> | null;
}

/** The sinks of a Canary, and what keeps an alert from having one. */
export interface Sinks {
  readonly notifiers: readonly Notifier[];
  readonly problems: readonly string[];
}

/** Settings of the process that the loop heeds. Durations are milliseconds. */
export interface LoopSettings {
  /** Names this process among the replicas. */
  readonly replica: string;
  readonly groups: readonly string[];
  /** Only this namespace, or all with null. */
  readonly namespace: string | null;
  readonly metricsServer: string;
  readonly clusterName: string;
  readonly concurrency: number;
  /** How often the cache is swept for keys that are due although no job came. */
  readonly resyncIntervalMs: number;
  /** The same while the queue's store is away. */
  readonly fallbackIntervalMs: number;
  /** How often a tracked Secret is read while nothing happens. */
  readonly secretPollMs: number;
}

/** Gauges and counters that the loop moves. */
export interface LoopMeters {
  looked(outcome: string, durationMs: number): void;
  decided(canary: CanaryGauge): void;
  /** Another replica has written this; a Canary that was not decided about here is left to those that did. */
  followed(namespace: string, name: string, phase: string, weightPercent: number): void;
  checked(namespace: string, name: string, check: string, verdict: string, value: number | null): void;
  ended(canary: CanaryGauge, outcome: string, durationMs: number): void;
  delivered(sink: string, outcome: string): void;
  hooked(type: string, outcome: string): void;
  measured(source: string, durationMs: number): void;
  overdue(count: number): void;
  gone(namespace: string, name: string): void;
}

/** What a Canary looks like in the metrics. */
export interface CanaryGauge {
  readonly namespace: string;
  readonly name: string;
  readonly target: string;
  readonly phase: string;
  readonly signal: string;
  /** The decision changed something. */
  readonly isChange: boolean;
  readonly weightPercent: number;
  readonly strategy: string;
  readonly isSkipped: boolean;
  readonly provider: string;
  readonly version: string;
}

/** Everything outside the loop. */
export interface Drivers {
  readonly kube: Kube;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly queue: Queue;
  readonly hooks: HookCaller;
  readonly scraper: Scraper;
  /** Kubernetes Events of Canaries that have no outbox. */
  readonly events: Notifier;
  readonly meters: LoopMeters;
  readonly settings: LoopSettings;
  parse(object: KubeObject): Parsed;
  parseTemplate(object: KubeObject): MetricTemplate;
  parseAlertProvider(object: KubeObject): AlertProvider;
  /** True when an object in another namespace lets `namespace` refer to it. */
  isGranted(object: KubeObject, namespace: string): boolean;
  /** Throws InvalidSpecError or UnsupportedError with what would be right. */
  meshFor(canary: Canary): Mesh;
  workloadFor(canary: Canary): WorkloadDriver;
  prometheus(endpoint: MetricEndpoint): MetricSource;
  /** The credentials in a MetricTemplate's Secret. Throws InvalidSpecError when keys are missing. */
  metricCredentials(type: string, secret: Readonly<Record<string, string>>): NonNullable<MetricEndpoint['credentials']>;
  renderQuery(
    template: string,
    subject: MetricSubject,
    windowText: string,
    variables: Readonly<Record<string, string>>,
  ): string;
  checksum(trackedConfigs: Readonly<Record<string, string>>, lastAppliedSpec: string): string;
  notifiersFor(canary: Canary, alerts: readonly AlertTarget[]): Sinks;
  /** Flagger's sentence and the alert, if it is one, for an announcement. */
  render(
    announced: { readonly type: string; readonly facts: Facts },
    canary: Announcement['canary'],
  ): Pick<Announcement, 'message' | 'eventType' | 'alert' | 'role'>;
  /** Name of the ControllerRevision that keeps a revision of a Canary. */
  pinName(canary: string, revision: string): string;
}
