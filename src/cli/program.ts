// The commands of serin as one tree: what --help, the reference page and the runner are made of.
import { Command } from 'commander';
import { actCommand } from './act.ts';
import type { CliContext } from './context.ts';
import { applyEnvironment } from './flags.ts';
import { getCommand } from './get.ts';
import { releaseCommand } from './release.ts';
import { statusCommand } from './status.ts';
import { stepCommand } from './step.ts';
import { versionCommand } from './version.ts';

/** What serin is. */
const SENTENCE =
  'serin, progressive delivery for Kubernetes: see and steer Canaries, wait for them in pipelines, run the controller.';

/** Builds the tree. `finish` is told the exit code of the command that ran; what commander refuses is thrown as CommanderError. */
export function buildProgram(context: CliContext, finish: (code: number) => void): Command {
  const program = new Command('serin').helpCommand('help [command]', 'Explain a command');
  const controller = new Command('controller')
    .description('Run the controller; serin controller --help lists its flags')
    .usage('[flags]')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments();
  const commands = [
    getCommand(context, finish),
    statusCommand(context, finish),
    ...(['abort', 'pause', 'resume'] as const).map((verb) => actCommand(verb, context, finish)),
    stepCommand(context, finish),
    releaseCommand(context, finish),
    controller,
    versionCommand(context, finish),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...everyCommand(program)]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => context.write(text),
      writeErr: (text) => context.warn(text),
      outputError: (text, write) => write(grammatical(text)),
    });
  }
  program.addHelpText('before', `${SENTENCE}\n`);
  program.addHelpText('after', '\nEvery flag can be given as SERIN_<FLAG>, such as SERIN_NAMESPACE for --namespace.');
  program.hook('preAction', (_, command) => applyEnvironment(command, context));
  return program;
}

/** Every command below this one. */
export function everyCommand(command: Command): readonly Command[] {
  return command.commands.flatMap((child) => [child, ...everyCommand(child)]);
}

/** commander's `error: unknown command 'get2'\n(Did you mean get?)` in our grammar. */
function grammatical(text: string): string {
  const [first = '', ...rest] = text.trim().split('\n');
  const near = /\(Did you mean (?:one of )?([^)]*?)\??\)/.exec(rest.join(' '))?.[1];
  const what = first
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .replaceAll("'", '"');
  return `serin: Cannot run this: ${what}${near === undefined ? '' : `, must perhaps be ${near}`}\n`;
}
