// Cases: strategic merge patch.
import type { ApiCase } from './case-runner.ts';
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  STRATEGIC,
  WIDGETS,
  configMap,
  deployment,
  failure,
  of,
  patch,
  post,
  widget,
} from './case-kit.ts';

const three = {
  template: {
    metadata: { labels: { app: 'a' } },
    spec: { containers: ['a', 'b', 'c'].map((name) => ({ name, image: `i${name}` })) },
  },
};

const THREE = post(DEPLOYMENTS, deployment('a', three));

const containers = (...items: unknown[]) =>
  patch(`${DEPLOYMENTS}/a`, STRATEGIC, { spec: { template: { spec: { containers: items } } } });

const names = (...items: string[]) => ({
  spec: { template: { spec: { containers: items.map((name) => ({ name })) } } },
});

const strategic = (body: unknown) => patch(`${DEPLOYMENTS}/a`, STRATEGIC, body);

/** The cases of this file. */
export const STRATEGIC_CASES: readonly ApiCase[] = [
  of('strategic merge changes an item by its key', [THREE, containers({ name: 'b', image: 'new' })], 200, {
    spec: {
      template: {
        spec: {
          containers: [
            { name: 'a', image: 'ia' },
            { name: 'b', image: 'new' },
            { name: 'c', image: 'ic' },
          ],
        },
      },
    },
  }),
  of(
    'strategic merge puts a new item first',
    [THREE, containers({ name: 'd', image: 'id' })],
    200,
    names('d', 'a', 'b', 'c'),
  ),
  of(
    'strategic merge keeps the order of what is known',
    [THREE, containers({ name: 'd', image: 'id' }, { name: 'b', image: 'x' })],
    200,
    names('d', 'a', 'b', 'c'),
  ),
  of('strategic merge deletes an item', [THREE, containers({ name: 'b', $patch: 'delete' })], 200, names('a', 'c')),
  of(
    'strategic merge deletes an item that is missing',
    [THREE, containers({ name: 'z', $patch: 'delete' })],
    200,
    names('a', 'b', 'c'),
  ),
  of(
    'strategic merge replaces a list',
    [THREE, containers({ name: 'z', image: 'iz' }, { $patch: 'replace' })],
    200,
    names('z'),
  ),
  of('strategic merge of an item without its key', [THREE, containers({ image: 'x' })], 500, {
    message: 'map: map[image:x] does not contain declared merge key: name',
    code: 500,
  }),
  of('strategic merge with an unknown directive', [THREE, containers({ name: 'a', $patch: 'spin' })], 500, {
    message: 'unknown patch type: spin in map: map[$patch:spin name:a]',
  }),
  of(
    'strategic merge of environment by name',
    [
      post(
        DEPLOYMENTS,
        deployment('a', {
          template: {
            metadata: { labels: { app: 'a' } },
            spec: {
              containers: [
                {
                  name: 'm',
                  image: 'i',
                  env: [
                    { name: 'A', value: '1' },
                    { name: 'B', value: '2' },
                  ],
                },
              ],
            },
          },
        }),
      ),
      containers({ name: 'm', env: [{ name: 'B', value: '3' }] }),
    ],
    200,
    {
      spec: {
        template: {
          spec: {
            containers: [
              {
                env: [
                  { name: 'A', value: '1' },
                  { name: 'B', value: '3' },
                ],
              },
            ],
          },
        },
      },
    },
  ),
  of(
    'strategic merge retains keys',
    [THREE, strategic({ spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } })],
    200,
    { spec: { strategy: { type: 'Recreate', rollingUpdate: '{{absent}}' } } },
  ),
  of(
    'strategic merge replaces an object',
    [THREE, strategic({ spec: { strategy: { $patch: 'replace', type: 'Recreate' } } })],
    200,
    { spec: { strategy: { type: 'Recreate', rollingUpdate: '{{absent}}' } } },
  ),
  of(
    'strategic merge deletes an object',
    [
      post(CONFIG_MAPS, configMap('a', {}, { annotations: { a: 'b' } })),
      patch(`${CONFIG_MAPS}/a`, STRATEGIC, { metadata: { annotations: { $patch: 'delete' } } }),
    ],
    200,
    { metadata: { annotations: '{{absent}}' } },
  ),
  of(
    'strategic merge joins a set',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['a.b/c'] })),
      patch(`${CONFIG_MAPS}/a`, STRATEGIC, { metadata: { finalizers: ['d.e/f'] } }),
    ],
    200,
    { metadata: { finalizers: ['d.e/f', 'a.b/c'] } },
  ),
  of(
    'strategic merge takes from a set',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['a.b/c', 'd.e/f'] })),
      patch(`${CONFIG_MAPS}/a`, STRATEGIC, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a.b/c'] } }),
    ],
    200,
    { metadata: { finalizers: ['d.e/f'] } },
  ),
  of(
    'strategic merge replaces tolerations',
    [
      post(
        DEPLOYMENTS,
        deployment('a', {
          template: {
            metadata: { labels: { app: 'a' } },
            spec: { containers: [{ name: 'm', image: 'i' }], tolerations: [{ key: 'a', operator: 'Exists' }] },
          },
        }),
      ),
      strategic({ spec: { template: { spec: { tolerations: [{ key: 'b', operator: 'Exists' }] } } } }),
    ],
    200,
    { spec: { template: { spec: { tolerations: [{ key: 'b' }] } } } },
  ),
  of(
    'strategic merge orders by directive',
    [
      THREE,
      strategic({
        spec: {
          template: {
            spec: {
              '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }],
              containers: [{ name: 'a', image: 'x' }],
            },
          },
        },
      }),
    ],
    200,
    names('b', 'c', 'a'),
  ),
  of(
    'strategic merge that is a list',
    [THREE, strategic([])],
    400,
    failure('BadRequest', 'json: cannot unmarshal array into Go value of type map[string]interface {}'),
  ),
  of('strategic merge at a stale version', [THREE, strategic({ metadata: { resourceVersion: '1' } })], 409, {
    reason: 'Conflict',
  }),
  of(
    'strategic merge of a custom kind',
    [post(WIDGETS, widget('a', { size: 1 })), patch(`${WIDGETS}/a`, STRATEGIC, {})],
    415,
    failure(
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
      { code: 415 },
    ),
  ),
];
