// A witness of its own: reads the canary's pods and notes when a breach could first be seen. Shares no code with serin.
import type { Clock } from '../../util/clock.ts';
import { sleep } from '../../util/clock.ts';
import type { Bounds } from './scene.ts';

/** What is wrong with the revision that is watched. */
export type Breach = 'errors' | 'slow';

export interface WitnessOptions {
  readonly clock: Clock;
  readonly bounds: Bounds;
  readonly breach: Breach;
  /** Where the pods of the new revision serve their numbers, now. */
  readonly urls: () => readonly string[];
}

/** A witness at work. */
export interface Witness {
  /** Monotonic time of the answer in which the breach was seen first; null before. */
  breachMs(): number | null;
  stop(): Promise<void>;
}

interface Counts {
  readonly atMs: number;
  readonly requests: number;
  readonly bad: number;
}

const EVERY_MS = 100;

/**
 * Starts to look. The breach is visible at the first moment at which, over the window that the check uses or since the
 * pods began if that is shorter, more of the new revision's requests were bad than the bound allows.
 */
export function startWitness(options: WitnessOptions): Witness {
  const { clock, bounds } = options;
  const ending = new AbortController();
  const allowed = options.breach === 'errors' ? 1 - bounds.successMinPercent / 100 : 0.01;
  let counts: Counts[] = [];
  let breachMs: number | null = null;

  async function run(): Promise<void> {
    while (!ending.signal.aborted && breachMs === null) {
      const now = await look(options, ending.signal);
      if (now !== null) {
        counts = [...counts, now];
        // The newest answer that is at least one window old is what the window is counted from.
        const base = counts.findLast(({ atMs }) => atMs <= now.atMs - bounds.windowMs) ?? { requests: 0, bad: 0 };
        const requests = now.requests - base.requests;
        if (requests > 0 && (now.bad - base.bad) / requests > allowed) breachMs = now.atMs;
      }
      await sleep(clock, EVERY_MS, ending.signal);
    }
  }

  const running = run();
  return {
    breachMs: () => breachMs,
    async stop() {
      ending.abort();
      await running;
    },
  };
}

/** The sums of all pods; null when none answers. */
async function look({ clock, bounds, breach, urls }: WitnessOptions, signal: AbortSignal): Promise<Counts | null> {
  const pages = await Promise.all(
    urls().map(async (url) => {
      try {
        return await (await fetch(url, { signal })).text();
      } catch {
        return '';
      }
    }),
  );
  const text = pages.join('\n');
  const sums = breach === 'errors' ? countErrors(text) : countSlow(text, bounds.durationMaxMs);
  return sums.requests === 0 ? null : { atMs: clock.monotonicMs(), ...sums };
}

type Sums = Omit<Counts, 'atMs'>;

/** The application's own counters: by HTTP status, or by gRPC code. */
function countErrors(text: string): Sums {
  const http = linesOf(text, 'http_request_duration_seconds_count');
  const grpc = linesOf(text, 'grpc_server_handled_total');
  const bad = [
    ...http.filter(({ labels }) => labels.includes('status="5')),
    ...grpc.filter(({ labels }) => !labels.includes('grpc_code="OK"')),
  ];
  return { requests: sum([...http, ...grpc]), bad: sum(bad) };
}

/** The application's own histogram: whatever is not within the bound is above it. */
function countSlow(text: string, boundMs: number): Sums {
  const buckets = ['http_request_duration_seconds', 'grpc_server_handling_seconds'].flatMap((name) =>
    linesOf(text, `${name}_bucket`),
  );
  const requests = sum(buckets.filter(({ labels }) => labels.includes('le="+Inf"')));
  const within = sum(buckets.filter(({ labels }) => labels.includes(`le="${boundMs / 1_000}"`)));
  return { requests, bad: requests - within };
}

interface Line {
  readonly labels: string;
  readonly value: number;
}

function linesOf(text: string, name: string): readonly Line[] {
  return text.split('\n').flatMap((line) => {
    const [, labels = '', value = ''] = /^[a-z_]+\{(.*)\} (\S+)$/.exec(line) ?? [];
    return line.startsWith(`${name}{`) ? [{ labels, value: Number(value) }] : [];
  });
}

const sum = (lines: readonly Line[]): number => lines.reduce((total, { value }) => total + value, 0);
