// Every source file is in order: its first line, its size, its name, its words; and the core stays small.
import { describe, expect, it } from 'vitest';
import { bannedIdentifiers, countCodeLines, countLinesOf, flawsOfFile } from './rules.ts';
import { filesUnder, textOf } from './tree.ts';

const SOURCES = [...filesUnder('src', '.ts'), ...filesUnder('scripts', '.ts')];
/** Lines that are neither blank nor comment. */
const CORE_LINES_MAX = 1_500;
/** Of the two tables together, as they stand in the file. */
const TABLE_LINES_MAX = 200;

describe('source files', () => {
  it('begin with their sentence, stay below 400 lines and have a kebab-case name', () => {
    expect(SOURCES.length).toBeGreaterThan(300);
    expect(SOURCES.flatMap((path) => flawsOfFile(path, textOf(path)))).toEqual([]);
  });

  it('use the words of the glossary', () => {
    const flaws = filesUnder('src', '.ts').flatMap((path) => bannedIdentifiers(path, textOf(path)));
    expect(flaws).toEqual([]);
  });

  it('are tests where they say so: every test file begins with its sentence too', () => {
    const flaws = filesUnder('test', '.ts').flatMap((path) => flawsOfFile(path, textOf(path)));
    expect(flaws.filter((flaw) => !flaw.includes(' lines, must be'))).toEqual([]);
  });
});

describe('the core', () => {
  it(`has at most ${CORE_LINES_MAX} lines of code without core/analysis`, () => {
    const files = filesUnder('src/core', '.ts').filter((path) => !path.startsWith('src/core/analysis/'));
    const lines = files.reduce((sum, path) => sum + countCodeLines(textOf(path)), 0);
    expect(lines).toBeGreaterThan(500);
    expect(lines).toBeLessThanOrEqual(CORE_LINES_MAX);
  });

  it(`has two tables of at most ${TABLE_LINES_MAX} lines together`, () => {
    const machine = textOf('src/core/machine.ts');
    const parts = [
      countLinesOf('judged', machine),
      countLinesOf('MACHINE', machine),
      countLinesOf('WISHES', textOf('src/core/desire.ts')),
    ];
    expect(Math.min(...parts)).toBeGreaterThan(0);
    expect(parts.reduce((sum, lines) => sum + lines, 0)).toBeLessThanOrEqual(TABLE_LINES_MAX);
  });
});

describe('the rules catch', () => {
  it.each([
    ['a file without its sentence', 'src/util/a.ts', "import 'b';\n", 'the first line'],
    ['a first line that is no sentence', 'src/util/a.ts', '// helpers\n', 'the first line'],
    ['a file that is too long', 'src/util/a.ts', `// Says what it is for.\n${'x;\n'.repeat(400)}`, '401 lines'],
    ['a name in camel case', 'src/util/aB.ts', '// Says what it is for.\n', 'kebab-case'],
  ])('%s', (_, path, text, flaw) => {
    expect(flawsOfFile(path, text).join()).toContain(flaw);
  });

  it('nothing in a file that is in order', () => {
    expect(flawsOfFile('src/util/a-b.ts', '// Says what it is for.\nexport const a = 1;\n')).toEqual([]);
  });

  it.each(['startRollout', 'ROLLOUT_MAX', 'isInconclusive', 'stableReplicas', 'previewService', 'stringUtils'])(
    'the banned word in %s',
    (identifier) => {
      expect(bannedIdentifiers('src/util/a.ts', `export const ${identifier} = 1;\n`)).toHaveLength(1);
    },
  );

  it('no word in a text', () => {
    expect(bannedIdentifiers('src/util/a.ts', "export const type = 'confirm-rollout'; // stable\n")).toEqual([]);
  });

  it('lines of code, not of comments', () => {
    expect(countCodeLines('// a\n\n/** b\n * c\n */\nconst d = 1;\n  // e\nconst f = 2; // g\n')).toBe(2);
  });

  it('a table that grows', () => {
    expect(countLinesOf('TABLE', `const a = 1;\nexport const TABLE = [\n${'  1,\n'.repeat(9)}];\n`)).toBe(11);
  });
});
