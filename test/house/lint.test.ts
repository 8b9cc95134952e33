// The linter and the compilers catch what they should: each rule that the house leans on has a planted violation.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyOf, type Copy } from './tree.ts';

const long = `export function runLong(): number {\n${'  note();\n'.repeat(72)}  return 1;\n}\nfunction note(): void {}\n`;

/** Rule, planted file and its text. */
const PLANTED: readonly (readonly [rule: string, file: string, text: string])[] = [
  ['max-lines-per-function', 'src/util/planted-long.ts', long],
  ['max-lines', 'src/util/planted-large.ts', `export const a = [\n${'  1,\n'.repeat(401)}];\n`],
  ['no-explicit-any', 'src/util/planted-any.ts', 'export const a = (b: any): unknown => b;\n'],
  ['no-default-export', 'src/util/planted-default.ts', 'export default 1;\n'],
  ['no-console', 'src/kube/planted-console.ts', "export const say = (): void => console.log('a');\n"],
  ['only-throw-error', 'src/util/planted-throw.ts', "export function fail(): void {\n  throw 'a';\n}\n"],
  [
    'no-floating-promises',
    'src/kube/planted-floating.ts',
    'const ask = async (): Promise<void> => {};\nexport function go(): void {\n  ask();\n}\n',
  ],
  [
    'switch-exhaustiveness-check',
    'src/util/planted-switch.ts',
    "export function f(a: 'b' | 'c'): number {\n  let n = 0;\n  switch (a) {\n    case 'b':\n      n = 1;\n  }\n  return n;\n}\n",
  ],
  ['no-restricted-globals', 'src/core/planted-date.ts', 'export const now = (): number => Date.now();\n'],
  ['no-restricted-globals', 'src/core/planted-process.ts', "export const env = (): unknown => process['env'];\n"],
  ['no-restricted-globals', 'src/core/planted-promise.ts', 'export const later = (): unknown => Promise.resolve(1);\n'],
  ['no-restricted-properties', 'src/core/planted-random.ts', 'export const roll = (): number => Math.random();\n'],
  [
    'no-restricted-properties',
    'src/controller/planted-random.ts',
    'export const roll = (): number => Math.random();\n',
  ],
  [
    'no-restricted-globals',
    'src/controller/planted-timer.ts',
    'export const go = (): unknown => setTimeout(() => 1, 1);\n',
  ],
  ['no-restricted-globals', 'src/mesh/planted-date.ts', 'export const now = (): Date => new Date();\n'],
  ['no-restricted-globals', 'src/metrics/planted-fetch.ts', "export const ask = (): unknown => fetch('http://a');\n"],
];

interface Report {
  readonly diagnostics: readonly { readonly code: string; readonly filename: string }[];
}

describe('the linter', () => {
  let copy: Copy;
  let found: readonly string[] = [];

  beforeAll(() => {
    copy = copyOf(['.oxlintrc.json', 'tsconfig.json', 'src/core/tsconfig.json', 'package.json']);
    for (const [, file, text] of PLANTED) copy.plant(file, `// Planted.\n${text}`);
    copy.plant('src/core/planted-good.ts', '// Planted.\nexport const double = (a: number): number => a * 2;\n');
    copy.plant('src/core/planted-buffer.ts', "// Planted.\nexport const bytes = (): unknown => Buffer.from('a');\n");
    const { diagnostics } = JSON.parse(copy.run('oxlint', '--type-aware', '-f', 'json', 'src').output) as Report;
    found = diagnostics.map(({ code, filename }) => `${/\(([\w-]+)\)/.exec(code)?.[1] ?? code}: ${filename}`);
  });

  afterAll(() => copy.remove());

  it.each(PLANTED)('%s is broken by %s', (rule, file) => {
    expect(found).toContain(`${rule}: ${file}`);
  });

  it('finds nothing in a file that is in order', () => {
    expect(found.filter((line) => line.includes('planted-good'))).toEqual([]);
  });

  it('leaves to the compiler of the core what does not exist there', () => {
    const { status, output } = copy.run('tsc', '-p', 'src/core');
    expect(status).not.toBe(0);
    for (const [file, name] of [
      ['process', 'process'],
      ['buffer', 'Buffer'],
    ] as const)
      expect(output).toMatch(new RegExp(`planted-${file}\\.ts.* Cannot find name '${name}'`));
  });

  it('formats: a file out of shape is told', () => {
    copy.plant('.oxfmtrc.json', '{ "printWidth": 120, "singleQuote": true }\n');
    copy.plant('src/util/planted-shape.ts', '// Planted.\nexport const a   = "b"\n');
    const { status, output } = copy.run('oxfmt', '--check', 'src/util/planted-shape.ts');
    expect([status === 0, output.includes('planted-shape.ts')]).toEqual([false, true]);
  });
});
