// What a command is given of the process: streams, environment, clock, signals and the way to a cluster.
import { createInterface } from 'node:readline/promises';
import { connectKube } from '../kube/connect.ts';
import type { ConnectedKube, ConnectOptions } from '../kube/connect.ts';
import { systemClock } from '../util/clock.ts';
import type { Clock } from '../util/clock.ts';
import { systemRandom } from '../util/random.ts';
import type { Random } from '../util/random.ts';

/** The world of a command. Commands touch the process through it alone, so that tests run them with a clock of their own. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  /** Writes to standard output: results. */
  write(text: string): void;
  /** Writes to standard error: progress, questions and errors. */
  warn(text: string): void;
  /** Somebody watches standard error: no heartbeat is needed. */
  readonly isTerminal: boolean;
  /** Somebody can answer a question. */
  readonly isInteractive: boolean;
  /** Reads one line; an empty one when nobody answers. */
  ask(question: string): Promise<string>;
  /** Aborts with the reason 'SIGINT' or 'SIGTERM'. */
  readonly signal: AbortSignal;
  connect(options: ConnectOptions): Promise<ConnectedKube>;
}

/** Signals closer together, in milliseconds, count as one: a terminal and npm may both send it. */
const ECHO_MS = 500;

/** The context of this process. Takes over SIGINT and SIGTERM: the first ends the command in good order, a second one at once. */
export function processContext(): CliContext {
  const controller = new AbortController();
  let firstAtMs = 0;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      const nowMs = systemClock.monotonicMs();
      if (!controller.signal.aborted) firstAtMs = nowMs;
      else if (nowMs - firstAtMs > ECHO_MS) process.exit(name === 'SIGINT' ? 130 : 143);
      controller.abort(name);
    });
  }
  return {
    env: process.env,
    clock: systemClock,
    random: systemRandom,
    write: (text) => void process.stdout.write(text),
    warn: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY,
    isInteractive: process.stdin.isTTY && process.stderr.isTTY,
    ask: (question) => askPerson(question, controller.signal),
    signal: controller.signal,
    connect: connectKube,
  };
}

async function askPerson(question: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question, { signal });
  } catch {
    return '';
  } finally {
    lines.close();
  }
}
