// The words about the options: rows for the reference, and the text of --help.
import { envOf, fileKeyOf } from './option.ts';
import { ALL_OPTIONS, GROUP_TITLES, type PlacedOption } from './options.ts';

/** What people are told about one option. */
export interface OptionRow {
  readonly title: string;
  readonly flag: string;
  readonly word: string;
  /** Environment variables, ours first. */
  readonly env: readonly string[];
  readonly fileKey: string;
  /** Empty when there is none. */
  readonly defaultText: string;
  readonly sentence: string;
  readonly isSecret: boolean;
}

const CONFIG_ROW: OptionRow = {
  title: 'File',
  flag: '--config',
  word: '<path>',
  env: [envOf('config')],
  fileKey: '',
  defaultText: '',
  sentence: 'YAML file with options; flags and the environment win over it.',
  isSecret: false,
};

/** All options in the order of the help. */
export function optionRows(): readonly OptionRow[] {
  return [CONFIG_ROW, ...ALL_OPTIONS.map(rowOf)];
}

function rowOf({ group, option }: PlacedOption): OptionRow {
  return {
    title: GROUP_TITLES[group as keyof typeof GROUP_TITLES],
    flag: `--${option.flag}`,
    word: option.type.word,
    env: [envOf(option.flag), ...option.env],
    fileKey: fileKeyOf(option.flag),
    defaultText: option.type.show(option.default),
    sentence: option.sentence,
    isSecret: option.isSecret,
  };
}

/** The text of `serin controller --help`. */
export function helpText(): string {
  const rows = optionRows();
  const lines = [
    'Usage: serin controller [flags]',
    '',
    'Runs the controller. Flags win over the environment, that over the file, that over the defaults.',
  ];
  for (const title of new Set(rows.map((row) => row.title))) {
    lines.push('', `${title}:`);
    for (const row of rows.filter((one) => one.title === title)) {
      lines.push(`  ${[row.flag, row.word].filter((part) => part !== '').join(' ')}`);
      lines.push(`      ${row.sentence}${row.defaultText === '' ? '' : ` Default ${row.defaultText}.`}`);
    }
  }
  lines.push(
    '',
    `Every flag can be given as an environment variable, such as ${envOf('metrics-server')}. Secrets (${secrets(rows)}) can be given as files, such as --slack-url-file.`,
  );
  return `${lines.join('\n')}\n`;
}

const secrets = (rows: readonly OptionRow[]): string =>
  rows
    .filter((row) => row.isSecret)
    .map((row) => row.flag)
    .join(', ');
