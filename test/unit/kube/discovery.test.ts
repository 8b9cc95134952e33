// Discovery: what is believed for how long, and what it costs.
import { describe, expect, it } from 'vitest';
import { WIDGET, json } from '../../conformance/kube/little-server.ts';
import { makeVirtualWorld } from './virtual-world.ts';

describe('discover', () => {
  it('finds the plural and scope of the first version served, and remembers them', async () => {
    const world = makeVirtualWorld();
    const [first, again] = await Promise.all([
      world.kube.client.discover(WIDGET.group, 'Widget', ['v2', 'v1']),
      world.kube.client.discover(WIDGET.group, 'Widget', ['v1']),
    ]);
    expect([first, again]).toEqual([WIDGET, WIDGET]);
    await world.kube.client.discover(WIDGET.group, 'Widget', ['v1']);

    expect(world.server.requests.map(({ url }) => url.pathname)).toEqual(['/apis', '/apis/examine.serin.dev/v1']);
    await world.kube.close();
  });

  it('asks again for a missing kind after 30 s, and not before', async () => {
    const world = makeVirtualWorld();
    let isInstalled = false;
    world.server.intercept = ({ url }) => {
      if (url.pathname === '/apis') {
        const groups = isInstalled ? [{ versions: [{ groupVersion: 'late.dev/v1' }] }] : [];
        return json(200, { kind: 'APIGroupList', groups });
      }
      return json(200, { kind: 'APIResourceList', resources: [{ name: 'lates', kind: 'Late', namespaced: false }] });
    };
    const find = (): Promise<unknown> => world.kube.client.discover('late.dev', 'Late', ['v1']);
    expect(await find()).toBeNull();
    isInstalled = true;
    await world.clock.advance(29_000);
    expect(await find()).toBeNull();
    expect(world.server.requests.length).toBe(1);

    await world.clock.advance(2_000);
    expect(await find()).toMatchObject({ plural: 'lates', namespaced: false });
    await world.kube.close();
  });

  it('asks again for a kind that came into a version that was there', async () => {
    const world = makeVirtualWorld();
    const resources = [{ name: 'widgets', kind: 'Widget', namespaced: true }];
    world.server.intercept = ({ url }) =>
      url.pathname === '/apis' ? undefined : json(200, { kind: 'APIResourceList', resources });
    const find = (): Promise<unknown> => world.kube.client.discover(WIDGET.group, 'Gadget', ['v1']);
    expect(await find()).toBeNull();
    resources.push({ name: 'gadgets', kind: 'Gadget', namespaced: true });
    expect(await find()).toBeNull();
    await world.clock.advance(31_000);

    expect(await find()).toMatchObject({ plural: 'gadgets' });
    await world.kube.close();
  });

  it('a failure is not remembered, and is no "missing"', async () => {
    const world = makeVirtualWorld();
    world.server.intercept = () => json(500, {});
    const failing = world.kube.client.discover(WIDGET.group, 'Widget', ['v1']);
    failing.catch(() => undefined);
    await world.clock.advance(5_000);
    await expect(failing).rejects.toMatchObject({ code: 'IO_SERVER' });
    world.server.intercept = null;

    expect(await world.kube.client.discover(WIDGET.group, 'Widget', ['v1'])).toEqual(WIDGET);
    await world.kube.close();
  });
});
