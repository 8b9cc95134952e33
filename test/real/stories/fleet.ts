// One app for each mesh and protocol, all on one stand, so that a story is told on all of them at once.
import { openApp, type StandApp } from '../stand/app.ts';
import { MESHES, type StandMesh, type StandProtocol } from '../stand/app-objects.ts';
import { openStand, type Stand, type StandOptions } from '../stand/stand.ts';

/** One row of the table of implementations. */
export interface FleetCase {
  readonly mesh: StandMesh;
  readonly protocol: StandProtocol;
}

/** Every implementation with every protocol. */
export const CASES: readonly FleetCase[] = MESHES.flatMap((mesh) =>
  (['http', 'grpc'] as const).map((protocol) => ({ mesh, protocol })),
);

/** The stand with its apps. */
export class Fleet {
  readonly stand: Stand;
  readonly apps: ReadonlyMap<string, StandApp>;

  constructor(stand: Stand, apps: ReadonlyMap<string, StandApp>) {
    this.stand = stand;
    this.apps = apps;
  }

  /** The app of a row. */
  of(row: FleetCase): StandApp {
    const app = this.apps.get(nameOf(row));
    if (app === undefined) throw new TypeError(`Cannot find app ${nameOf(row)}: it was not opened`);
    return app;
  }

  get all(): readonly StandApp[] {
    return [...this.apps.values()];
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((app) => app.close()));
    await this.stand.stop();
  }
}

const nameOf = ({ mesh, protocol }: FleetCase): string => `${mesh}-${protocol}`;

/** Opens a stand and deploys the apps of these rows, with load on each, without Canaries. */
export async function openFleet(rows: readonly FleetCase[], options: StandOptions = {}): Promise<Fleet> {
  const stand = await openStand(options);
  try {
    const opened = await Promise.all(
      rows.map(async (row) => [nameOf(row), await openApp(stand, { ...row, namespace: nameOf(row) })] as const),
    );
    return new Fleet(stand, new Map(opened));
  } catch (error) {
    await stand.stop();
    throw error;
  }
}
