// `serin version`: which serin this is.
import { Command, Option } from 'commander';
import { VERSION } from '../version.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { choiceParser } from './flags.ts';

/** Defines `serin version`. `finish` is told the exit code. */
export function versionCommand(context: CliContext, finish: (code: number) => void): Command {
  return new Command('version')
    .description('Print the version of serin')
    .addOption(
      new Option('-o, --output <format>', 'text or json').argParser(choiceParser(['text', 'json'])).default('text'),
    )
    .action((flags: { readonly output: 'text' | 'json' }) => {
      const facts = { version: VERSION, node: process.versions.node, platform: `${process.platform}/${process.arch}` };
      context.write(flags.output === 'json' ? `${JSON.stringify(facts)}\n` : `serin ${VERSION}\n`);
      finish(EXIT.done);
    });
}
