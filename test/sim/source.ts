// Loads the controller under simulation: this tree's own, or a copy with a planted bug.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Compose from '../../src/compose.ts';
import type * as Connect from '../../src/kube/connect.ts';
import type * as ReadSettings from '../../src/config/read-settings.ts';

/** What the simulation needs of the controller's own code. Everything else in the world is the simulation's. */
export interface Source {
  readonly composeLoop: typeof Compose.composeLoop;
  readonly openKube: typeof Connect.openKube;
  readonly readSettings: typeof ReadSettings.readSettings;
}

/** Root of this project. */
export const ROOT = join(import.meta.dirname, '..', '..');

/** Loads from `<root>/src`. */
export async function loadSource(root = ROOT): Promise<Source> {
  const load = async (file: string): Promise<Record<string, unknown>> =>
    (await import(pathToFileURL(join(root, 'src', file)).href)) as Record<string, unknown>;
  const [compose, connect, settings] = await Promise.all([
    load('compose.ts'),
    load('kube/connect.ts'),
    load('config/read-settings.ts'),
  ]);
  return {
    composeLoop: compose['composeLoop'],
    openKube: connect['openKube'],
    readSettings: settings['readSettings'],
  } as unknown as Source;
}
