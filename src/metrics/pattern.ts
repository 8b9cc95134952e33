// Matches label patterns (=~) in linear time: a small part of RE2's syntax, run as Thompson's automaton, anchored as in PromQL.
import { InvalidSpecError } from '../errors.ts';

/** Says whether a whole text matches. Time grows with text × pattern, never worse. */
export type Pattern = (text: string) => boolean;

const PATTERN_LENGTH_MAX = 1_024;
const STATES_MAX = 4_096;
const DEPTH_MAX = 64;

/** Says whether a character (a code point) belongs to a set. */
type CharTest = (code: number) => boolean;

/** A state of the automaton: consume one character, branch without consuming, or accept. */
type State =
  | { readonly kind: 'char'; readonly test: CharTest; next: number }
  | { readonly kind: 'split'; next: number; other: number }
  | { readonly kind: 'match' };

/** A part of the automaton: where it begins, and the arrows that still lead nowhere. */
interface Fragment {
  readonly start: number;
  readonly loose: readonly ((target: number) => void)[];
}

const ESCAPED_SETS: Readonly<Record<string, CharTest>> = {
  d: (code) => code >= 48 && code <= 57,
  w: (code) => (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95,
  s: (code) => code === 32 || (code >= 9 && code <= 13),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, v: 11 };

function patternError(source: string, what: string): InvalidSpecError {
  return new InvalidSpecError('SPEC_PATTERN', '', `Cannot read the pattern "${source.slice(0, 60)}": ${what}`);
}

/**
 * Compiles literals, `.`, classes, `\d \w \s`, groups, `|` and `* + ?`. Throws InvalidSpecError SPEC_PATTERN for the rest.
 */
export function compilePattern(source: string): Pattern {
  if (source.length > PATTERN_LENGTH_MAX)
    throw patternError(source, `it has ${source.length} characters, must have at most ${PATTERN_LENGTH_MAX}`);
  const compiler = new Compiler(source);
  const { states, start } = compiler.compile();
  return (text) => run(states, start, text);
}

function run(states: readonly State[], start: number, text: string): boolean {
  let current = follow(states, [start]);
  for (const letter of text) {
    const code = letter.codePointAt(0)!;
    const next: number[] = [];
    for (const at of current) {
      const state = states[at]!;
      if (state.kind === 'char' && state.test(code)) next.push(state.next);
    }
    if (next.length === 0) return false;
    current = follow(states, next);
  }
  return [...current].some((at) => states[at]!.kind === 'match');
}

/** All states that can be reached without consuming a character. */
function follow(states: readonly State[], starts: readonly number[]): ReadonlySet<number> {
  const reached = new Set<number>();
  const pending = [...starts];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (reached.has(at)) continue;
    reached.add(at);
    const state = states[at]!;
    if (state.kind === 'split') pending.push(state.next, state.other);
  }
  return reached;
}

/** Reads the pattern by recursive descent and builds the automaton as it goes. */
class Compiler {
  readonly #source: string;
  readonly #letters: readonly string[];
  readonly #states: State[] = [];
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#letters = Array.from(source);
  }

  compile(): { states: readonly State[]; start: number } {
    const whole = this.#alternatives();
    if (this.#at < this.#letters.length) throw this.#error('a ) closes nothing');
    const match = this.#add({ kind: 'match' });
    for (const connect of whole.loose) connect(match);
    return { states: this.#states, start: whole.start };
  }

  #error(what: string): InvalidSpecError {
    return patternError(this.#source, what);
  }

  #add(state: State): number {
    if (this.#states.length >= STATES_MAX) throw this.#error('it is too large');
    return this.#states.push(state) - 1;
  }

  #alternatives(): Fragment {
    let left = this.#sequence();
    while (this.#letters[this.#at] === '|') {
      this.#at += 1;
      const right = this.#sequence();
      const split = this.#add({ kind: 'split', next: left.start, other: right.start });
      left = { start: split, loose: [...left.loose, ...right.loose] };
    }
    return left;
  }

  #sequence(): Fragment {
    let whole = this.#nothing();
    for (
      let letter = this.#letters[this.#at];
      letter !== undefined && letter !== '|' && letter !== ')';
      letter = this.#letters[this.#at]
    ) {
      whole = this.#join(whole, this.#repeated(this.#atom()));
    }
    return whole;
  }

  #nothing(): Fragment {
    const state = { kind: 'split' as const, next: -1, other: -1 };
    const start = this.#add(state);
    return { start, loose: [(target) => ((state.next = target), (state.other = target))] };
  }

  #join(first: Fragment, second: Fragment): Fragment {
    for (const connect of first.loose) connect(second.start);
    return { start: first.start, loose: second.loose };
  }

  #atom(): Fragment {
    const letter = this.#letters[this.#at]!;
    this.#at += 1;
    if (letter === '(') return this.#group();
    if (letter === '[') return this.#single(this.#set());
    if (letter === '.') return this.#single((code) => code !== 10);
    if (letter === '^' && this.#at === 1) return this.#nothing();
    if (letter === '$' && this.#at === this.#letters.length) return this.#nothing();
    if ('*+?{^$'.includes(letter)) throw this.#error(`"${letter}" is out of place`);
    return this.#single(letter === '\\' ? this.#escape() : isCode(letter.codePointAt(0)!));
  }

  #single(test: CharTest): Fragment {
    const state = { kind: 'char' as const, test, next: -1 };
    return { start: this.#add(state), loose: [(target) => (state.next = target)] };
  }

  #group(): Fragment {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw this.#error(`groups are nested deeper than ${DEPTH_MAX}`);
    if (this.#letters[this.#at] === '?') {
      if (this.#letters[this.#at + 1] !== ':') throw this.#error('only (?: may begin with (?');
      this.#at += 2;
    }
    const inside = this.#alternatives();
    if (this.#letters[this.#at] !== ')') throw this.#error('a ( is not closed');
    this.#at += 1;
    this.#depth -= 1;
    return inside;
  }

  #escape(): CharTest {
    const letter = this.#letters[this.#at];
    this.#at += 1;
    if (letter === undefined) throw this.#error('it ends in a backslash');
    const set = ESCAPED_SETS[letter.toLowerCase()];
    if (set !== undefined) return letter === letter.toLowerCase() ? set : (code) => !set(code);
    const control = CONTROLS[letter];
    if (control !== undefined) return isCode(control);
    if (/[A-Za-z0-9]/.test(letter)) throw this.#error(`the escape \\${letter} is not known`);
    return isCode(letter.codePointAt(0)!);
  }

  #set(): CharTest {
    const isNegated = this.#letters[this.#at] === '^';
    if (isNegated) this.#at += 1;
    const tests: CharTest[] = [];
    for (let isFirst = true; isFirst || this.#letters[this.#at] !== ']'; isFirst = false) {
      const letter = this.#letters[this.#at];
      if (letter === undefined) throw this.#error('a [ is not closed');
      this.#at += 1;
      const to = this.#letters[this.#at + 1];
      if (letter !== '\\' && this.#letters[this.#at] === '-' && to !== undefined && to !== ']' && to !== '\\') {
        const [low, high] = [letter.codePointAt(0)!, to.codePointAt(0)!];
        if (high < low) throw this.#error('a range in a class runs backwards');
        tests.push((code) => code >= low && code <= high);
        this.#at += 2;
      } else tests.push(letter === '\\' ? this.#escape() : isCode(letter.codePointAt(0)!));
    }
    this.#at += 1;
    return (code) => tests.some((test) => test(code)) !== isNegated;
  }

  /** Applies the quantifier that may follow an atom. */
  #repeated(atom: Fragment): Fragment {
    const letter = this.#letters[this.#at];
    if (letter !== '*' && letter !== '+' && letter !== '?') return atom;
    this.#at += 1;
    // Lazy and greedy match the same texts when only "whether" is asked.
    if (this.#letters[this.#at] === '?') this.#at += 1;
    if (letter === '?') return this.#optional(atom);
    return this.#loop(atom, letter === '*');
  }

  #loop(atom: Fragment, mayBeAbsent: boolean): Fragment {
    const split = { kind: 'split' as const, next: atom.start, other: -1 };
    const at = this.#add(split);
    for (const connect of atom.loose) connect(at);
    return { start: mayBeAbsent ? at : atom.start, loose: [(target) => (split.other = target)] };
  }

  #optional(atom: Fragment): Fragment {
    const split = { kind: 'split' as const, next: atom.start, other: -1 };
    return { start: this.#add(split), loose: [...atom.loose, (target) => (split.other = target)] };
  }
}

function isCode(expected: number): CharTest {
  return (code) => code === expected;
}
