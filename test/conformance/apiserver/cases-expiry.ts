// Cases: what has been forgotten (410), what is told of the way to go on, and bookmarks.
import type { ApiCase, CaseRequest } from './case-runner.ts';
import { CONFIG_MAPS, MERGE, PODS, WIDGETS, configMap, get, of, patch, pod, post, remove, widget } from './case-kit.ts';

const map = (name: string): CaseRequest => post(CONFIG_MAPS, configMap(name, { k: 'v' }));

/** A token as the server would have made it at version 1, which has been forgotten. */
const oldToken = (start: string): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: 1, start: `${start}\u0000` })).toString('base64url');

const EXPIRED = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 };
const TOO_OLD = { type: 'ERROR', object: { ...EXPIRED, message: '/^too old resource version: 1 \\(\\d+\\)$/' } };
const BOOKMARK = { type: 'BOOKMARK', object: { metadata: { resourceVersion: '{{any}}' } } };

const watch = (path: string, seconds: number, more = ''): CaseRequest =>
  get(`${path}?watch=true&timeoutSeconds=${seconds}${more}`);
const INITIAL = '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
const initialEnd = (kind: string): unknown => ({
  type: 'BOOKMARK',
  object: { kind, metadata: { annotations: { 'k8s.io/initial-events-end': 'true' }, resourceVersion: '{{any}}' } },
});

/** The cases of this file. The runner has the server forget what was before its first case. */
export const EXPIRY_CASES: readonly ApiCase[] = [
  of(
    'a page of a version that is forgotten',
    [map('a'), get(`${CONFIG_MAPS}?limit=1&continue=${oldToken('a')}`)],
    410,
    {
      ...EXPIRED,
      message: '/^The provided continue parameter is too old to display a consistent list result/',
      metadata: { continue: '{{any}}' },
    },
  ),
  of(
    'the rest of a list, no longer of one version',
    [
      map('a'),
      map('b'),
      get(`${CONFIG_MAPS}?limit=1&continue=${oldToken('a')}`),
      get(`${CONFIG_MAPS}?limit=1&continue={{2.metadata.continue}}`),
    ],
    200,
    { items: [{ metadata: { name: 'b' } }], metadata: { continue: '{{absent}}' } },
  ),
  of(
    'a page of custom objects of a version that is forgotten',
    [post(WIDGETS, widget('a', { size: 1 })), get(`${WIDGETS}?limit=1&continue=${oldToken('a')}`)],
    410,
    EXPIRED,
  ),
  of(
    'a list exactly at a version that is forgotten',
    [map('a'), get(`${CONFIG_MAPS}?resourceVersion=1&resourceVersionMatch=Exact`)],
    410,
    EXPIRED,
  ),
  of(
    'a list not older than a version that is forgotten',
    [map('a'), get(`${CONFIG_MAPS}?resourceVersion=1&resourceVersionMatch=NotOlderThan`)],
    200,
    { items: [{ metadata: { name: 'a' } }] },
  ),
  of('a watch from a version that is forgotten', [map('a'), watch(CONFIG_MAPS, 1, '&resourceVersion=1')], 200, [
    TOO_OLD,
  ]),
  of(
    'a watch of custom objects from a version that is forgotten',
    [post(WIDGETS, widget('a', { size: 1 })), watch(WIDGETS, 1, '&resourceVersion=1')],
    200,
    [TOO_OLD],
  ),
  of(
    'a bookmark before the end of a watch',
    [map('a'), watch(CONFIG_MAPS, 4, '&allowWatchBookmarks=true&resourceVersion={{0.metadata.resourceVersion}}')],
    200,
    [BOOKMARK],
  ),
  of(
    'a bookmark for custom objects',
    [
      post(WIDGETS, widget('a', { size: 1 })),
      watch(WIDGETS, 4, '&allowWatchBookmarks=true&resourceVersion={{0.metadata.resourceVersion}}'),
    ],
    200,
    [BOOKMARK],
  ),
  of(
    'no bookmark where none was asked for',
    [map('a'), watch(CONFIG_MAPS, 4, '&resourceVersion={{0.metadata.resourceVersion}}')],
    200,
    [],
  ),
  of(
    'the end of the initial events of custom objects',
    [post(WIDGETS, widget('a', { size: 1 })), watch(WIDGETS, 1, INITIAL)],
    200,
    [{ type: 'ADDED', object: { kind: 'Widget', metadata: { name: 'a' } } }, initialEnd('Widget')],
  ),
  of('the end of no initial events', [watch(CONFIG_MAPS, 1, INITIAL)], 200, [initialEnd('ConfigMap')]),
  of(
    'initial events without bookmarks have no end',
    [map('a'), watch(CONFIG_MAPS, 1, '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan')],
    200,
    [{ type: 'ADDED', object: { metadata: { name: 'a' } } }],
  ),
  of(
    'initial events that are not wanted',
    [
      map('a'),
      watch(
        CONFIG_MAPS,
        1,
        '&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion={{0.metadata.resourceVersion}}',
      ),
    ],
    200,
    [],
  ),
  of(
    'sendInitialEvents in a list',
    [get(`${CONFIG_MAPS}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan`)],
    422,
    { reason: 'Invalid' },
  ),
  of(
    'a pod that goes at once is seen to end first',
    [post(PODS, pod('a')), remove(`${PODS}/a`), watch(PODS, 1, '&resourceVersion={{0.metadata.resourceVersion}}')],
    200,
    [
      { type: 'MODIFIED', object: { metadata: { name: 'a', generation: 2, deletionGracePeriodSeconds: 0 } } },
      { type: 'DELETED', object: { metadata: { name: 'a', generation: 2 } } },
    ],
  ),
  of(
    'the write that takes the last finalizer off is not seen, the deletion is',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['n.e/x'] })),
      remove(`${CONFIG_MAPS}/a`),
      patch(`${CONFIG_MAPS}/a`, MERGE, { metadata: { finalizers: null } }),
      watch(CONFIG_MAPS, 1, '&resourceVersion={{0.metadata.resourceVersion}}'),
    ],
    200,
    [
      { type: 'MODIFIED', object: { metadata: { deletionTimestamp: '{{any}}', finalizers: ['n.e/x'] } } },
      { type: 'DELETED', object: { metadata: { name: 'a' } } },
    ],
  ),
  of(
    'a change of the status is seen by watchers',
    [
      post(WIDGETS, widget('a', { size: 1 })),
      patch(`${WIDGETS}/a/status`, MERGE, { status: { phase: 'Good' } }),
      watch(WIDGETS, 1, '&resourceVersion={{0.metadata.resourceVersion}}'),
    ],
    200,
    [{ type: 'MODIFIED', object: { status: { phase: 'Good' }, metadata: { generation: 1 } } }],
  ),
  of(
    'a write that changes nothing is not seen',
    [
      map('a'),
      patch(`${CONFIG_MAPS}/a`, MERGE, { data: { k: 'v' } }),
      watch(CONFIG_MAPS, 1, '&resourceVersion={{0.metadata.resourceVersion}}'),
    ],
    200,
    [],
  ),
];
