// `serin release --all` before an uninstall: with the real loop at work in a cluster in virtual time, and without it.
import { afterEach, describe, expect, it } from 'vitest';
import type { CliContext } from '../../../src/cli/context.ts';
import { runCommand } from '../../../src/cli/run.ts';
import type { ApiRequest } from '../../../src/embedded/apiserver/types.ts';
import { openKube } from '../../../src/kube/connect.ts';
import { canaryKind } from '../../../src/kube/kinds.ts';
import { initializedShop, shopCanary, shopDeployment } from '../../support/loop-fixtures.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import { seededRandom } from '../../support/virtual-clock.ts';
import { Effects } from '../../sim/effects.ts';
import { NO_FAULTS, simulatedTransport } from '../../sim/network.ts';
import { ProcessLife } from '../../sim/process-life.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command as a person who may do everything; `answer` is what is typed when asked. */
async function serin(world: LoopWorld, args: readonly string[], answer?: string): Promise<Said> {
  const said = { out: '', err: '' };
  const { clock, api } = world;
  const random = seededRandom(3);
  const context: CliContext = {
    env: {},
    clock,
    random,
    write: (text) => void (said.out += text),
    warn: (text) => void (said.err += text),
    isTerminal: false,
    isInteractive: answer !== undefined,
    ask: (question) => {
      said.err += question;
      return Promise.resolve(answer ?? '');
    },
    signal: new AbortController().signal,
    connect() {
      const life = new ProcessLife(clock, 0);
      const parts = {
        wire: { ask: (request: ApiRequest) => api.handle(request) },
        clock,
        random,
        effects: new Effects(() => null),
        life,
        user: 'people',
        faults: () => NO_FAULTS,
      };
      const kube = openKube({ transport: simulatedTransport(parts), clock, random });
      return Promise.resolve({ ...kube, server: '', namespace: null });
    },
  };
  const code = await world.finish(runCommand(args, context), 1_200_000);
  return { code, ...said };
}

const ALL = ['release', '--all', '--yes'];

describe('serin release --all', () => {
  let world: LoopWorld | undefined;
  afterEach(() => world?.close());

  it('deletes the Canaries and waits until their targets serve again; the app is never without a pod', async () => {
    world = await initializedShop();
    const { code, out, err } = await serin(world, ALL);
    expect([code, out]).toEqual([0, 'Released 1 Canary\n']);
    expect(err).toContain('Waiting for 1 Canary: web/shop');
    expect(world.canary()).toBeNull();
    expect(world.replicasOf('shop').ready).toBe(2);
    expect(world.readyBehind('web', 'shop')).toBe(2);
  });

  it('brings traffic home in the middle of a run', async () => {
    world = await initializedShop();
    world.setImage('app:2');
    await world.untilWeight(40);
    expect((await serin(world, ALL)).code).toBe(0);
    expect(world.canary()).toBeNull();
    expect(world.readyBehind('web', 'shop')).toBeGreaterThan(0);
  });

  it('leaves Canaries alone that serin does not hold', async () => {
    world = await initializedShop();
    const other = shopCanary({
      name: 'other',
      spec: { suspend: true, targetRef: { name: 'nowhere' } },
      group: 'flagger.app',
    });
    world.apply(other);
    const { code, out } = await serin(world, [...ALL, '--group=flagger.app']);
    expect([code, out]).toEqual([0, 'No Canary is worked by serin\n']);
    expect(world.canary('other', 'flagger.app')).not.toBeNull();
    expect(world.canary()).not.toBeNull();
  });

  it('keeps to the namespace that is asked for', async () => {
    world = await initializedShop();
    expect(await serin(world, [...ALL, '-n', 'elsewhere'])).toMatchObject({
      code: 0,
      out: 'No Canary is worked by serin\n',
    });
    expect(world.canary()).not.toBeNull();
  });

  it('gives up in time when no controller is at work, and says what is left', async () => {
    world = await initializedShop();
    for (const replica of world.replicas) world.kill(replica);
    const { code, err } = await serin(world, [...ALL, '--timeout=1m']);
    expect(code).toBe(124);
    expect(err).toContain('serin: Cannot release 1 Canary within 1m; the controller must run until they are gone\n');
    expect(err).toContain('  web/shop: Waits for a new revision\n');
    expect(world.canary()?.metadata.deletionTimestamp).toBeDefined();
  });

  it('asks a person, and does nothing without a yes', async () => {
    world = await initializedShop();
    const { code, err } = await serin(world, ['release', '--all'], 'n');
    expect([code, err]).toEqual([
      1,
      'Delete 1 Canary (web/shop)? Their targets take the traffic back. [y/N] Nothing was done\n',
    ]);
    expect(world.canary()?.metadata.deletionTimestamp).toBeUndefined();
  });

  it.each([
    [['release']],
    [['release', '--yes']],
    [['release', '--all']],
    [['release', '--all', '--yes', '--group=x']],
  ])('refuses %j, where nobody can be asked', async (args) => {
    world = await initializedShop();
    expect((await serin(world, args)).code).toBe(2);
    expect(world.canary()?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('needs no more rights than the chart gives the hook', async () => {
    const verbs = new Set<string>();
    world = await initializedShop();
    world.apply(shopDeployment('app:1', { name: 'second' }));
    world.api.onRequest(({ user, verb, resource }) => {
      if (user === 'people') verbs.add(`${resource} ${verb}`);
    });
    expect((await serin(world, [...ALL, '--group=serin.dev'])).code).toBe(0);
    expect([...verbs].filter((grant) => grant.startsWith(canaryKind('').plural)).toSorted()).toEqual([
      'canaries.serin.dev delete',
      'canaries.serin.dev list',
    ]);
  });
});
