// The metrics contract: one question, one sample; value, empty and error are three answers, never NaN and never a throw.
import type { Sample } from '../core/analysis/verdict.ts';
import type { TrafficMetrics } from '../mesh/contract.ts';

/** What is asked. */
export interface MetricQuestion {
  readonly what:
    | {
        readonly kind: 'builtin';
        readonly metric: 'request-success-rate' | 'request-duration';
        readonly traffic: TrafficMetrics;
      }
    /** Already rendered, in the language of the source. */
    | { readonly kind: 'query'; readonly query: string };
  readonly windowMs: number;
  /** `interval` as the user wrote it. */
  readonly windowText: string;
  readonly subject: MetricSubject;
}

/** Whose traffic: names for built-in queries and templates. */
export interface MetricSubject {
  /** Key of the Canary, for sources that keep state. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly target: string;
  readonly primary: string;
  readonly service: string;
  readonly ingress: string;
  readonly route: string;
}

/** A source of samples. */
export interface MetricSource {
  /** Asks once. Success rate is in percent, duration in milliseconds (99th percentile). */
  measure(question: MetricQuestion, signal: AbortSignal): Promise<Sample>;
}

/** Where a source is and how to authenticate. Secret values never leave the source. */
export interface MetricEndpoint {
  readonly address: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** Basic when username and password are there, bearer for token. */
  readonly credentials: { readonly token?: string; readonly username?: string; readonly password?: string } | null;
  readonly insecureSkipVerify: boolean;
  readonly caPem?: string;
}

/** A provider of metrics as registered. One file each. */
export interface MetricProvider {
  readonly type: string;
  /** Keys that its Secret may hold, for the docs and for a clear error. */
  readonly secretKeys: readonly string[];
}

/** A pod whose proxy or application serves metrics. */
export interface ScrapeTarget {
  readonly uid: string;
  readonly role: 'primary' | 'canary';
  /** `http://10.0.0.7:15020/stats/prometheus`. */
  readonly url: string;
}

/** The scraping source keeps windows of counters per Canary, and scrapes only while it is told to. */
export interface Scraper extends MetricSource {
  /** Scrapes these pods every `everyMs` until told otherwise; an empty list stops. Called at each look; the same list changes nothing. */
  track(key: string, targets: readonly ScrapeTarget[], traffic: TrafficMetrics, everyMs: number): void;
  /** Requests that primary and canary pods served in the last `windowMs`; null when a side was not seen for all of it. */
  served(key: string, windowMs: number): { readonly primary: number; readonly canary: number } | null;
  /** Ends the scraping of one Canary and drops its windows. */
  forget(key: string): void;
  close(): void;
}
