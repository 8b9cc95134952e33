// `npm run demo`: reads the flags, chooses the way of telling, and ends with 0 only if all stories ended as told.
import { messageOf } from '../../errors.ts';
import { systemClock } from '../../util/clock.ts';
import { systemRandom } from '../../util/random.ts';
import { runDemo } from './demo.ts';
import type { DemoFigures } from './figures.ts';
import { openLiveTeller } from './live-teller.ts';
import { HELP, readOptions, type DemoOptions } from './options.ts';
import { openPlainTeller, type Board, type Teller } from './teller.ts';

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

// Timers of ours need not keep a process alive.
setInterval(() => undefined, 2 ** 30);
const read = readOptions(process.argv.slice(2));
if (read.kind === 'help') process.stdout.write(HELP);
else if (read.kind === 'problem') {
  process.stderr.write(`${read.message}\n`);
  process.exitCode = 2;
} else process.exitCode = await run(read.options);
// Whatever is still open belongs to a part that was told to end.
process.exit();

/** Runs the demo and resolves with the exit code. */
async function run(options: DemoOptions): Promise<number> {
  const interrupted = new AbortController();
  let figures: DemoFigures | null = null;
  let interruptCode = 0;
  let isMuted = false;
  const write = (text: string): void => {
    if (!isMuted) process.stdout.write(text);
  };
  for (const name of Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]) {
    process.on(name, () => {
      // The second one does not wait.
      if (interrupted.signal.aborted) process.exit(SIGNALS[name]);
      interruptCode = SIGNALS[name];
      interrupted.abort();
    });
  }
  // Whoever reads our output may stop reading, as `head` does.
  process.stdout.on('error', () => interrupted.abort());
  const onFigures = (all: DemoFigures): void => {
    figures = all;
    if (!options.isKept || !options.isJson) return;
    write(`${JSON.stringify(all)}\n`);
    isMuted = true;
  };
  try {
    await runDemo(options, {
      clock: systemClock,
      random: systemRandom,
      openTeller: (board) => openTeller(options, write, board),
      onLogLine: (line) => {
        if (options.isVerbose) process.stderr.write(`${line}\n`);
      },
      signal: interrupted.signal,
      onFigures,
    });
  } catch (error) {
    process.stderr.write(`Cannot run the demo: ${messageOf(error)}\n`);
    return 1;
  }
  return finish(options, figures, interruptCode, write);
}

function openTeller(options: DemoOptions, write: (text: string) => void, board: () => Board): Teller {
  const { stdout, env } = process;
  if (options.isJson || !stdout.isTTY) {
    return openPlainTeller({ write, secondsNow: () => systemClock.monotonicMs() / 1_000 });
  }
  const isColored = (env['NO_COLOR'] ?? '') === '';
  return openLiveTeller({
    clock: systemClock,
    write,
    columns: () => stdout.columns,
    rows: () => stdout.rows,
    isColored,
    board,
  });
}

/** The last lines, and the exit code. */
function finish(
  options: DemoOptions,
  figures: DemoFigures | null,
  interruptCode: number,
  write: (text: string) => void,
): number {
  if (figures === null) return interruptCode;
  const { isAsTold, seconds, problems } = figures;
  const verdict = isAsTold ? 'all stories ended as told' : `not as told: ${problems.join('; ')}`;
  if (options.stories.length > 0) write(`${verdict}, in ${seconds.toFixed(1)} s\n`);
  if (options.isJson) write(`${JSON.stringify(figures)}\n`);
  return isAsTold ? 0 : 1;
}
