// `serin controller`: runs the controller until a signal ends it.
import { readFileSync } from 'node:fs';
import { openController } from '../compose.ts';
import { helpText } from '../config/help.ts';
import { readSettings } from '../config/read-settings.ts';
import { messageOf } from '../errors.ts';

/** Longest that a stop may take, in milliseconds. */
const GRACE_MS = 9_000;

/** Runs until SIGTERM or SIGINT. Resolves with the exit code: 0 after a stop, 2 for settings that cannot work, 1 for anything else. */
export async function runController(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${helpText()}\n`);
    return 0;
  }
  const read = readSettings({ args, env: process.env, readFile: (path) => readFileSync(path, 'utf8') });
  if (read.kind === 'invalid') {
    for (const problem of read.problems) process.stderr.write(`serin: ${problem}\n`);
    return 2;
  }
  try {
    const controller = await openController(read.settings);
    for (const note of read.notes) controller.log.info('Setting noted', { reason: note });
    const signal = await nextSignal();
    controller.log.info('Signal received', { reason: signal });
    // A second signal, or a stop that hangs, ends the process.
    setTimeout(() => process.exit(1), GRACE_MS + 1_000).unref();
    process.once('SIGTERM', () => process.exit(1));
    await controller.stop(GRACE_MS);
    return 0;
  } catch (error) {
    process.stderr.write(`serin: ${messageOf(error)}\n`);
    return 1;
  }
}

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name));
  });
}
