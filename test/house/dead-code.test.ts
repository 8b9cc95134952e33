// Dead code is found: a file that nobody imports, an export that nobody uses, a package that is not listed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyOf, type Copy } from './tree.ts';

interface Report {
  readonly issues: readonly {
    readonly file: string;
    readonly files?: readonly unknown[];
    readonly exports: readonly { readonly name: string }[];
    readonly unlisted: readonly { readonly name: string }[];
  }[];
}

describe('knip', () => {
  let copy: Copy;
  let output = '';

  beforeAll(() => {
    copy = copyOf(['src', 'scripts', 'bin', 'test', 'knip.json', 'package.json', 'tsconfig.json', 'vitest.config.ts']);
    copy.plant('src/util/planted-orphan.ts', '// Planted.\nexport const orphan = 1;\n');
    copy.plant('src/util/planted-used.ts', '// Planted.\nexport const used = 1;\nexport const unused = 2;\n');
    copy.plant(
      'src/cli/planted-user.ts',
      "// Planted.\nimport { used } from '../util/planted-used.ts';\nimport 'left-pad';\nused;\n",
    );
    copy.plant('test/unit/planted.test.ts', "// Planted.\nimport '../../src/cli/planted-user.ts';\n");
    output = copy.run('knip', '--reporter', 'json').output;
  });

  afterAll(() => copy.remove());

  const issueOf = (file: string): Report['issues'][number] | undefined =>
    (JSON.parse(output.slice(output.indexOf('{'))) as Report).issues.find((issue) => issue.file === file);

  it('tells a file that nobody imports', () => {
    expect(issueOf('src/util/planted-orphan.ts')?.files ?? []).not.toEqual([]);
  });

  it('tells an export that nobody uses, and only that', () => {
    expect(issueOf('src/util/planted-used.ts')?.exports.map(({ name }) => name)).toEqual(['unused']);
  });

  it('tells a package that package.json does not list', () => {
    expect(issueOf('src/cli/planted-user.ts')?.unlisted.map(({ name }) => name)).toEqual(['left-pad']);
  });
});
