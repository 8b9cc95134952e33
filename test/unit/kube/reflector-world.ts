// What the tests of the reflector share: a world in which a kind is already kept.
import { refOf } from '../../../src/kube/kinds.ts';
import { WIDGET, json } from '../../conformance/kube/little-server.ts';
import type { LittleReply, LittleRequest } from '../../conformance/kube/little-server.ts';
import { makeVirtualWorld } from './virtual-world.ts';
import type { VirtualWorld } from './virtual-world.ts';

export const REF = refOf(WIDGET, 'shop', 'a');
export const isWatch = ({ url }: LittleRequest): boolean => url.searchParams.has('watch');
export const status = (code: number, reason = 'Broken', headers: Record<string, string> = {}): LittleReply =>
  json(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: reason }, headers);

export async function kept(world: VirtualWorld): Promise<VirtualWorld> {
  const wanting = world.kube.cache.want(WIDGET, { namespace: null });
  await world.clock.settle(20);
  await wanting;
  await world.clock.settle(20);
  world.server.requests.length = 0;
  return world;
}

export async function keptWith(...names: string[]): Promise<VirtualWorld> {
  const world = makeVirtualWorld();
  for (const name of names) world.server.write(name, { spec: { size: 1 } });
  return kept(world);
}

export const sizeOf = (world: VirtualWorld): unknown =>
  (world.kube.cache.peek(REF) as { spec?: { size?: number } })?.spec?.size;
