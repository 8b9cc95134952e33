// The scraping source: reads the pods of active canaries directly, so that analysis needs no Prometheus and sees seconds, not minutes.
import type { Sample } from '../core/analysis/verdict.ts';
import { messageOf, SerinError } from '../errors.ts';
import type { HttpClient } from '../http/contract.ts';
import type { TrafficMetrics } from '../mesh/contract.ts';
import type { CancelTimer, Clock } from '../util/clock.ts';
import { sameJson } from '../util/json.ts';
import type { MetricQuestion, Scraper, ScrapeTarget } from './contract.ts';
import { readExposition } from './exposition.ts';
import { histogramQuantile } from './histogram.ts';
import { createSeriesChooser, findUnscrapable, type SeriesChooser } from './scrape-series.ts';
import { addIncrements, noIncrements, PodWindow } from './scrape-window.ts';

export interface ScraperPorts {
  readonly http: HttpClient;
  readonly clock: Clock;
}

const BODY_BYTES_MAX = 4 * 1_048_576;
const SAMPLES_MAX = 10_000;
const TIMEOUT_MIN_MS = 1_000;
const TIMEOUT_MAX_MS = 10_000;
/** Kept at least, and at most, in milliseconds; between them as long as the longest window asked for. */
const RETAIN_MIN_MS = 120_000;
const RETAIN_MAX_MS = 3_600_000;
/** Scrapes under way at once; further ones wait their turn. */
const SCRAPES_MAX = 64;
/** A pod whose last good scrape is older than this many intervals does not count as read. */
const STALE_AFTER_INTERVALS = 3;

interface Pod {
  readonly target: ScrapeTarget;
  readonly window: PodWindow;
  isUnderWay: boolean;
  lastGoodMs: number | null;
  /** Why the last scrape failed; null when it did not. */
  failure: string | null;
}

interface Tracked {
  readonly traffic: TrafficMetrics;
  readonly chooser: SeriesChooser;
  readonly pods: Map<string, Pod>;
  readonly stop: AbortController;
  everyMs: number;
  retainMs: number;
  cancelTimer: CancelTimer;
}

/** Makes the scraper. */
export function createScraper(ports: ScraperPorts): Scraper {
  return new PodScraper(ports);
}

class PodScraper implements Scraper {
  readonly #http: HttpClient;
  readonly #clock: Clock;
  readonly #tracked = new Map<string, Tracked>();
  /** Why a Canary cannot be scraped at all. */
  readonly #refused = new Map<string, string>();
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(ports: ScraperPorts) {
    this.#http = ports.http;
    this.#clock = ports.clock;
  }

  track(key: string, targets: readonly ScrapeTarget[], traffic: TrafficMetrics, everyMs: number): void {
    let tracked = this.#tracked.get(key);
    if (tracked !== undefined && (targets.length === 0 || !sameJson(tracked.traffic, traffic))) {
      this.#stop(key, tracked);
      tracked = undefined;
    }
    this.#refused.delete(key);
    if (targets.length === 0) return;
    // Pods of the first list may be old; those that join later are new, and count from zero.
    const isFirstList = tracked === undefined;
    tracked ??= this.#start(key, traffic, everyMs);
    if (tracked === undefined) return;
    tracked.everyMs = everyMs;
    const listed = new Map(targets.map((target) => [idOf(target), target]));
    for (const id of tracked.pods.keys()) if (!listed.has(id)) tracked.pods.delete(id);
    for (const [id, target] of listed) {
      if (tracked.pods.has(id)) continue;
      const pod: Pod = {
        target,
        window: new PodWindow(tracked.chooser, !isFirstList),
        isUnderWay: false,
        lastGoodMs: null,
        failure: null,
      };
      tracked.pods.set(id, pod);
      void this.#scrape(tracked, id, pod);
    }
  }

  forget(key: string): void {
    const tracked = this.#tracked.get(key);
    if (tracked !== undefined) this.#stop(key, tracked);
    this.#refused.delete(key);
  }

  async measure(question: MetricQuestion): Promise<Sample> {
    if (question.what.kind === 'query')
      return {
        kind: 'error',
        detail: 'scrape answers the built-in metrics only; a query needs a Prometheus (spec.metricsServer)',
      };
    const refused = this.#refused.get(question.subject.key);
    if (refused !== undefined) return { kind: 'error', detail: refused };
    if (question.windowMs > RETAIN_MAX_MS)
      return { kind: 'error', detail: `scrape keeps windows of at most ${RETAIN_MAX_MS / 60_000} m` };
    const tracked = this.#tracked.get(question.subject.key);
    if (tracked === undefined) return { kind: 'empty', detail: 'nothing has been scraped yet' };
    tracked.retainMs = Math.max(tracked.retainMs, question.windowMs);
    return this.#evaluate(tracked, 'canary', question.what.metric, question.windowMs);
  }

  served(key: string, windowMs: number): { readonly primary: number; readonly canary: number } | null {
    const tracked = this.#tracked.get(key);
    if (tracked === undefined) return null;
    const nowMs = this.#clock.monotonicMs();
    const sum = { primary: 0, canary: 0 };
    const roles = new Set<string>();
    for (const { target, window, lastGoodMs } of tracked.pods.values()) {
      // A pod that is not read now may serve what nobody sees.
      if (lastGoodMs === null || nowMs - lastGoodMs > STALE_AFTER_INTERVALS * tracked.everyMs) return null;
      if ((window.sinceMs ?? nowMs) > nowMs - windowMs) return null;
      sum[target.role] += window.sumAfter(nowMs - windowMs).requests;
      roles.add(target.role);
    }
    return roles.size === 2 ? sum : null;
  }

  close(): void {
    for (const [key, tracked] of this.#tracked) this.#stop(key, tracked);
    for (const proceed of this.#waiting.splice(0)) proceed();
  }

  #start(key: string, traffic: TrafficMetrics, everyMs: number): Tracked | undefined {
    const unscrapable = findUnscrapable(traffic);
    if (unscrapable !== null) {
      this.#refused.set(key, `scrape cannot fill the matcher of label ${unscrapable}, which names a workload`);
      return undefined;
    }
    try {
      const chooser = createSeriesChooser(traffic);
      const tracked: Tracked = {
        traffic,
        chooser,
        pods: new Map(),
        stop: new AbortController(),
        everyMs,
        retainMs: RETAIN_MIN_MS,
        cancelTimer: () => undefined,
      };
      this.#tracked.set(key, tracked);
      this.#schedule(tracked);
      return tracked;
    } catch (error) {
      if (!(error instanceof SerinError)) throw error;
      this.#refused.set(key, messageOf(error));
      return undefined;
    }
  }

  #stop(key: string, tracked: Tracked): void {
    tracked.cancelTimer();
    tracked.stop.abort();
    tracked.pods.clear();
    this.#tracked.delete(key);
  }

  #schedule(tracked: Tracked): void {
    tracked.cancelTimer = this.#clock.setTimer(tracked.everyMs, () => {
      this.#schedule(tracked);
      for (const [id, pod] of tracked.pods) void this.#scrape(tracked, id, pod);
    });
  }

  /** Scrapes one pod, unless its last scrape is still under way. Never throws. */
  async #scrape(tracked: Tracked, id: string, pod: Pod): Promise<void> {
    if (pod.isUnderWay) return;
    pod.isUnderWay = true;
    await this.#takeTurn();
    try {
      // It may have been untracked while it waited.
      if (tracked.pods.get(id) !== pod) return;
      const failure = await this.#read(tracked, pod);
      pod.failure = failure;
      if (failure === null) pod.lastGoodMs = this.#clock.monotonicMs();
    } catch (error) {
      pod.failure = messageOf(error);
    } finally {
      pod.isUnderWay = false;
      this.#giveTurn();
    }
  }

  async #read(tracked: Tracked, pod: Pod): Promise<string | null> {
    const response = await this.#http.send({
      method: 'GET',
      url: pod.target.url,
      headers: { accept: 'text/plain;version=0.0.4' },
      timeoutMs: Math.min(Math.max(tracked.everyMs, TIMEOUT_MIN_MS), TIMEOUT_MAX_MS),
      bytesMax: BODY_BYTES_MAX,
      signal: tracked.stop.signal,
      purpose: 'scrape',
    });
    if (response.status !== 200) return `it answered ${response.status}`;
    const exposition = readExposition(response.body, tracked.chooser.names, SAMPLES_MAX);
    if ('problem' in exposition) return exposition.problem;
    pod.window.add(this.#clock.monotonicMs(), exposition.samples, tracked.retainMs + 2 * tracked.everyMs);
    return null;
  }

  async #takeTurn(): Promise<void> {
    if (this.#underWay >= SCRAPES_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#underWay += 1;
  }

  #giveTurn(): void {
    this.#underWay -= 1;
    this.#waiting.shift()?.();
  }

  #evaluate(
    tracked: Tracked,
    role: ScrapeTarget['role'],
    metric: 'request-success-rate' | 'request-duration',
    windowMs: number,
  ): Sample {
    const nowMs = this.#clock.monotonicMs();
    const pods = [...tracked.pods.values()].filter(({ target }) => target.role === role);
    if (pods.length === 0) return { kind: 'empty', detail: `there are no ${role} pods to scrape` };
    const staleMs = STALE_AFTER_INTERVALS * tracked.everyMs;
    const failed = pods.filter(
      (pod) => pod.failure !== null && (pod.lastGoodMs === null || nowMs - pod.lastGoodMs > staleMs),
    );
    // One blind pod of many is no reason to stop; most of them blind would judge the version by a few.
    if (failed.length * 2 > pods.length)
      return {
        kind: 'error',
        detail: `${failed.length} of ${pods.length} ${role} pods cannot be scraped: ${failed[0]!.failure}`,
      };
    const since = pods.map(({ window }) => window.sinceMs).filter((sinceMs) => sinceMs !== null);
    if (since.length === 0) return { kind: 'empty', detail: 'nothing has been scraped yet' };
    const coveredMs = nowMs - Math.max(...since);
    // Pods that were there before scraping began have a past that nobody saw: they need a whole window.
    if (coveredMs + tracked.everyMs < windowMs)
      return {
        kind: 'empty',
        detail: `no window yet: ${Math.floor(coveredMs / 1_000)} s of ${Math.ceil(windowMs / 1_000)} s`,
      };
    const sum = noIncrements();
    for (const { window } of pods) addIncrements(sum, window.sumAfter(nowMs - windowMs));
    const nothing: Sample = { kind: 'empty', detail: `no requests in the last ${Math.ceil(windowMs / 1_000)} s` };
    if (metric === 'request-success-rate')
      return sum.requests > 0 ? { kind: 'value', value: 100 * (1 - sum.failures / sum.requests) } : nothing;
    const quantile = histogramQuantile(0.99, sum.buckets);
    return quantile === null
      ? nothing
      : { kind: 'value', value: tracked.traffic.latency.unit === 's' ? quantile * 1_000 : quantile };
  }
}

/** A pod that changed its role or its address is another one: what it served before must not count for it. */
function idOf({ uid, role, url }: ScrapeTarget): string {
  return `${uid} ${role} ${url}`;
}
