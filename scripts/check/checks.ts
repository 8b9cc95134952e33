// The list of checks that the gate runs: what each is called, what it runs and how its output is judged.

/** One check. */
export interface Check {
  readonly name: string;
  /** A program of node_modules/.bin and its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Why an output is wrong although the program ended with 0; null when it is not. */
  readonly judge?: (output: string) => string | null;
}

/** Every check, the longest first, so that they end together. All are offline. */
export const CHECKS: readonly Check[] = [
  { name: 'house', command: ['vitest', 'run', 'test/house'], judge: someTests },
  {
    name: 'types',
    command: ['tsc', '-p', 'tsconfig.json', '--incremental', '--tsBuildInfoFile', '.cache/types.tsbuildinfo'],
  },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'], judge: someFiles },
  { name: 'core types', command: ['tsc', '-p', 'src/core'] },
  {
    name: 'boundaries',
    command: ['depcruise', '--config', '.dependency-cruiser.mjs', 'src', 'scripts'],
    judge: someModules,
  },
  { name: 'dead code', command: ['knip'] },
  { name: 'generated', command: ['node', 'scripts/gen.ts', '--check'] },
  { name: 'format', command: ['oxfmt', '--check'] },
];

/** dependency-cruiser finds no violation either when it finds no compiler and therefore reads nothing. */
export function someModules(output: string): string | null {
  const count = Number(/\((\d+) modules/.exec(output)?.[1] ?? 0);
  return count > 100 ? null : `It read ${count} modules, must read all of src: is TypeScript older than 7 installed?`;
}

function someFiles(output: string): string | null {
  const count = Number(/on (\d+) files/.exec(output)?.[1] ?? 0);
  return count > 100 ? null : `It read ${count} files, must read all of src and test`;
}

function someTests(output: string): string | null {
  return /Tests .*\d+ passed/.test(output) ? null : 'No test ran';
}
