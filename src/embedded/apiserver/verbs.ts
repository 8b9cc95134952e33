// What each verb does with a kind of this server.
import type { KubeObject } from '../../kube/contract.ts';
import { toStored } from './convert.ts';
import { deleteObject, readDeleteOptions } from './delete.ts';
import { type Engine, findStored, type WriteContext } from './engine.ts';
import { demandFence } from './fence.ts';
import { listAt } from './json.ts';
import type { Call } from './call.ts';
import { answer, answerJson, readAccept, readBody, warningHeaders } from './media.ts';
import { isApply, isStrategic, patchObject, readPatchBody } from './patch.ts';
import { isTrue } from './path.ts';
import { presentList, presentObject, storedText } from './present.ts';
import type { Presentation } from './presentation.ts';
import { asTyped } from './read-object.ts';
import { getObject, listObjects } from './read.ts';
import { answerReview, isReview } from './reviews.ts';
import { isScale, readScale, writeScale } from './scale.ts';
import {
  badRequest,
  forbidden,
  invalid,
  methodNotAllowed,
  notFound,
  notSupported,
  required,
  unknownResource,
  resourceName,
  StatusFailure,
} from './status.ts';
import { strategyOf } from './strategy.ts';
import type { ApiRequest, ApiResponse, Commit, RequestInfo, ServedKind } from './types.ts';
import { openWatch } from './watch.ts';
import { createObject, updateObject } from './write.ts';

/** Answers a request to a kind. Throws StatusFailure. */
export async function answerResource(
  engine: Engine,
  request: ApiRequest,
  info: RequestInfo,
  kind: ServedKind,
  user: string,
): Promise<ApiResponse> {
  const call: Call = {
    engine,
    request,
    info,
    kind,
    user,
    accept: readAccept(request.headers?.['accept'], kind.isCustom),
  };
  if (request.method === 'HEAD') throw methodNotAllowed();
  refuseUnserved(call);
  refuseUnauthorized(call);
  if (isReview(kind)) return answerReview(call);
  switch (info.verb) {
    case 'get':
      return answerGet(call);
    case 'list':
      return answerList(call);
    case 'watch':
      return openWatch(engine, kind, info, call.accept, request.signal);
    case 'create':
      return answerCreate(call);
    case 'update':
      return answerUpdate(call);
    case 'patch':
      return answerPatch(call);
    case 'delete':
      return answerDelete(call);
    case 'deletecollection':
      return answerDeleteCollection(call);
    case 'none':
      throw methodNotAllowed();
  }
}

function refuseUnserved(call: Call): void {
  const { info, kind } = call;
  const isKnown =
    info.subresource === '' ||
    (info.subresource === 'status' && kind.hasStatus) ||
    (info.subresource === 'scale' && kind.scale !== null) ||
    (info.subresource === 'finalize' && kind.storageId === '/Namespace');
  if (!isKnown) throw kind.isCustom && info.name !== null ? notFound(kind, info.name) : unknownResource();
  if (info.subresource !== '' && !['get', 'update', 'patch'].includes(info.verb)) throw refusedVerb(call);
  if (info.verb === 'none' || !(kind.verbs.includes(info.verb) || info.subresource !== '')) throw methodNotAllowed();
  if (info.verb === 'create' && info.name !== null) throw methodNotAllowed();
  if ((info.verb === 'update' || info.verb === 'patch') && info.name === null) throw methodNotAllowed();
  if (!kind.namespaced && info.namespace !== null) throw unknownResource();
  const needsNamespace = kind.namespaced && info.namespace === null && !isReview(kind);
  if (needsNamespace && info.name !== null) throw unknownResource();
  if (needsNamespace && info.verb === 'deletecollection') throw methodNotAllowed();
  if (needsNamespace && info.verb === 'create') throw methodNotAllowed();
}

/** A verb that a subresource does not have; custom kinds say which. */
function refusedVerb(call: Call): Error {
  const { info, kind } = call;
  if (!kind.isCustom) return methodNotAllowed();
  const message = `${info.verb} is not supported on resources of kind "${resourceName(kind)}"`;
  return new StatusFailure(405, 'MethodNotAllowed', message, { group: kind.group, kind: kind.plural });
}

function refuseUnauthorized(call: Call): void {
  const { engine, info, kind, user } = call;
  const isAllowed = engine.options.authorize?.({
    user,
    verb: info.verb,
    group: kind.group,
    resource: kind.plural,
    subresource: info.subresource,
    namespace: info.namespace ?? '',
    name: info.name ?? '',
  });
  if (isAllowed !== false) return;
  const resource = info.subresource === '' ? kind.plural : `${kind.plural}/${info.subresource}`;
  const where = info.namespace === null ? 'at the cluster scope' : `in the namespace "${info.namespace}"`;
  const why = `User "${user}" cannot ${info.verb} resource "${resource}" in API group "${kind.group}" ${where}`;
  throw forbidden(kind, info.name ?? '', why);
}

function presentation(call: Call): Presentation {
  return {
    kind: call.kind,
    form: call.accept.form,
    nowMs: call.engine.clock.nowMs(),
    includeObject: call.info.query.get('includeObject') ?? 'Metadata',
  };
}

function answerObject(call: Call, status: number, object: KubeObject, warnings: readonly string[] = []): ApiResponse {
  const how = presentation(call);
  const headers = warningHeaders(warnings);
  const text = call.accept.isYaml ? null : storedText(how, object);
  if (text !== null) return answerJson(status, text, headers);
  return answer(status, presentObject(how, object), call.accept, headers);
}

function answerGet(call: Call): ApiResponse {
  const object = getObject(call.engine, call.kind, call.info, call.user);
  if (isScale(call.info)) return answer(200, readScale(call.kind, object), call.accept);
  return answerObject(call, 200, object);
}

function answerList(call: Call): ApiResponse {
  const { objects, metadata } = listObjects(call.engine, call.kind, call.info, call.user);
  return answer(200, presentList(presentation(call), objects, metadata), call.accept);
}

function writeContext(call: Call, verb: Commit['verb'], name: string, body: unknown): WriteContext {
  const { info, kind, request } = call;
  return {
    kind,
    namespace: kind.namespaced ? info.namespace : null,
    name,
    subresource: info.subresource,
    user: call.user,
    verb,
    isDryRun: readDryRun(info.query.getAll('dryRun'), verb),
    manager: info.query.get('fieldManager') ?? managerFromAgent(request.headers?.['user-agent']),
    operation: isApply(request) ? 'Apply' : 'Update',
    fieldValidation: readFieldValidation(info.query.get('fieldValidation'), verb),
    warnings: [],
    body,
    isStrategic: isStrategic(request),
    bodyBytes: request.body?.length ?? 0,
  };
}

function readDryRun(values: readonly string[], verb: Commit['verb']): boolean {
  if (values.every((value) => value === 'All')) return values.length > 0;
  throw invalid(optionsOf(verb), '', [notSupported('dryRun', values, ['All'])]);
}

function optionsOf(verb: Commit['verb']): { group: string; kind: string } {
  return { group: 'meta.k8s.io', kind: `${verb.slice(0, 1).toUpperCase()}${verb.slice(1)}Options` };
}

function readFieldValidation(value: string | null, verb: Commit['verb']): WriteContext['fieldValidation'] {
  if (value === null || value === '') return 'Warn';
  if (value === 'Strict' || value === 'Warn' || value === 'Ignore') return value;
  throw invalid(optionsOf(verb), '', [notSupported('fieldValidation', value, ['', 'Ignore', 'Strict', 'Warn'])]);
}

function managerFromAgent(agent: string | undefined): string {
  return (agent ?? 'unknown').split('/')[0] ?? 'unknown';
}

/** Checks that a body is of the kind and place of its path, and brings it into stored form. Throws StatusFailure 400. */
function readObject(call: Call, body: unknown): KubeObject {
  const { kind, info } = call;
  const object = asTyped(kind, body);
  const given = object.metadata.namespace;
  if (kind.namespaced && given !== undefined && given !== '' && given !== info.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return toStored(kind, object);
}

function answerCreate(call: Call): ApiResponse {
  const { engine, request } = call;
  const object = readObject(call, readBody(request, call.kind.kind));
  const context = writeContext(call, 'create', object.metadata.name, object);
  return answerObject(call, 201, createObject(engine, context, object), context.warnings);
}

function answerUpdate(call: Call): ApiResponse {
  const { engine, info, kind, request, user } = call;
  const name = info.name ?? '';
  const body = readBody(request, call.kind.kind);
  const isThere = findStored(engine, kind, info.namespace, name) !== null;
  const isCreation = !isThere && strategyOf(kind).isCreatedByUpdate === true;
  if (!isCreation) demandFence(engine, kind, info, user, body, false);
  const context = writeContext(call, isCreation ? 'create' : 'update', name, body);
  if (isScale(info))
    return answer(
      200,
      writeScale(engine, context, () => body),
      call.accept,
    );
  const object = readObject(call, body);
  if (isCreation) {
    const { resourceVersion: _version, ...metadata } = object.metadata;
    return answerObject(call, 201, createObject(engine, context, { ...object, metadata }), context.warnings);
  }
  return answerObject(
    call,
    200,
    updateObject(engine, context, () => object),
    context.warnings,
  );
}

function answerPatch(call: Call): ApiResponse {
  const { engine, info, kind, request, user } = call;
  const name = info.name ?? '';
  const body = readPatchBody(kind, request);
  const isMissing = findStored(engine, kind, info.namespace, name) === null;
  demandFence(engine, kind, info, user, body, isMissing);
  const context = writeContext(call, 'patch', name, body);
  const isForced = isTrue(info.query.get('force'));
  refuseBadApply(call, isForced);
  if (isScale(info)) return answer(200, writeScale(engine, context, request), call.accept);
  const { object, isCreated } = patchObject(engine, context, request, isForced);
  return answerObject(call, isCreated ? 201 : 200, object, context.warnings);
}

function refuseBadApply(call: Call, isForced: boolean): void {
  const options = { group: 'meta.k8s.io', kind: 'PatchOptions' };
  if (!isApply(call.request)) {
    if (!isForced) return;
    const message = 'Forbidden: may not be specified for non-apply patch';
    throw invalid(options, '', [{ reason: 'FieldValueForbidden', field: 'force', message }]);
  }
  if ((call.info.query.get('fieldManager') ?? '') !== '') return;
  throw invalid(options, '', [required('fieldManager', 'is required for apply patch')]);
}

function answerDelete(call: Call): ApiResponse {
  const { engine, info, kind, user } = call;
  const body = call.request.body ? readBody(call.request, call.kind.kind) : null;
  demandFence(engine, kind, info, user, body, false);
  const options = readDeleteOptions(body, info.query);
  const name = info.name ?? '';
  const context = { ...writeContext(call, 'delete', name, body) };
  const isDryRun = context.isDryRun || readDryRun(listAt(body, 'dryRun') as string[], 'delete');
  const outcome = deleteObject(engine, { ...context, isDryRun }, options);
  if (!outcome.isGone && options.isCascadeAsked === true) return answerObject(call, 202, outcome.object);
  if (!outcome.isGone || strategyOf(kind).isReturnedByDelete === true) return answerObject(call, 200, outcome.object);
  return answer(200, deletedStatus(kind, outcome.object), call.accept);
}

function deletedStatus(kind: ServedKind, object: KubeObject): unknown {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: object.metadata.name,
      ...(kind.group === '' ? {} : { group: kind.group }),
      kind: kind.plural,
      uid: object.metadata.uid,
    },
  };
}

function answerDeleteCollection(call: Call): ApiResponse {
  const { engine, info, kind, user } = call;
  const body = call.request.body ? readBody(call.request, call.kind.kind) : null;
  demandFence(engine, kind, info, user, body, false);
  const options = readDeleteOptions(body, info.query);
  const { objects, metadata } = listObjects(engine, kind, info, user);
  for (const object of objects) {
    const context = writeContext(call, 'delete', object.metadata.name, body);
    deleteObject(engine, { ...context, namespace: object.metadata.namespace ?? null }, options);
  }
  // Shown is what was listed, not what became of it.
  return answer(200, presentList(presentation(call), objects, metadata), call.accept);
}
