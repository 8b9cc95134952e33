// The cluster of the demo: API server over HTTPS, controllers of Kubernetes, pods that are real servers, a data plane.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { KubeObject } from '../../kube/contract.ts';
import { DEPLOYMENT } from '../../kube/kinds.ts';
import type { Clock } from '../../util/clock.ts';
import type { Random } from '../../util/random.ts';
import { openHttpRunner } from '../actors/http-runner.ts';
import { startActors } from '../actors/start.ts';
import { listenOn } from '../apiserver/listen.ts';
import { createApiServer, type ApiServer } from '../apiserver/server.ts';
import { startDataPlane, type DataPlane, type DataPlaneMesh } from '../dataplane/start.ts';
import type { Scene } from './scene.ts';

/** The user that the controller is to the API server. */
export const CONTROLLER_USER = 'serin';
/** The user that stands for people. */
const PERSON = 'admin';
/** From the write of a route to the moment when requests follow it, as a mesh takes some time to tell its proxies. */
const LAG_MS = 100;
/** From a change to the moment when a controller of Kubernetes sees it. */
const ACTOR_DELAY_MS = 20;

export interface ClusterOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly mesh: DataPlaneMesh;
  readonly scene: Scene;
  /** Where the kubeconfigs are written. */
  readonly folder: string;
  readonly onProblem: (message: string) => void;
}

/** A running cluster. */
export interface DemoCluster {
  readonly api: ApiServer;
  readonly dataPlane: DataPlane;
  readonly url: string;
  /** The kubeconfig of the controller, and that for people. */
  readonly kubeconfigs: { readonly controller: string; readonly person: string };
  /** Applies a manifest, as `kubectl apply --server-side` does. Throws for a refusal. */
  apply(object: KubeObject): Promise<void>;
  /** Changes the image of the app, as `kubectl set image` does. */
  setImage(image: string): void;
  stop(): Promise<void>;
}

/** Starts the cluster with serin's CRDs and the kinds of one mesh. All ports are free ones on 127.0.0.1. */
export async function startCluster(options: ClusterOptions): Promise<DemoCluster> {
  const { clock, random, mesh, scene, folder } = options;
  const api = createApiServer({ clock, random, kinds: mesh === 'kubernetes' ? [] : [mesh] });
  for (const crd of readCrds()) api.store.create(crd, { user: PERSON });
  const kubeconfigs = { controller: join(folder, 'controller.kubeconfig'), person: join(folder, 'kubeconfig') };
  const tokens = { [random.id()]: PERSON, [random.id()]: CONTROLLER_USER };
  const listening = await listenOn(api, { tokens, kubeconfigPath: kubeconfigs.person });
  const [, controllerToken] = Object.keys(tokens);
  writeFileSync(kubeconfigs.controller, listening.kubeconfig(controllerToken), { mode: 0o600 });
  const runner = openHttpRunner({ clock, random, metricsAs: scene.metricsAs });
  const actor = { store: api.store, clock, random, delayMs: ACTOR_DELAY_MS };
  const actors = startActors({ ...actor, runner, onProblem: options.onProblem });
  const plane = { store: api.store, clock, random, mesh, lagMs: LAG_MS, namespace: scene.namespace };
  const dataPlane = await startDataPlane(plane);
  return {
    api,
    dataPlane,
    url: listening.url,
    kubeconfigs,
    apply: (object) => apply(api, object),
    setImage: (image) => setImage(api, scene, image),
    async stop() {
      actors.stop();
      await dataPlane.stop();
      await runner.kill();
      api.close();
      await listening.close();
    },
  };
}

/** Those of the one group that the controller serves by default: with both, `kubectl get canary` would mean flagger.app. */
function readCrds(): readonly KubeObject[] {
  const folder = fileURLToPath(new URL('../../../crds/', import.meta.url));
  const files = readdirSync(folder).filter((file) => file.startsWith('serin.dev_'));
  return files.map((file) => parse(readFileSync(folder + file, 'utf8')) as KubeObject);
}

async function apply(api: ApiServer, object: KubeObject): Promise<void> {
  const { apiVersion, kind, metadata } = object;
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const served = api.kinds().find((one) => one.group === group && one.version === version && one.kind === kind);
  if (served === undefined) throw new TypeError(`Cannot apply ${kind} "${metadata.name}": ${apiVersion} is not served`);
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const place = served.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : '';
  const answer = await api.handle({
    method: 'PATCH',
    path: `${root}${place}/${served.plural}/${metadata.name}?fieldManager=kubectl`,
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: JSON.stringify(object),
    user: PERSON,
  });
  if (answer.status < 300) return;
  const why = typeof answer.body === 'string' ? answer.body : '';
  throw new TypeError(`Cannot apply ${kind} "${metadata.name}": ${why}`);
}

function setImage(api: ApiServer, { namespace, name }: Scene, image: string): void {
  const change = (draft: KubeObject): void => {
    const { containers } = (draft['spec'] as { template: { spec: { containers: { image: string }[] } } }).template.spec;
    for (const container of containers) container.image = image;
  };
  api.store.mutate(DEPLOYMENT, namespace, name, change, { user: PERSON });
}
