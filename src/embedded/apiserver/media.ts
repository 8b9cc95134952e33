// Media types: what the asker accepts, and how bodies are read and answers written.
import { parse, stringify } from 'yaml';
import { PROTOBUF, readProtobuf } from './protobuf.ts';
import type { ApiRequest, ApiResponse } from './types.ts';
import { badRequest, notAcceptable, StatusFailure, unsupportedMediaType } from './status.ts';

/** The form in which objects are wanted. */
export type Form = 'object' | 'table' | 'partial';

/** What an Accept header asks for. */
export interface Accept {
  readonly form: Form;
  readonly isYaml: boolean;
  /** Set when aggregated discovery is asked for. */
  readonly discovery: 'v2' | 'v2beta1' | null;
}

const PLAIN: Accept = { form: 'object', isYaml: false, discovery: null };
const OFFERED = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** Reads an Accept header. Throws StatusFailure 406 when nothing in it can be served; built-in kinds say it in other words. */
export function readAccept(header: string | undefined, isCustom = false): Accept {
  if (header === undefined || header.trim() === '') return PLAIN;
  for (const clause of byWeight(header)) {
    const accept = readClause(clause);
    if (accept !== null) return accept;
  }
  if (isCustom) throw notAcceptable(OFFERED);
  throw new StatusFailure(
    406,
    'NotAcceptable',
    `406: Not Acceptable\n\nAvailable representations: ${OFFERED.join(', ')}`,
    {},
  );
}

/** The forms of an Accept header, the most wanted first. */
function byWeight(header: string): string[] {
  const weight = (clause: string): number => Number(/;\s*q=([\d.]+)/.exec(clause)?.[1] ?? 1);
  return header.split(',').toSorted((a, b) => weight(b) - weight(a));
}

function readClause(clause: string): Accept | null {
  const [type = '', ...rest] = clause.split(';').map((part) => part.trim());
  const isYaml = type === 'application/yaml';
  if (!isYaml && type !== 'application/json' && type !== '*/*' && type !== 'application/*') return null;
  const parameters = new Map(rest.map((part) => [part.split('=')[0] ?? '', part.split('=')[1] ?? '']));
  const as = parameters.get('as');
  const group = parameters.get('g');
  if (as === undefined) return { ...PLAIN, isYaml };
  if (as === 'APIGroupDiscoveryList')
    return group === 'apidiscovery.k8s.io' ? discoveryForm(parameters.get('v')) : null;
  if (group !== 'meta.k8s.io' || parameters.get('v') !== 'v1') return null;
  if (as === 'Table') return { form: 'table', isYaml, discovery: null };
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
    return { form: 'partial', isYaml, discovery: null };
  }
  return null;
}

function discoveryForm(version: string | undefined): Accept | null {
  return version === 'v2' ? { ...PLAIN, discovery: 'v2' } : null;
}

/** An answer with a body in the form that was asked for. */
export function answer(
  status: number,
  value: unknown,
  accept: Pick<Accept, 'isYaml'> = PLAIN,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  if (!accept.isYaml) return answerJson(status, JSON.stringify(value), headers);
  const body = stringify(value, { aliasDuplicateObjects: false });
  return { status, headers: { ...YAML_HEADERS, ...headers }, body };
}

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-cache, private' };
const YAML_HEADERS = { ...JSON_HEADERS, 'content-type': 'application/yaml' };

/** An answer whose JSON text is at hand. */
export function answerJson(status: number, body: string, headers: Readonly<Record<string, string>> = {}): ApiResponse {
  return { status, headers: { ...JSON_HEADERS, ...headers }, body };
}

/** An answer that holds a Status object; in YAML where the asker wants that. */
export function answerFailure(failure: StatusFailure, accept = ''): ApiResponse {
  const retry = failure.details?.retryAfterSeconds;
  const headers: Record<string, string> = retry === undefined ? {} : { 'retry-after': String(retry) };
  const isYaml = readClause(byWeight(accept)[0] ?? '')?.isYaml ?? false;
  return answer(failure.status, failure.toStatus(), { isYaml }, headers);
}

/** An answer in plain text. */
export function answerText(status: number, body: string): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
    body,
  };
}

/** The media type of a body without its parameters. */
export function mediaType(request: ApiRequest): string {
  return (request.headers?.['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** Headers for warnings, one value each; several are joined as one header. */
export function warningHeaders(warnings: readonly string[]): Record<string, string> {
  if (warnings.length === 0) return {};
  const values = warnings.map((text) => `299 - "${text.replace(/[\\"]/g, '\\$&').replace(/[\r\n]+/g, ' ')}"`);
  return { warning: values.join(', ') };
}

/** Reads a request body as JSON, or as YAML where the type says so. Throws StatusFailure 400, 415. */
export function readBody(request: ApiRequest, kindName: string): unknown {
  const text = request.body ?? '';
  const type = mediaType(request);
  if (type === 'application/yaml') return readYaml(text);
  if (type === PROTOBUF) return readProtobuf(text);
  if (type !== '' && type !== 'application/json' && type !== '*/*') throw unsupportedMediaType(OFFERED);
  return readJson(text, kindName);
}

function readJson(text: string, kindName: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const isCut =
      text === '' ||
      why.includes('end of JSON') ||
      why.includes('after property') ||
      why.includes("Expected ',' or '}'");
    const reason = isCut ? 'unexpected end of JSON input' : why;
    const shown = text === '' ? '<empty>' : text.slice(0, 1024);
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kindName}): couldn't get version/kind; json parse error: ${reason} (${shown})`,
    );
  }
}

/** Reads YAML, of which JSON is a part. Throws StatusFailure 400. */
export function readYaml(text: string): unknown {
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // Flow-style YAML looks like JSON at its start.
    }
  }
  try {
    return parse(text, { maxAliasCount: 100, uniqueKeys: false }) as unknown;
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw badRequest(`error decoding YAML: ${why}`);
  }
}
