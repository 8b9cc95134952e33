// The rules of the house that no tool knows: each takes texts and says what is wrong, so that each can be shown to fail.
import ts from 'typescript';

/** Lines that a file of sources may have at most. */
const FILE_LINES_MAX = 400;

/** What is wrong with a source file as such; empty when nothing is. */
export function flawsOfFile(path: string, text: string): readonly string[] {
  const flaws: string[] = [];
  const first = text.split('\n')[0] ?? '';
  if (!/^\/\/ \S.{10,}[.!?]$/.test(first) && !isGenerated(path))
    flaws.push(`${path}: the first line must be a comment, one sentence that says what the file is for`);
  const lines = text.split('\n').length - 1;
  if (lines > FILE_LINES_MAX) flaws.push(`${path}: ${lines} lines, must be at most ${FILE_LINES_MAX}`);
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/(\.(d|gen|test|property|config))+\.ts$/, '.ts');
  if (!/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(name)) flaws.push(`${path}: the name must be kebab-case`);
  return flaws;
}

const isGenerated = (path: string): boolean => path.endsWith('.gen.ts');

/** Lines that are neither blank nor nothing but a comment. */
export function countCodeLines(text: string): number {
  const blocks = text.replaceAll(/^\s*\/\*[\s\S]*?\*\/\s*$/gm, '');
  return blocks.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;
}

/** Lines from the one that declares `name` to the end of its initializer, both included; 0 when there is none. */
export function countLinesOf(name: string, text: string): number {
  const source = ts.createSourceFile('table.ts', text, ts.ScriptTarget.Latest, true);
  const found = source.statements.find(
    (statement) =>
      (ts.isVariableStatement(statement) &&
        statement.declarationList.declarations.some((one) => one.name.getText(source) === name)) ||
      (ts.isFunctionDeclaration(statement) && statement.name?.text === name),
  );
  if (found === undefined) return 0;
  const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line;
  return lineOf(found.end) - lineOf(found.getStart(source)) + 1;
}

/** Words that the glossary bans, with the word to take instead. */
export const BANNED_WORDS: Readonly<Record<string, string>> = {
  rollout: 'run',
  rollouts: 'runs',
  inconclusive: 'Insufficient',
  stable: 'primary',
  preview: 'canary',
  shadow: 'mirror',
  measurement: 'sample',
  measurements: 'samples',
  utils: 'the name of the thing',
  helper: 'the name of the thing',
  helpers: 'the name of the thing',
};

/** Identifiers that hold a banned word, and why they may. */
const ALLOWED: readonly (readonly [path: string, identifier: string, why: string])[] = [
  ['src/notify/messages-flagger.ts', 'rollout', "Flagger's hook type `rollout`"],
  ['src/core/signals.ts', 'inconclusive', 'one name for Insufficient and Error together, which is no verdict'],
];

/** Identifiers of a source file that hold a banned word. */
export function bannedIdentifiers(path: string, text: string): readonly string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const flaws = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const bad = wordsOf(node.text).find((word) => Object.hasOwn(BANNED_WORDS, word));
      const isAllowed = ALLOWED.some(([where, identifier]) => where === path && identifier === node.text);
      if (bad !== undefined && !isAllowed)
        flaws.add(`${path}: ${node.text} holds "${bad}", must say ${BANNED_WORDS[bad] ?? ''}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...flaws];
}

/** `newCanaryRun` and `NEW_CANARY_RUN` are new, canary and run. */
function wordsOf(identifier: string): readonly string[] {
  return identifier
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[_$]+/);
}

/** A link of a Markdown text: a file, empty for the page itself, and an anchor, empty for none. */
export interface Link {
  readonly file: string;
  readonly anchor: string;
}

/** Links of a Markdown text that stay in the project. */
export function linksOf(text: string): readonly Link[] {
  const prose = text.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => ({ file: target.replace(/#.*$/, ''), anchor: /#(.*)$/.exec(target)?.[1] ?? '' }));
}

/** The anchors of the headings of a Markdown text, as GitHub makes them. */
export function anchorsOf(text: string): readonly string[] {
  const prose = text.replaceAll(/```[\s\S]*?```/g, '');
  return [...prose.matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
