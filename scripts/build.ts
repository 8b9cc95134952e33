// Builds dist/ (or the folder given): serin.mjs, which needs Node and the files beside it, nothing else, and the list of what is in it.
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../src/version.ts';
import { buildBundle } from './build/bundle.ts';
import { sbomText } from './build/sbom.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(process.argv[2] ?? join(root, 'dist'));

const packages = await buildBundle(root, outdir);
writeFileSync(join(outdir, 'sbom.cdx.json'), sbomText({ version: VERSION, packages, nodeVersion: null, debian: [] }));
for (const file of readdirSync(outdir).sort())
  console.log(`${file}  ${Math.ceil(statSync(join(outdir, file)).size / 1024)} KiB`);
