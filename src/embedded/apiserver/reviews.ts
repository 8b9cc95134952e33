// Access and identity reviews: answered at once, stored nowhere.
import type { Call } from './call.ts';
import { answer, readBody } from './media.ts';
import { objectAt, textAt } from './json.ts';
import { timeText } from './metadata.ts';
import { groupVersion } from './served-kind.ts';
import type { ApiResponse, ServedKind } from './types.ts';

/** True for kinds that are answered rather than stored. */
export function isReview(kind: ServedKind): boolean {
  return kind.verbs.length === 1 && kind.verbs[0] === 'create';
}

/** Answers a review. Everything is allowed unless the server was given an `authorize`. */
export function answerReview(call: Call): ApiResponse {
  const { kind } = call;
  const body = readBody(call.request, call.kind.kind);
  const head = { kind: kind.kind, apiVersion: groupVersion(kind) };
  const status = statusOf(call, body);
  if (kind.kind === 'SelfSubjectReview') {
    const creationTimestamp = timeText(call.engine.clock.nowMs());
    return answer(201, { ...head, metadata: { creationTimestamp }, status }, call.accept);
  }
  return answer(201, { ...head, metadata: {}, spec: objectAt(body, 'spec'), status }, call.accept);
}

function statusOf(call: Call, body: unknown): unknown {
  const { engine, kind, user } = call;
  const spec = objectAt(body, 'spec');
  switch (kind.kind) {
    case 'SelfSubjectReview':
      return { userInfo: { username: user, groups: ['system:authenticated'] } };
    case 'TokenReview':
      return { authenticated: true, user: { username: user, groups: ['system:authenticated'] } };
    case 'SelfSubjectRulesReview': {
      const rules = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }];
      const nonResourceRules = [{ verbs: ['*'], nonResourceURLs: ['*'] }];
      return { resourceRules: rules, nonResourceRules, incomplete: false };
    }
    default: {
      const asked = objectAt(spec, 'resourceAttributes');
      const isAllowed =
        engine.options.authorize?.({
          user: kind.kind === 'SelfSubjectAccessReview' ? user : textAt(spec, 'user'),
          verb: textAt(asked, 'verb'),
          group: textAt(asked, 'group'),
          resource: textAt(asked, 'resource'),
          subresource: textAt(asked, 'subresource'),
          namespace: textAt(asked, 'namespace'),
          name: textAt(asked, 'name'),
        }) ?? true;
      return { allowed: isAllowed };
    }
  }
}
