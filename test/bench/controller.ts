// The real controller as a process of its own, and what its own metrics say of its memory and processor time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isObject } from '../../src/util/json.ts';
import { sleep, systemClock } from '../../src/util/clock.ts';
import type { BenchOptions } from './options.ts';
import type { RunningStore } from './stores.ts';

/** What a process has used. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** 99th percentile of how late its event loop was since the last reading. */
  readonly loopLagMs: number;
  /** Looks at Canaries so far. */
  readonly looks: number;
}

/** One line of its log, with when it was read, on the monotonic clock. */
export interface LogLine {
  readonly atMs: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A controller that is ready. */
export interface BenchController {
  /** From the start of the process until its caches and its queue were ready. */
  readonly startSeconds: number;
  readonly pid: number;
  readonly lines: readonly LogLine[];
  usage(): Promise<Usage>;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
}

const LAUNCHER = fileURLToPath(new URL('../../bin/serin.mjs', import.meta.url));
const START_MAX_MS = 120_000;
const STOP_MAX_MS = 11_000;

/** Starts it as production would, apart from loopback addresses. Throws with its last words when it does not come up. */
export async function startController(
  kubeconfigPath: string,
  store: RunningStore,
  { profileFolder, program }: BenchOptions,
): Promise<BenchController> {
  const startMs = performance.now();
  const { PATH = '', HOME = '' } = process.env;
  const profile = profileFolder === null ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder];
  const flags = ['--kubeconfig', kubeconfigPath, '--allow-loopback', '--bind-address', '127.0.0.1', '--port', '0'];
  const child = spawn(process.execPath, [...profile, program ?? LAUNCHER, 'controller', ...flags, ...store.flags], {
    env: { PATH, HOME, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: LogLine[] = [];
  const errors: string[] = [];
  const started = Promise.withResolvers<number>();
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const fields = fieldsOf(line);
    lines.push({ atMs: performance.now(), fields });
    if (fields['message'] === 'Started') started.resolve(Number(fields['port']));
  });
  const ended = once(child, 'close');
  void ended.then(() => started.reject(new Error(`The controller ended: ${errors.slice(-5).join('\n')}`)));
  const cancelLimit = systemClock.setTimer(START_MAX_MS, () => child.kill('SIGKILL'));
  const port = await started.promise;
  cancelLimit();
  return {
    startSeconds: (performance.now() - startMs) / 1_000,
    pid: child.pid ?? 0,
    lines,
    usage: () => readUsage(port),
    async stop() {
      child.kill('SIGTERM');
      const limit = new AbortController();
      await Promise.race([ended, sleep(systemClock, STOP_MAX_MS, limit.signal)]);
      limit.abort();
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : {};
  } catch {
    return { message: line };
  }
}

async function readUsage(port: number): Promise<Usage> {
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(page)?.[1] ?? Number.NaN);
  return {
    cpuSeconds: value('process_cpu_seconds_total'),
    residentBytes: value('process_resident_memory_bytes'),
    heapBytes: value('nodejs_heap_size_used_bytes'),
    loopLagMs: value('serin_event_loop_lag_seconds') * 1_000,
    looks: sumOf(page, 'serin_looks_total'),
  };
}

function sumOf(page: string, name: string): number {
  const samples = page.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'));
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}
