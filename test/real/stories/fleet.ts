// One app for each mesh and protocol, all on one stand, so that a story is told on all of them at once.
import { openApp, type StandApp } from '../stand/app.ts';
import type { StandMesh, StandProtocol } from '../stand/app-objects.ts';
import type { Stand } from '../stand/stand.ts';

/** One row of the table of implementations. */
export interface FleetCase {
  readonly mesh: StandMesh;
  readonly protocol: StandProtocol;
}

/** The row that a test is about, as its namespace. */
const nameOf = ({ mesh, protocol }: FleetCase): string => `${mesh}-${protocol}`;

/** Apps on one stand, deployed at once, with load on each, without Canaries. */
export class Fleet {
  readonly stand: Stand;
  readonly #apps: ReadonlyMap<string, StandApp>;

  constructor(stand: Stand, apps: ReadonlyMap<string, StandApp>) {
    this.stand = stand;
    this.#apps = apps;
  }

  /** The app of a row. */
  of(row: FleetCase): StandApp {
    const app = this.#apps.get(nameOf(row));
    if (app === undefined) throw new TypeError(`Cannot find app ${nameOf(row)}: it was not opened`);
    return app;
  }

  get all(): readonly StandApp[] {
    return [...this.#apps.values()];
  }

  /** Takes the apps away; the stand stays. */
  async close(): Promise<void> {
    await Promise.all(this.all.map((app) => app.close()));
  }
}

/** Deploys the apps of these rows. */
export async function openFleet(stand: Stand, rows: readonly FleetCase[]): Promise<Fleet> {
  const opened = await Promise.all(
    rows.map(async (row) => [nameOf(row), await openApp(stand, { ...row, namespace: nameOf(row) })] as const),
  );
  return new Fleet(stand, new Map(opened));
}
