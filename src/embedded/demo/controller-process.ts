// The controller of the demo: `serin controller` as a process of its own, exactly as it runs in production.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isObject } from '../../util/json.ts';
import { sleep, type Clock } from '../../util/clock.ts';

export interface ControllerOptions {
  readonly clock: Clock;
  readonly kubeconfigPath: string;
  readonly meshProvider: string;
  /** Where its log is kept. */
  readonly logPath: string;
  /** Called with each line of its log. */
  readonly onLine: (line: string) => void;
}

/** A controller that was started. */
export interface ControllerProcess {
  readonly pid: number;
  /** Resolves when its caches and its queue are ready, with the seconds that it took; rejects when it ends before. */
  readonly ready: Promise<{ readonly startSeconds: number; readonly port: number }>;
  /** Resolves when it has ended, with what it ended with. */
  readonly ended: Promise<string>;
  /** Asks it to stop, and makes sure that it does. Resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends it at once, for a process that must end itself now. */
  kill(): void;
}

const LAUNCHER = fileURLToPath(new URL('../../../bin/serin.mjs', import.meta.url));
/** It may take 10 s to stop. */
const STOP_MAX_MS = 11_000;
/** And this long to be gone after it said that it stopped. */
const GONE_MAX_MS = 1_000;
/** What is kept of its last words. */
const TAIL_LINES = 5;

/** Starts it. Its environment holds nothing of ours that could change its settings. */
export function startController(options: ControllerOptions): ControllerProcess {
  const { clock } = options;
  const startMs = clock.monotonicMs();
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [LAUNCHER, ...argumentsOf(options)], {
    env: { PATH, HOME },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(options.logPath);
  const tail: string[] = [];
  const started = Promise.withResolvers<{ startSeconds: number; port: number }>();
  const stopped = Promise.withResolvers<void>();
  const take = (line: string): void => {
    log.write(`${line}\n`);
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    options.onLine(line);
    if (line.includes('"message":"Stopped"')) stopped.resolve();
    const port = portOf(line);
    if (port !== null) started.resolve({ startSeconds: (clock.monotonicMs() - startMs) / 1_000, port });
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', take);
  const ended = once(child, 'close').then(([code, signal]) => {
    log.end();
    const how = `The controller ended with ${signal === null ? `code ${String(code)}` : String(signal)}`;
    started.reject(new Error(`${how}: ${tail.join('\n')}`));
    return how;
  });
  started.promise.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    ready: started.promise,
    ended,
    async stop() {
      child.kill('SIGTERM');
      await atMost(clock, STOP_MAX_MS, ended, stopped.promise);
      await atMost(clock, GONE_MAX_MS, ended);
      child.kill('SIGKILL');
      await ended;
    },
    kill: () => child.kill('SIGKILL'),
  };
}

/** Waits for the first of these, and no longer than the limit. */
async function atMost(clock: Clock, limitMs: number, ...awaited: readonly Promise<unknown>[]): Promise<void> {
  const limit = new AbortController();
  await Promise.race([...awaited, sleep(clock, limitMs, limit.signal)]);
  limit.abort();
}

function argumentsOf({ kubeconfigPath, meshProvider }: ControllerOptions): readonly string[] {
  return [
    'controller',
    `--kubeconfig=${kubeconfigPath}`,
    `--mesh-provider=${meshProvider}`,
    '--metrics-server=scrape',
    '--allow-loopback',
    '--bind-address=127.0.0.1',
    '--port=0',
  ];
}

/** The port in the line by which the controller says that it is ready; null in all others. */
function portOf(line: string): number | null {
  if (!line.includes('"Started"')) return null;
  const entry: unknown = JSON.parse(line);
  return isObject(entry) && entry['message'] === 'Started' ? Number(entry['port']) : null;
}
