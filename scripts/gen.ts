// Writes everything that is generated: CRDs, registries and reference pages. With --check it writes nothing and fails when a file is stale.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorsPage } from './gen/errors.ts';
import { staleOutputs, type Output } from './gen/output.ts';
import { registryFiles } from './gen/registries.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const isCheck = process.argv.includes('--check');

function readOrNull(path: string): string | null {
  try {
    return readFileSync(`${root}/${path}`, 'utf8');
  } catch {
    return null;
  }
}

function settle(outputs: readonly Output[]): void {
  for (const { path, content } of staleOutputs(outputs, readOrNull)) {
    if (isCheck) {
      console.error(`Stale: ${path}, must be written anew by npm run gen`);
      process.exitCode = 1;
      continue;
    }
    mkdirSync(dirname(`${root}/${path}`), { recursive: true });
    writeFileSync(`${root}/${path}`, content);
    console.log(`Wrote ${path}`);
  }
}

settle(await registryFiles(root));
// Only now: the schemas of the API load the list of providers that was just written.
const { documentFiles } = await import('./gen/documents.ts');
settle(documentFiles(root));
settle([errorsPage(root)]);
