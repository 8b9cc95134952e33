// Starts Envoy with a bootstrap file and waits until it has what its control plane sends.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess, type RealProcess } from '../process.ts';
import { waitFor } from '../waiting.ts';

export interface EnvoyOptions {
  readonly program: string;
  /** Also the name of its log and its files. */
  readonly name: string;
  readonly folder: string;
  readonly bootstrap: unknown;
  /** Base ids of shared memory must differ between Envoys of one machine. */
  readonly args?: readonly string[];
}

/** Starts it. */
export function startEnvoy({ program, name, folder, bootstrap, args = [] }: EnvoyOptions): RealProcess {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(bootstrap));
  const flags = ['-c', path, '--use-dynamic-base-id', '--concurrency', '1', '--log-level', 'warning'];
  return startProcess({ name, program, args: [...flags, ...args], folder });
}

/** Resolves when Envoy is live: its listeners and clusters have come. */
export async function waitForEnvoy(admin: string, limitMs = 60_000): Promise<void> {
  await waitFor(`Envoy at ${admin}`, async () => (await fetch(`${admin}/ready`)).ok, limitMs);
}
