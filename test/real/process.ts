// Runs one real program: its output in a file, its end by process id, and never longer than the process that started it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, systemClock } from '../../src/util/clock.ts';

export interface ProcessOptions {
  /** What it is called in errors; its log is `<name>.log`. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Its whole environment, besides PATH, HOME and TMPDIR. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its log is kept and where it runs. */
  readonly folder: string;
  /** How long it may take to stop before it is killed; 10,000 by default. */
  readonly stopMaxMs?: number;
}

/** A program that was started. */
export interface RealProcess {
  readonly pid: number;
  readonly logPath: string;
  readonly isRunning: boolean;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  /** Sends a signal, for example SIGSTOP. */
  signal(signal: NodeJS.Signals): void;
  /** Asks it to stop, and makes sure that it does. Resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends it as a crash does. Resolves when it is gone. */
  kill(): Promise<void>;
  /** The last lines of its log. */
  tail(): string;
}

const STOP_MAX_MS = 10_000;
const TAIL_CHARACTERS = 2_000;

/** Starts it. The kernel ends it when the process that started it is gone, even by SIGKILL. */
export function startProcess(options: ProcessOptions): RealProcess {
  const { name, program, args, folder } = options;
  const logPath = join(folder, `${name}.log`);
  const log = openSync(logPath, 'a');
  const { PATH = '', HOME = '', TMPDIR = '/tmp' } = process.env;
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
    env: { PATH, HOME, TMPDIR, ...options.env },
    cwd: folder,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  return new ChildOf(child, name, logPath, options.stopMaxMs ?? STOP_MAX_MS);
}

class ChildOf implements RealProcess {
  readonly #child: ChildProcess;
  readonly #stopMaxMs: number;
  readonly pid: number;
  readonly logPath: string;
  readonly ended: Promise<void>;
  isRunning = true;

  constructor(child: ChildProcess, name: string, logPath: string, stopMaxMs: number) {
    if (child.pid === undefined) throw new Error(`Cannot start ${name}: its program cannot be run`);
    this.#child = child;
    this.#stopMaxMs = stopMaxMs;
    this.pid = child.pid;
    this.logPath = logPath;
    this.ended = once(child, 'close').then(() => {
      this.isRunning = false;
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.#child.kill('SIGTERM');
    // One that was paused hears of it only when it goes on.
    this.#child.kill('SIGCONT');
    const limit = new AbortController();
    await Promise.race([this.ended, sleep(systemClock, this.#stopMaxMs, limit.signal)]);
    limit.abort();
    await this.kill();
  }

  async kill(): Promise<void> {
    if (this.isRunning) this.#child.kill('SIGKILL');
    await this.ended;
  }

  tail(): string {
    return readFileSync(this.logPath, 'utf8').slice(-TAIL_CHARACTERS);
  }
}

/** Stops in the reverse order, all of them even when one fails. */
export async function stopAll(processes: readonly { stop(): Promise<void> }[]): Promise<void> {
  for (const one of processes.toReversed()) await one.stop().catch(() => undefined);
}
