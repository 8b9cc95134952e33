// Status objects: every refusal of the server, in the form and with the words of a real one.
import { RefusedError } from '../../errors.ts';

/** One entry of details.causes. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** Which object a refusal is about. `kind` holds the plural, as on the real server. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** A refusal on its way to the asker. */
export class StatusFailure extends RefusedError {
  readonly reason: string;
  readonly details: StatusDetails | null;

  constructor(code: number, reason: string, message: string, details: StatusDetails | null = null) {
    super(code, message);
    this.reason = reason;
    this.details = details;
  }

  /** The Status object that goes over the wire. */
  toStatus(): Record<string, unknown> {
    return statusObject(this.status, this.reason, this.message, this.details);
  }
}

/** A path under which nothing is served: the answer is plain text. */
export class UnknownPath extends RefusedError {
  constructor() {
    super(404, '404 page not found');
  }
}

/** A Status object of kind Failure. */
export function statusObject(
  code: number,
  reason: string,
  message: string,
  details: StatusDetails | null,
): Record<string, unknown> {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...(details === null ? {} : { details }),
    code,
  };
}

/** What a kind is called in messages: `deployments.apps`, `pods`. */
export function resourceName(kind: { group: string; plural: string }): string {
  return kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
}

type Named = { group: string; plural: string };

const detailsOf = (kind: Named, name: string): StatusDetails => ({
  name,
  ...(kind.group === '' ? {} : { group: kind.group }),
  kind: kind.plural,
});

/** 404 for an object. */
export function notFound(kind: Named, name: string): StatusFailure {
  return new StatusFailure(404, 'NotFound', `${resourceName(kind)} "${name}" not found`, detailsOf(kind, name));
}

/** 409 because the name is taken. */
export function alreadyExists(kind: Named, name: string): StatusFailure {
  const message = `${resourceName(kind)} "${name}" already exists`;
  return new StatusFailure(409, 'AlreadyExists', message, detailsOf(kind, name));
}

/** The reason that a stale resourceVersion is refused with. */
export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

/** 409 because somebody wrote first, or a precondition does not hold. */
export function conflict(kind: Named, name: string, why: string): StatusFailure {
  const message = `Operation cannot be fulfilled on ${resourceName(kind)} "${name}": ${why}`;
  return new StatusFailure(409, 'Conflict', message, detailsOf(kind, name));
}

/** 400 with a message of our own. */
export function badRequest(message: string): StatusFailure {
  return new StatusFailure(400, 'BadRequest', message);
}

/** 403 for an object. */
export function forbidden(kind: Named, name: string, why: string, causes?: readonly StatusCause[]): StatusFailure {
  const message = `${resourceName(kind)} "${name}" is forbidden: ${why}`;
  const details = { ...detailsOf(kind, name), ...(causes === undefined ? {} : { causes }) };
  return new StatusFailure(403, 'Forbidden', message, details);
}

/** 405. */
export function methodNotAllowed(): StatusFailure {
  const message = 'the server does not allow this method on the requested resource';
  return new StatusFailure(405, 'MethodNotAllowed', message, {});
}

/** 406 with the media types that would do. */
export function notAcceptable(types: readonly string[]): StatusFailure {
  const message = `only the following media types are accepted: ${types.join(', ')}`;
  return new StatusFailure(406, 'NotAcceptable', message);
}

/** 415 with the media types that would do. */
export function unsupportedMediaType(types: readonly string[]): StatusFailure {
  const head = 'the body of the request was in an unknown format - accepted media types include';
  return new StatusFailure(415, 'UnsupportedMediaType', `${head}: ${types.join(', ')}`);
}

/** 415 without a list. */
export function plainUnsupported(): StatusFailure {
  return new StatusFailure(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
}

/** 404 for a resource that a served group and version does not have. */
export function unknownResource(): StatusFailure {
  return new StatusFailure(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** 413. */
export function tooLarge(message: string): StatusFailure {
  return new StatusFailure(413, 'RequestEntityTooLarge', message);
}

/** 410 when history has been forgotten. */
export function expired(message: string): StatusFailure {
  return new StatusFailure(410, 'Expired', message);
}

/** 429 with the seconds to wait. */
export function tooManyRequests(retryAfterSeconds: number): StatusFailure {
  const message = 'Too many requests, please try again later.';
  return new StatusFailure(429, 'TooManyRequests', message, { retryAfterSeconds });
}

/** 500 with a message of our own. */
export function internalError(why: string): StatusFailure {
  const details = { causes: [{ reason: '', message: why }] };
  return new StatusFailure(500, 'InternalError', `Internal error occurred: ${why}`, details);
}

/** One thing that is wrong with an object, at one field. */
export interface FieldProblem {
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueNotSupported'
    | 'FieldValueTypeInvalid'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueNotFound';
  readonly field: string;
  readonly message: string;
}

/** `"text"`, `5`, `null` or JSON: a value as messages show it. */
export function showValue(value: unknown): string {
  if (value === undefined) return 'null';
  return JSON.stringify(value);
}

/** A field that must be there. */
export function required(field: string, detail = ''): FieldProblem {
  return { reason: 'FieldValueRequired', field, message: `Required value${detail === '' ? '' : `: ${detail}`}` };
}

/** A field whose value cannot be. */
export function invalidValue(field: string, value: unknown, detail: string): FieldProblem {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${showValue(value)}: ${detail}` };
}

/** A field that may not be set or changed. */
export function forbiddenField(field: string, detail: string): FieldProblem {
  return { reason: 'FieldValueForbidden', field, message: `Forbidden: ${detail}` };
}

/** A value that is there twice. */
export function duplicate(field: string, value: unknown): FieldProblem {
  return { reason: 'FieldValueDuplicate', field, message: `Duplicate value: ${showValue(value)}` };
}

/** A value that is none of those known. */
export function notSupported(field: string, value: unknown, known: readonly string[]): FieldProblem {
  const list = known.map((item) => JSON.stringify(item)).join(', ');
  const message = `Unsupported value: ${showValue(value)}: supported values: ${list}`;
  return { reason: 'FieldValueNotSupported', field, message };
}

/** 422 with everything that is wrong. `name` may be empty, as with generateName. */
export function invalid(
  kind: { group: string; kind: string },
  name: string,
  problems: readonly FieldProblem[],
): StatusFailure {
  // The text says each thing once, the causes as often as it was found.
  const lines = [...new Set(problems.map((problem) => `${problem.field}: ${problem.message}`))];
  const first = lines[0] ?? '';
  const text = lines.length === 1 ? first : `[${lines.join(', ')}]`;
  const title = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const details = {
    ...(name === '' ? {} : { name }),
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.kind,
    causes: problems,
  };
  return new StatusFailure(422, 'Invalid', `${title} "${name}" is invalid: ${text}`, details);
}
