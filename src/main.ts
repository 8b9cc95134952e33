// The entry: runs the command and ends the process with its exit code.
import { runCommand } from './cli/run.ts';

// Timers of ours never keep a process alive, so a command that waits between two connections needs this.
const hold = setInterval(() => undefined, 2 ** 30);
// Whoever reads our output may stop reading, as `head` does: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
process.exitCode = await runCommand(process.argv.slice(2));
clearInterval(hold);
if (process.exitCode !== 0 || process.argv[2] !== 'controller') process.exit();
