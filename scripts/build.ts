// Builds dist/serin.mjs (or serin.mjs in the folder given): the controller and its commands; it needs Node and the files beside it, nothing else.
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(process.argv[2] ?? join(root, 'dist'));

/** Some packages call `require`, which a module does not have by itself. */
const BANNER = `import { createRequire as serinCreateRequire } from 'node:module';
const require = serinCreateRequire(import.meta.url);`;

/**
 * What PGlite reads from beside its own code while it starts. Its extensions are left out: BullMQ needs none of them.
 */
const PGLITE_ASSETS = ['pglite.wasm', 'pglite.data', 'initdb.wasm'];

rmSync(outdir, { recursive: true, force: true });
mkdirSync(outdir, { recursive: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { serin: 'src/main.ts' },
  outdir,
  outExtension: { '.js': '.mjs' },
  chunkNames: '[name]-[hash]',
  bundle: true,
  // PGlite is loaded only where there is no other store: it stays a file of its own.
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  mainFields: ['module', 'main'],
  banner: { js: BANNER },
  keepNames: true,
  // Names stay as they are, so that a stack trace can be read.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
});
refuseStrangers(metafile);
for (const asset of PGLITE_ASSETS)
  cpSync(join(root, 'node_modules/@electric-sql/pglite/dist', asset), join(outdir, asset));
writeFileSync(join(outdir, 'THIRD-PARTY.txt'), licences(metafile));
for (const file of readdirSync(outdir).sort())
  console.log(`${file}  ${Math.ceil(statSync(join(outdir, file)).size / 1024)} KiB`);

/** The embedded cluster and the tests are no part of what is shipped. */
function refuseStrangers({ inputs }: Metafile): void {
  const strangers = Object.keys(inputs).filter((input) => /^(src\/embedded|test|scripts)\//.test(input));
  if (strangers.length > 0)
    throw new Error(`Cannot build serin: ${strangers.slice(0, 3).join(', ')} must not be reached from src/main.ts`);
}

/** The licence texts of the packages that are in the bundle. */
function licences({ inputs }: Metafile): string {
  const packages = new Set(
    Object.keys(inputs).flatMap((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []),
  );
  return [...packages].sort().map(licenceOf).join('\n');
}

function licenceOf(folder: string): string {
  const path = join(root, folder);
  const name = readdirSync(path).find((file) => /^licen[cs]e(\.|-|$)/i.test(file));
  const text = name === undefined ? '' : readFileSync(join(path, name), 'utf8');
  return `==== ${folder.replace(/^.*node_modules\//, '')}\n${text}\n`;
}
