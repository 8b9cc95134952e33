// JSON Patch (RFC 6902) and JSON merge patch (RFC 7386). Neither changes the document that it is given.
import { isObject } from '../../util/json.ts';
import { isSame, type Members, setMember } from './json.ts';
import { badRequest, StatusFailure } from './status.ts';

/** The most operations that the real server takes in one patch. */
const OPERATIONS_MAX = 10_000;

/** 422 without details: what the real server says of a failed test or a path that is not there. */
function rejected(): StatusFailure {
  const message = 'the server rejected our request due to an error in our request';
  return new StatusFailure(422, 'Invalid', message, {});
}

/** The document after a JSON Patch. Throws StatusFailure 400, 413, 422. */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    );
  }
  if (patch.length > OPERATIONS_MAX) {
    const message = `The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${patch.length}`;
    throw new StatusFailure(413, 'RequestEntityTooLarge', message);
  }
  return patch.reduce((current: unknown, operation: unknown) => applyOperation(current, operation), document);
}

function applyOperation(document: unknown, operation: unknown): unknown {
  if (!isObject(operation)) throw badRequest('error decoding patch: an operation must be an object');
  const path = readPointer(operation['path']);
  switch (operation['op']) {
    case 'test':
      if (!isSame(read(document, path) ?? null, operation['value'] ?? null)) throw rejected();
      return document;
    case 'add':
      return write(document, path, operation['value'], 'add');
    case 'replace':
      return write(document, path, operation['value'], 'replace');
    case 'remove':
      return write(document, path, undefined, 'remove');
    case 'move': {
      const from = readPointer(operation['from']);
      const value = demand(document, from);
      return write(write(document, from, undefined, 'remove'), path, value, 'add');
    }
    case 'copy':
      return write(document, path, demand(document, readPointer(operation['from'])), 'add');
    default:
      throw rejected();
  }
}

function readPointer(pointer: unknown): readonly string[] {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/'))) throw rejected();
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function demand(document: unknown, path: readonly string[]): unknown {
  const value = read(document, path);
  if (value === undefined) throw rejected();
  return value;
}

/** Undefined when there is nothing; a test against null holds then, as in the library of the real server. */
function read(document: unknown, path: readonly string[]): unknown {
  let current = document;
  for (const [index, key] of path.entries()) {
    if (Array.isArray(current)) current = current[listIndex(key, current.length - 1)];
    else if (isObject(current)) current = Object.hasOwn(current, key) ? current[key] : undefined;
    else throw rejected();
    if (current === undefined && index < path.length - 1) throw rejected();
  }
  return current;
}

type Operation = 'add' | 'replace' | 'remove';

function write(document: unknown, path: readonly string[], value: unknown, operation: Operation): unknown {
  const [key, ...rest] = path;
  // The whole document cannot be written, as in the library of the real server.
  if (key === undefined) throw rejected();
  if (Array.isArray(document)) return writeList(document, key, rest, value, operation);
  if (!isObject(document)) throw rejected();
  const isThere = Object.hasOwn(document, key) && document[key] !== undefined;
  // A member that is not there may be replaced, as the library of the real server has it, but not removed.
  if (!isThere && (rest.length > 0 || operation === 'remove')) throw rejected();
  const next: Members = { ...document };
  if (rest.length > 0) setMember(next, key, write(document[key], rest, value, operation));
  else if (operation === 'remove') delete next[key];
  else setMember(next, key, value ?? null);
  return next;
}

function writeList(
  list: readonly unknown[],
  key: string,
  rest: readonly string[],
  value: unknown,
  operation: Operation,
): unknown {
  const next = [...list];
  if (rest.length > 0) {
    const index = listIndex(key, list.length - 1);
    next[index] = write(list[index], rest, value, operation);
    return next;
  }
  if (operation === 'add') {
    next.splice(key === '-' ? list.length : listIndex(key, list.length), 0, value ?? null);
    return next;
  }
  const index = listIndex(key, list.length - 1);
  if (operation === 'remove') next.splice(index, 1);
  else next[index] = value ?? null;
  return next;
}

function listIndex(key: string, highest: number): number {
  if (!/^(0|[1-9]\d*)$/.test(key)) throw rejected();
  const index = Number(key);
  if (index > highest) throw rejected();
  return index;
}

/** The document after a JSON merge patch: null removes, objects are joined, anything else replaces. */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const next: Members = isObject(document) ? { ...document } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete next[key];
    else setMember(next, key, isObject(value) ? applyMergePatch(next[key], value) : value);
  }
  return next;
}
