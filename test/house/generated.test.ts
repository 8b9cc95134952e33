// Generated files are what the generator makes now, and the check notices when they are not.
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codesIn } from '../../scripts/gen/errors.ts';
import { ERROR_CODES } from '../../scripts/gen/error-codes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const runGen = (folder: string, ...args: readonly string[]): { status: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'scripts/gen.ts'), ...args], {
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
};

describe('npm run gen', () => {
  it('has nothing to write: every generated file is current', () => {
    expect(runGen(root, '--check')).toEqual({ status: 0, output: '' });
  });

  it('has a sentence for every error code in src, and no other', () => {
    expect(Object.keys(ERROR_CODES).sort()).toEqual(codesIn(`${root}/src`));
  });
});

describe('npm run gen -- --check on a copy with planted violations', () => {
  let copy = '';

  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'serin-gen-'));
    for (const part of ['src', 'scripts', 'crds', 'docs', 'package.json'])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    runGen(copy);
  });

  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  it.each([
    'crds/serin.dev_canaries.yaml',
    'crds/flagger.app_alertproviders.yaml',
    'docs/reference/configuration.md',
    'src/mesh/registry.gen.ts',
  ])('a change by hand in %s is noticed and undone', (path) => {
    const before = readFileSync(join(copy, path), 'utf8');
    appendFileSync(join(copy, path), '// by hand\n');
    const checked = runGen(copy, '--check');
    expect(checked.status).toBe(1);
    expect(checked.output).toContain(`Stale: ${path}`);
    runGen(copy);
    expect(readFileSync(join(copy, path), 'utf8')).toBe(before);
  });

  it('a new field reaches both CRDs and the reference', () => {
    const schema = join(copy, 'src/api/canary-schema.ts');
    const text = readFileSync(schema, 'utf8');
    writeFileSync(
      schema,
      text.replace("suspend: flag('", "planted: flag('Planted.').optional(),\n    suspend: flag('"),
    );
    const { output } = runGen(copy, '--check');
    writeFileSync(schema, text);
    for (const path of ['crds/serin.dev_canaries.yaml', 'crds/flagger.app_canaries.yaml', 'docs/reference/canary.md'])
      expect(output).toContain(`Stale: ${path}`);
  });

  it('an error code without a sentence stops it', () => {
    writeFileSync(join(copy, 'src/planted.ts'), "// Planted.\nexport const code = 'SPEC_PLANTED';\n");
    const { status, output } = runGen(copy, '--check');
    rmSync(join(copy, 'src/planted.ts'));
    expect(status).not.toBe(0);
    expect(output).toMatch(/SPEC_PLANTED.* must have a row/);
  });

  it('two mesh providers with one name stop it', () => {
    const file = join(copy, 'src/mesh/planted.ts');
    writeFileSync(file, "// Planted.\nexport const meshProvider = { name: 'istio', aliases: [] };\n");
    const { status, output } = runGen(copy, '--check');
    rmSync(file);
    expect(status).not.toBe(0);
    expect(output).toContain('two mesh providers are called "istio"');
  });
});
