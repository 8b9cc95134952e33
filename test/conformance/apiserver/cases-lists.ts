// Cases: lists, pages, selectors and versions.
import type { ApiCase, CaseRequest } from './case-runner.ts';
import { CONFIG_MAPS, PODS, WIDGETS, configMap, failure, get, of, pod, post, remove, widget } from './case-kit.ts';

const map = (name: string, labels: Record<string, string> = {}): CaseRequest =>
  post(CONFIG_MAPS, configMap(name, {}, { labels }));

const THREE = [map('a', { app: 'x', tier: 'one' }), map('b', { app: 'x', tier: 'two' }), map('c', { app: 'y' })];

const items = (...names: string[]) => ({ items: names.map((name) => ({ metadata: { name } })) });

const selected = (selector: string, ...names: string[]): ApiCase =>
  of(
    `label selector ${selector}`,
    [...THREE, get(`${CONFIG_MAPS}?labelSelector=${encodeURIComponent(selector)}`)],
    200,
    items(...names),
  );

const options = (message: string) => ({
  reason: 'Invalid',
  message: `ListOptions.meta.k8s.io "" is invalid: ${message}`,
});

/** The cases of this file. */
export const LIST_CASES: readonly ApiCase[] = [
  of('a list is in order of names', [map('c'), map('a'), map('b'), get(CONFIG_MAPS)], 200, {
    kind: 'ConfigMapList',
    apiVersion: 'v1',
    metadata: { resourceVersion: '{{any}}', continue: '{{absent}}' },
    ...items('a', 'b', 'c'),
  }),
  of('items of built-in lists carry no type', [map('a'), get(CONFIG_MAPS)], 200, {
    items: [{ kind: '{{absent}}', apiVersion: '{{absent}}', metadata: { name: 'a' } }],
  }),
  of('items of custom lists carry their type', [post(WIDGETS, widget('a', { size: 1 })), get(WIDGETS)], 200, {
    kind: 'WidgetList',
    apiVersion: 'cases.serin.dev/v1',
    items: [{ kind: 'Widget', apiVersion: 'cases.serin.dev/v1' }],
  }),
  of('an empty list has items', [get(CONFIG_MAPS)], 200, { items: [] }),
  of('a page', [...THREE, get(`${CONFIG_MAPS}?limit=2`)], 200, {
    ...items('a', 'b'),
    metadata: { continue: '{{any}}', remainingItemCount: 1 },
  }),
  of(
    'the next page',
    [...THREE, get(`${CONFIG_MAPS}?limit=2`), get(`${CONFIG_MAPS}?limit=2&continue={{3.metadata.continue}}`)],
    200,
    { ...items('c'), metadata: { continue: '{{absent}}', resourceVersion: '{{3.metadata.resourceVersion}}' } },
  ),
  of(
    'pages are of one version',
    [
      ...THREE,
      get(`${CONFIG_MAPS}?limit=1`),
      remove(`${CONFIG_MAPS}/b`),
      map('bb'),
      get(`${CONFIG_MAPS}?continue={{3.metadata.continue}}`),
    ],
    200,
    items('b', 'c'),
  ),
  of(
    'a page with a selector does not say what remains',
    [...THREE, get(`${CONFIG_MAPS}?limit=1&labelSelector=app%3Dx`)],
    200,
    { ...items('a'), metadata: { continue: '{{any}}', remainingItemCount: '{{absent}}' } },
  ),
  of('a continue token that is none', [get(`${CONFIG_MAPS}?continue=zzz`)], 400, {
    reason: 'BadRequest',
    message: '/^invalid continue token: continue key is not valid/',
  }),
  of(
    'a continue token with a version',
    [
      ...THREE,
      get(`${CONFIG_MAPS}?limit=1`),
      get(`${CONFIG_MAPS}?continue={{3.metadata.continue}}&resourceVersion={{0.metadata.resourceVersion}}`),
    ],
    400,
    failure('BadRequest', 'specifying resource version is not allowed when using continue'),
  ),
  of(
    'a list exactly at a version',
    [...THREE, get(`${CONFIG_MAPS}?resourceVersion={{1.metadata.resourceVersion}}&resourceVersionMatch=Exact`)],
    200,
    { metadata: { resourceVersion: '{{1.metadata.resourceVersion}}' }, ...items('a', 'b') },
  ),
  of(
    'a list not older than a version',
    [...THREE, get(`${CONFIG_MAPS}?resourceVersion={{0.metadata.resourceVersion}}&resourceVersionMatch=NotOlderThan`)],
    200,
    items('a', 'b', 'c'),
  ),
  of(
    'a match without a version',
    [get(`${CONFIG_MAPS}?resourceVersionMatch=Exact`)],
    422,
    options('resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided'),
  ),
  of(
    'exactly version 0',
    [get(`${CONFIG_MAPS}?resourceVersionMatch=Exact&resourceVersion=0`)],
    422,
    options('resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
  ),
  of(
    'an unknown match',
    [get(`${CONFIG_MAPS}?resourceVersionMatch=Some&resourceVersion=1`)],
    422,
    options('resourceVersionMatch: Unsupported value: "Some": supported values: "Exact", "NotOlderThan", ""'),
  ),
  of(
    'a version that is no number',
    [get(`${CONFIG_MAPS}?resourceVersion=abc`)],
    400,
    failure(
      'BadRequest',
      'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    ),
  ),
  of('a version from the future', [get(`${CONFIG_MAPS}?resourceVersion=99999999`)], 504, {
    reason: 'Timeout',
    message: '/^Timeout: Too large resource version: 99999999, current: \\d+$/',
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  }),
  of(
    'a list in all namespaces',
    [map('only-{{ns}}'), get(`/api/v1/configmaps?fieldSelector=metadata.name%3Donly-{{ns}}`)],
    200,
    { items: [{ metadata: { namespace: '{{ns}}' } }] },
  ),
  selected('app=x', 'a', 'b'),
  selected('app==x', 'a', 'b'),
  selected('app!=x', 'c'),
  selected('tier', 'a', 'b'),
  selected('!tier', 'c'),
  selected('app in (x,y),tier=two', 'b'),
  selected('tier notin (one)', 'b', 'c'),
  of('a label selector that cannot be read', [get(`${CONFIG_MAPS}?labelSelector=a%3D%3D%3Db`)], 400, {
    reason: 'BadRequest',
    message: '/^unable to parse requirement: /',
  }),
  of('field selector by name', [...THREE, get(`${CONFIG_MAPS}?fieldSelector=metadata.name%3Db`)], 200, items('b')),
  of(
    'field selector by not a name',
    [...THREE, get(`${CONFIG_MAPS}?fieldSelector=metadata.name!%3Db`)],
    200,
    items('a', 'c'),
  ),
  of(
    'field selector that the kind does not have',
    [get(`${CONFIG_MAPS}?fieldSelector=data.k%3Db`)],
    400,
    failure('BadRequest', '"data.k" is not a known field selector: only "metadata.name", "metadata.namespace"'),
  ),
  of(
    'field selector that a custom kind does not have',
    [get(`${WIDGETS}?fieldSelector=spec.size%3D1`)],
    400,
    failure('BadRequest', 'field label not supported: spec.size'),
  ),
  of(
    'field selector by phase',
    [post(PODS, pod('a')), get(`${PODS}?fieldSelector=status.phase%3DPending`)],
    200,
    items('a'),
  ),
  of(
    'field selector by node',
    [post(PODS, pod('a')), post(PODS, pod('b', { nodeName: 'n1' })), get(`${PODS}?fieldSelector=spec.nodeName%3Dn1`)],
    200,
    items('b'),
  ),
  of(
    'field selector of events by object',
    [
      post('/api/v1/namespaces/{{ns}}/events', {
        metadata: { name: 'e', namespace: '{{ns}}' },
        involvedObject: { kind: 'Pod', name: 'p', namespace: '{{ns}}' },
        reason: 'R',
        type: 'Normal',
      }),
      get('/api/v1/namespaces/{{ns}}/events?fieldSelector=involvedObject.name%3Dp,involvedObject.kind%3DPod'),
    ],
    200,
    items('e'),
  ),
  of(
    'field selector of new events by object',
    [
      post('/api/v1/namespaces/{{ns}}/events', {
        metadata: { name: 'e', namespace: '{{ns}}' },
        involvedObject: { kind: 'Pod', name: 'p', namespace: '{{ns}}' },
        reason: 'R',
        type: 'Warning',
      }),
      get('/apis/events.k8s.io/v1/namespaces/{{ns}}/events?fieldSelector=regarding.name%3Dp,type%3DWarning'),
    ],
    200,
    {
      kind: 'EventList',
      apiVersion: 'events.k8s.io/v1',
      items: [{ metadata: { name: 'e' }, regarding: { name: 'p' } }],
    },
  ),
];
