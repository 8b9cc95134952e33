// The entry: runs the command and ends the process with its exit code.
import { runCommand } from './cli/run.ts';

// Whoever reads our output may stop reading, as `head` does: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
process.exitCode = await runCommand(process.argv.slice(2));
// A timer or a kept connection that is left over must not hold up a stop.
process.exit();
