// The process of the node and its pods: apart from the tests, so that clients and servers do not wait for each other.
import { openHttpRunner } from '../../../src/embedded/actors/http-runner.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';
import { readFileSync } from 'node:fs';
import { KubeApi, type KubeApiOptions } from '../kube-api.ts';
import { runNode } from './node-actor.ts';

const options = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as KubeApiOptions;
const ending = new AbortController();
process.once('SIGTERM', () => ending.abort());

const addresses = new Map<string, string>();

/** 10.244.1.1 and up: an address is given once. */
function addressOf(pod: KubeObject): string {
  const uid = pod.metadata.uid ?? '';
  const number = addresses.size;
  const address = addresses.get(uid) ?? `10.244.${1 + Math.floor(number / 250)}.${1 + (number % 250)}`;
  addresses.set(uid, address);
  return address;
}

const onProblem = (message: string): void => void process.stderr.write(`${message}\n`);
const runner = openHttpRunner({ clock: systemClock, random: systemRandom, metricsAs: 'istio', addressOf });
const api = new KubeApi(options);
await runNode({ api, clock: systemClock, runner, addressOf, onProblem }, ending.signal);
process.exit(0);
