// Opens the world of the demo: the cluster, the controller beside it, and what is read off both.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../util/clock.ts';
import type { Random } from '../../util/random.ts';
import { Audit } from './audit.ts';
import { CanaryLoad } from './canary-load.ts';
import { CanaryLog } from './canary-log.ts';
import { startCluster, type DemoCluster } from './cluster.ts';
import { startController, type ControllerProcess } from './controller-process.ts';
import { startNarrator, type Narrator } from './narrator.ts';
import type { DemoOptions } from './options.ts';
import { RouteLog } from './route-log.ts';
import type { Scene } from './scene.ts';
import type { Teller } from './teller.ts';

export interface WorldOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly options: DemoOptions;
  readonly scene: Scene;
  readonly teller: Teller;
  /** Called with each line of the controller's log. */
  readonly onLogLine: (line: string) => void;
}

/** The running world. */
export interface World {
  readonly cluster: DemoCluster;
  readonly controller: ControllerProcess;
  readonly canary: CanaryLog;
  readonly canaryLoad: CanaryLoad;
  readonly narrator: Narrator;
  readonly route: RouteLog;
  readonly audit: Audit;
  /** Ends everything and removes its files. */
  close(): Promise<void>;
}

/** Opens the world; when a part of it fails, what was opened before is closed. */
export async function openWorld(given: WorldOptions): Promise<World> {
  const { clock, random, scene, teller, options } = given;
  const folder = mkdtempSync(join(tmpdir(), 'serin-demo-'));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const onProblem = (message: string): void => teller.event(message);
  const cluster = await startCluster({ clock, random, mesh: options.mesh, scene, folder, onProblem });
  // First of all, because its queue's store takes longest.
  const controller = startController({
    clock,
    kubeconfigPath: cluster.kubeconfigs.controller,
    meshProvider: options.mesh,
    logPath: join(folder, 'controller.log'),
    onLine: given.onLogLine,
  });
  const kill = (): void => controller.kill();
  process.once('exit', kill);
  const route = new RouteLog(cluster.api, cluster.dataPlane, clock, scene.name);
  const audit = new Audit(cluster.api, clock);
  const narrator = startNarrator(cluster.api, teller);
  const look = narrator.look.bind(narrator);
  const canary = new CanaryLog(cluster.api, clock, scene.namespace, scene.name, look);
  const canaryLoad = new CanaryLoad(cluster, scene, clock);
  const close = async (): Promise<void> => {
    for (const part of [canaryLoad, canary, narrator, audit, route]) part.stop();
    await controller.stop();
    await cluster.stop();
    removeFolder();
    process.off('exit', kill);
    process.off('exit', removeFolder);
  };
  try {
    for (const manifest of scene.manifests) await cluster.apply(manifest);
  } catch (error) {
    await close();
    throw error;
  }
  return { cluster, controller, canary, canaryLoad, narrator, route, audit, close };
}
