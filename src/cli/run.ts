// Runs a command line: finds the command, and turns whatever comes of it into an exit code.
import { CommanderError } from 'commander';
import { messageOf } from '../errors.ts';
import { processContext } from './context.ts';
import type { CliContext } from './context.ts';
import { EXIT, exitCodeOf, exitCodeOfSignal } from './exit-codes.ts';
import { buildProgram } from './program.ts';

/** Runs a command line without the program's name. Resolves with the exit code. `context` is the process's own unless given. */
export async function runCommand(args: readonly string[], context?: CliContext): Promise<number> {
  if (args[0] === 'controller') {
    // Loaded only here: every other command starts without the drivers.
    const { runController } = await import('./controller.ts');
    return runController(args.slice(1));
  }
  return runClient(args, context ?? processContext());
}

async function runClient(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = buildProgram(context, (code) => {
    exitCode = code;
  });
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Help that was asked for ends with 0; everything else that commander throws is a wrong command line.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (context.signal.aborted) return exitCodeOfSignal(context.signal);
    context.warn(`serin: ${messageOf(error)}\n`);
    return exitCodeOf(error);
  }
}
