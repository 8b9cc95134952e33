// What an option is: its names, its type, its default and its sentence. Readers of values live here too.
import { parseDurationMs, formatDurationMs } from '../api/duration.ts';

/** What a reader says of a text that it does not take; continues "Cannot use --flag: …". */
export class Mistake {
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}

/** How texts become values of one type. */
export interface ValueType<T> {
  /** Stands for the value in help and reference, such as `<url>`; empty for a switch. */
  readonly word: string;
  /** Reads a text from a flag, the environment or the file. Never throws. */
  read(text: string): T | Mistake;
  /** The text of a value, for help and reference. */
  show(value: T): string;
}

/** One option. Everything that people see of it is generated from this. */
export interface Option<T> {
  readonly flag: string;
  readonly type: ValueType<T>;
  readonly default: T;
  readonly sentence: string;
  /** Names of environment variables besides SERIN_<FLAG>, in Flagger's words. */
  readonly env: readonly string[];
  /** Never shown or logged; can be given as a file with --<flag>-file. */
  readonly isSecret: boolean;
}

interface Extras {
  readonly env?: readonly string[];
  readonly isSecret?: boolean;
}

/** Defines an option. `word` of the sentence is what it does, without its name. */
export function option<T>(
  flag: string,
  type: ValueType<T>,
  fallback: T,
  sentence: string,
  extras: Extras = {},
): Option<T> {
  return { flag, type, default: fallback, sentence, env: extras.env ?? [], isSecret: extras.isSecret ?? false };
}

/** The environment variable of a flag. */
export const envOf = (flag: string): string => `SERIN_${flag.replaceAll('-', '_').toUpperCase()}`;

/** The key of a flag in the file. */
export const fileKeyOf = (flag: string): string =>
  flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Any text; empty counts as unset. */
export function textValue(word: string): ValueType<string | null> {
  return { word, read: (text) => (text === '' ? null : text), show: (value) => value ?? '' };
}

/** A text that is never unset. */
export function wordValue(word: string): ValueType<string> {
  return { word, read: (text) => text, show: (value) => value };
}

/** A URL with one of `schemes`; empty counts as unset. A URL may hold a password, so no mistake shows it. */
export function urlValue(...schemes: readonly string[]): ValueType<string | null> {
  return {
    word: '<url>',
    read(text) {
      if (text === '') return null;
      const isRight = URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1));
      return isRight
        ? text
        : new Mistake(`not a URL, must begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`);
    },
    show: (value) => value ?? '',
  };
}

/** A whole number within bounds. */
export function wholeValue(min: number, max: number): ValueType<number> {
  return {
    word: '<number>',
    read(text) {
      const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max
        ? value
        : new Mistake(`"${clip(text)}" must be a whole number from ${min} to ${max}`);
    },
    show: String,
  };
}

/** A duration, kept in milliseconds. */
export function durationValue(minMs: number, maxMs: number): ValueType<number> {
  return {
    word: '<duration>',
    read(text) {
      const value = parseDurationMs(text);
      if (value !== null && value >= minMs && value <= maxMs) return value;
      return new Mistake(
        `"${clip(text)}" must be a duration from ${formatDurationMs(minMs)} to ${formatDurationMs(maxMs)}, such as 30s or 1m`,
      );
    },
    show: formatDurationMs,
  };
}

/** On or off. */
export const switchValue: ValueType<boolean> = {
  word: '',
  read(text) {
    if (['true', '1', 't'].includes(text.toLowerCase())) return true;
    if (['false', '0', 'f'].includes(text.toLowerCase())) return false;
    return new Mistake(`"${clip(text)}" must be true or false`);
  },
  show: String,
};

/** Texts separated by commas. */
export const listValue: ValueType<readonly string[]> = {
  word: '<list>',
  read: splitList,
  show: (value) => value.join(','),
};

/** One of `choices`; `synonyms` maps words of Flagger to ours. */
export function choiceValue<const C extends string>(
  choices: readonly C[],
  synonyms: Readonly<Record<string, C>> = {},
): ValueType<C> {
  return {
    word: `<${choices.join('|')}>`,
    read(text) {
      const asked = Object.hasOwn(synonyms, text) ? synonyms[text] : text;
      return (
        choices.find((one) => one === asked) ?? new Mistake(`"${clip(text)}" must be one of ${choices.join(', ')}`)
      );
    },
    show: String,
  };
}

/** Some of `choices`, separated by commas; at least one. */
export function choicesValue<const C extends string>(choices: readonly C[]): ValueType<readonly C[]> {
  return {
    word: '<list>',
    read(text) {
      const asked = splitList(text);
      const chosen = choices.filter((one) => asked.includes(one));
      const stranger = asked.find((one) => !choices.some((known) => known === one));
      if (stranger !== undefined)
        return new Mistake(`"${clip(stranger)}" is unknown, must be some of ${choices.join(', ')}`);
      return chosen.length > 0 ? chosen : new Mistake(`must name at least one of ${choices.join(', ')}`);
    },
    show: (value) => value.join(','),
  };
}

function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const clip = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);
