// The garbage collector and the end of namespaces, on a virtual clock.
import { expect, test } from 'vitest';
import { CONFIG_MAP, DEPLOYMENT, NAMESPACE, POD } from '../../../../src/kube/kinds.ts';
import { aWorld, CONFIG_MAPS, configMap, deployment, DEPLOYMENTS, ownedBy } from './kit.ts';

test('what is owned goes after its owner, with a delay', async () => {
  const { api, clock, ask } = aWorld();
  const owner = api.store.create(deployment('owner'));
  api.store.create(configMap('child', {}, ownedBy(owner)));
  await ask('DELETE', `${DEPLOYMENTS}/owner`);
  expect(api.store.get(CONFIG_MAP, 'default', 'child')).not.toBeNull();
  await clock.advance(200);
  expect(api.store.get(CONFIG_MAP, 'default', 'child')).toBeNull();
});

test('grandchildren go too', async () => {
  const { api, clock } = aWorld();
  const owner = api.store.create(deployment('owner'));
  const child = api.store.create(configMap('child', {}, ownedBy(owner)));
  api.store.create(configMap('grandchild', {}, ownedBy(child)));
  api.store.remove(DEPLOYMENT, 'default', 'owner');
  await clock.advance(1_000);
  expect(api.store.list(CONFIG_MAP, 'default')).toEqual([]);
});

test('an object under the same name is not the owner: the uid decides', async () => {
  const { api, clock } = aWorld();
  const owner = api.store.create(configMap('owner'));
  api.store.create(configMap('child', {}, ownedBy(owner)));
  api.store.remove(CONFIG_MAP, 'default', 'owner');
  api.store.create(configMap('owner'));
  await clock.advance(1_000);
  expect(api.store.list(CONFIG_MAP, 'default').map((object) => object.metadata.name)).toEqual(['owner']);
});

test('an object that names an owner which was never there goes', async () => {
  const { api, clock } = aWorld();
  const ghost = configMap('ghost', {}, { uid: 'no-such-uid' });
  api.store.create(configMap('child', {}, ownedBy(ghost)));
  await clock.advance(1_000);
  expect(api.store.get(CONFIG_MAP, 'default', 'child')).toBeNull();
});

test('with one of two owners left the object stays and forgets the other', async () => {
  const { api, clock } = aWorld();
  const first = api.store.create(configMap('first'));
  const second = api.store.create(configMap('second'));
  const ownerReferences = [...ownedBy(first).ownerReferences, ...ownedBy(second).ownerReferences];
  api.store.create(configMap('child', {}, { ownerReferences }));
  api.store.remove(CONFIG_MAP, 'default', 'first');
  await clock.advance(1_000);
  const left = api.store.get(CONFIG_MAP, 'default', 'child')?.metadata.ownerReferences;
  expect(left?.map((owner) => owner.name)).toEqual(['second']);
});

test('orphaning frees the dependents and lets the owner go', async () => {
  const { api, clock, ask } = aWorld();
  const owner = api.store.create(configMap('owner'));
  api.store.create(configMap('child', {}, ownedBy(owner)));
  await ask('DELETE', `${CONFIG_MAPS}/owner`, { propagationPolicy: 'Orphan' });
  await clock.advance(1_000);
  expect(api.store.get(CONFIG_MAP, 'default', 'owner')).toBeNull();
  const child = api.store.get(CONFIG_MAP, 'default', 'child');
  expect(child?.metadata.ownerReferences).toBeUndefined();
});

test('foreground deletion waits for those who block', async () => {
  const { api, clock, ask } = aWorld();
  const owner = api.store.create(deployment('owner'));
  api.store.create(configMap('child', {}, { ...ownedBy(owner, true), finalizers: ['hold.on/it'] }));
  await ask('DELETE', `${DEPLOYMENTS}/owner`, { propagationPolicy: 'Foreground' });
  await clock.advance(1_000);
  expect(api.store.get(DEPLOYMENT, 'default', 'owner')?.metadata.finalizers).toEqual(['foregroundDeletion']);
  expect(api.store.get(CONFIG_MAP, 'default', 'child')?.metadata.deletionTimestamp).toBeDefined();
  api.store.mutate(CONFIG_MAP, 'default', 'child', (draft) => {
    draft.metadata.finalizers = [];
  });
  await clock.advance(1_000);
  expect(api.store.get(DEPLOYMENT, 'default', 'owner')).toBeNull();
});

test('foreground deletion does not wait for those who do not block', async () => {
  const { api, clock, ask } = aWorld();
  const owner = api.store.create(deployment('owner'));
  api.store.create(configMap('child', {}, { ...ownedBy(owner), finalizers: ['hold.on/it'] }));
  await ask('DELETE', `${DEPLOYMENTS}/owner`, { propagationPolicy: 'Foreground' });
  await clock.advance(1_000);
  expect(api.store.get(DEPLOYMENT, 'default', 'owner')).toBeNull();
});

test('an ending namespace takes its contents along and then goes', async () => {
  const { api, clock, ask } = aWorld();
  await ask('POST', '/api/v1/namespaces', { metadata: { name: 'shop' } });
  api.store.create({ ...configMap('a'), metadata: { name: 'a', namespace: 'shop' } });
  await ask('DELETE', '/api/v1/namespaces/shop');
  expect(api.store.get(NAMESPACE, null, 'shop')).toMatchObject({ status: { phase: 'Terminating' } });
  await clock.advance(1_000);
  expect(api.store.get(NAMESPACE, null, 'shop')).toBeNull();
  expect(api.store.list(CONFIG_MAP, 'shop')).toEqual([]);
});

test('a namespace waits for the finalizers in it', async () => {
  const { api, clock, ask } = aWorld();
  await ask('POST', '/api/v1/namespaces', { metadata: { name: 'shop' } });
  api.store.create({ ...configMap('a'), metadata: { name: 'a', namespace: 'shop', finalizers: ['hold.on/it'] } });
  await ask('DELETE', '/api/v1/namespaces/shop');
  await clock.advance(5_000);
  expect(api.store.get(NAMESPACE, null, 'shop')).not.toBeNull();
  api.store.mutate(CONFIG_MAP, 'shop', 'a', (draft) => {
    draft.metadata.finalizers = [];
  });
  await clock.advance(1_000);
  expect(api.store.get(NAMESPACE, null, 'shop')).toBeNull();
});

test('a pod on a node stays until its node says that it is gone', async () => {
  const { api } = aWorld();
  const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 5 };
  api.store.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' }, spec });
  const marked = api.store.remove(POD, 'default', 'p');
  expect(marked).toMatchObject({ isGone: false, object: { metadata: { deletionGracePeriodSeconds: 5 } } });
  const gone = api.store.remove(POD, 'default', 'p', { graceSeconds: 0 });
  expect(gone?.isGone).toBe(true);
  expect(api.store.get(POD, 'default', 'p')).toBeNull();
});
