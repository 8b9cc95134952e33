// Bundles the controller and its commands into one file for Node, with what PGlite reads from beside it and the licences of what is inside.
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

/** A package of which something is in the bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression; empty when the package names none. */
  readonly licence: string;
}

/** Some packages call `require`, which a module does not have by itself. */
const BANNER = `import { createRequire as serinCreateRequire } from 'node:module';
const require = serinCreateRequire(import.meta.url);`;

/** What PGlite reads from beside its own code while it starts. Its extensions are left out: BullMQ needs none of them. */
const PGLITE = '@electric-sql/pglite';
const PGLITE_ASSETS = ['pglite.wasm', 'pglite.data', 'initdb.wasm'];

/**
 * The typed models of client-node, one class for each kind of Kubernetes, are declarations and nothing more, but its
 * package.json does not say so: told so here, esbuild leaves out those that nobody uses, which is a third of the bundle.
 */
const shakeClientNode: Plugin = {
  name: 'shake-client-node',
  setup(builder) {
    builder.onResolve({ filter: /.*/ }, async ({ path, pluginData, ...options }) => {
      if (pluginData === 'resolving') return undefined;
      const { importer } = options;
      const isInside = importer.includes('/@kubernetes/client-node/') && path.startsWith('.');
      if (!isInside && path !== '@kubernetes/client-node') return undefined;
      const found = await builder.resolve(path, { ...options, pluginData: 'resolving' });
      return { ...found, sideEffects: false };
    });
  },
};

/** Empties `outdir` and writes serin.mjs and its companions there. Throws when something is reached that must not be shipped. */
export async function buildBundle(root: string, outdir: string): Promise<readonly BundledPackage[]> {
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { serin: 'src/main.ts' },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
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
    plugins: [shakeClientNode],
    logLevel: 'warning',
    metafile: true,
  });
  refuseStrangers(metafile);
  for (const asset of PGLITE_ASSETS) cpSync(join(root, 'node_modules', PGLITE, 'dist', asset), join(outdir, asset));
  const folders = foldersIn(metafile);
  writeFileSync(join(outdir, 'THIRD-PARTY.txt'), folders.map((folder) => licenceText(root, folder)).join('\n'));
  return folders.map((folder) => packageIn(root, folder));
}

/** The embedded cluster and the tests are no part of what is shipped. */
function refuseStrangers({ inputs }: Metafile): void {
  const strangers = Object.keys(inputs).filter((input) => /^(src\/embedded|test|scripts)\//.test(input));
  if (strangers.length > 0)
    throw new Error(`Cannot build serin: ${strangers.slice(0, 3).join(', ')} must not be reached from src/main.ts`);
}

/** The folders of the packages of which something is in the bundle. */
function foldersIn({ inputs }: Metafile): readonly string[] {
  const folders = Object.keys(inputs).flatMap(
    (input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? [],
  );
  return [...new Set(folders)].sort();
}

const nameOf = (folder: string): string => folder.replace(/^.*node_modules\//, '');

function packageIn(root: string, folder: string): BundledPackage {
  const text = readFileSync(join(root, folder, 'package.json'), 'utf8');
  const { version, license } = JSON.parse(text) as { version: string; license?: string };
  return { name: nameOf(folder), version, licence: typeof license === 'string' ? license : '' };
}

function licenceText(root: string, folder: string): string {
  const path = join(root, folder);
  const file = readdirSync(path).find((name) => /^licen[cs]e(\.|-|$)/i.test(name));
  return `==== ${nameOf(folder)}\n${file === undefined ? '' : readFileSync(join(path, file), 'utf8')}\n`;
}
