// Cases: applied configurations whose types are wrong.
import type { ApiCase } from './case-runner.ts';
import { apply, configMap, CONFIG_MAPS, DEPLOYMENTS, of, widget, WIDGETS } from './case-kit.ts';

const typed = (name: string, spec: unknown, problem: string): ApiCase =>
  of(name, [apply(`${WIDGETS}/a`, 'one', widget('a', spec))], 500, {
    code: 500,
    message: `failed to create typed patch object (/a; cases.serin.dev/v1, Kind=Widget): ${problem}`,
  });

/** The cases of this file. */
export const TYPED_CASES: readonly ApiCase[] = [
  typed(
    'apply of a number for a string',
    { size: 1, name: 5 },
    '.spec.name: expected string, got &value.valueUnstructured{Value:5}',
  ),
  typed('apply of a string for a number', { size: 'x' }, '.spec.size: expected numeric (int or float), got string'),
  typed('apply of a boolean for a number', { size: true }, '.spec.size: expected numeric (int or float), got bool'),
  typed('apply of a map for a list', { size: 1, tags: {} }, '.spec.tags: expected list, got &{map[]}'),
  typed('apply of a list for a map', { size: 1, labels: [] }, '.spec.labels: expected map, got &{[]}'),
  typed('apply of a string for the spec', 'x', '.spec: expected map, got &{x}'),
  typed(
    'apply of a wrong item',
    { size: 1, list: [1] },
    '.spec.list[0]: expected string, got &value.valueUnstructured{Value:1}',
  ),
  typed(
    'apply of an item that is no object',
    { size: 1, parts: ['x'] },
    '.spec.parts: element 0: associative list with keys may not have non-map elements',
  ),
  typed(
    'apply of an item without its key',
    { size: 1, parts: [{ count: 5 }] },
    `.spec.parts: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn't have default values for any key fields)`,
  ),
  typed(
    'apply of one key twice',
    { size: 1, parts: [{ name: 'q' }, { name: 'q' }] },
    '.spec.parts: duplicate entries for key [name="q"]',
  ),
  typed('apply of one value twice', { size: 1, tags: ['a', 'a'] }, '.spec.tags: duplicate entries for key [="a"]'),
  // With a second fault beside it, a real server names both in the order of a Go map, which is chance.
  typed('apply of an unknown member', { foo: 1 }, '.spec.foo: field not declared in schema'),
  of(
    'apply of a string for a boolean',
    [
      apply(`${DEPLOYMENTS}/a`, 'one', {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'a' },
        spec: { paused: 'x' },
      }),
    ],
    500,
    {
      message:
        'failed to create typed patch object (/a; apps/v1, Kind=Deployment): .spec.paused: expected boolean, got &{x}',
    },
  ),

  of('apply of unknown metadata', [apply(`${CONFIG_MAPS}/a`, 'one', configMap('a', {}, { foo: 1 }))], 500, {
    message: '/.metadata.foo: field not declared in schema$/',
  }),
];
