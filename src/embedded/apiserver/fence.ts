// The detector of unfenced writes (S11): who must send preconditions and did not is refused and remembered.
import { isObject } from '../../util/json.ts';
import { readDeleteOptions } from './delete.ts';
import type { Engine } from './engine.ts';
import { textAt, valueAt } from './json.ts';
import { internalError, resourceName, type StatusFailure } from './status.ts';
import type { RequestInfo, ServedKind } from './types.ts';

/** Throws StatusFailure 500 when a user who must fence sends a write without its precondition. */
export function demandFence(
  engine: Engine,
  kind: ServedKind,
  info: RequestInfo,
  user: string,
  body: unknown,
  isCreation: boolean,
): void {
  if (engine.options.requireFence?.(user) !== true) return;
  const what = missingFence(info, body, isCreation);
  if (what === null) return;
  const resource = resourceName(kind);
  engine.violations.push({ user, verb: info.verb, resource, namespace: info.namespace, name: info.name, what });
  throw unfenced(what);
}

function unfenced(what: string): StatusFailure {
  return internalError(`unfenced write: ${what}`);
}

function missingFence(info: RequestInfo, body: unknown, isCreation: boolean): string | null {
  switch (info.verb) {
    case 'update':
      return textAt(valueAt(body, ['metadata']), 'resourceVersion') === '' ? 'update without resourceVersion' : null;
    case 'patch':
      return isCreation || isPatchFenced(body) ? null : 'patch without resourceVersion';
    case 'delete': {
      const { uid, resourceVersion } = readDeleteOptions(body, info.query);
      return uid === undefined || resourceVersion === undefined ? 'delete without uid and resourceVersion' : null;
    }
    case 'deletecollection':
      return 'delete of a collection';
    case 'get':
    case 'list':
    case 'watch':
    case 'create':
    case 'none':
      return null;
  }
}

function isPatchFenced(body: unknown): boolean {
  if (!Array.isArray(body)) return textAt(valueAt(body, ['metadata']), 'resourceVersion') !== '';
  return body.some(
    (operation: unknown) =>
      isObject(operation) &&
      (operation['op'] === 'replace' || operation['op'] === 'add') &&
      operation['path'] === '/metadata/resourceVersion' &&
      typeof operation['value'] === 'string' &&
      operation['value'] !== '',
  );
}
