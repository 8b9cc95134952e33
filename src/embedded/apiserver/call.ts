// One request on its way through the verbs.
import type { Engine } from './engine.ts';
import type { Accept } from './media.ts';
import type { ApiRequest, RequestInfo, ServedKind } from './types.ts';

/** One request to a kind that is served. */
export interface Call {
  readonly engine: Engine;
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  readonly kind: ServedKind;
  readonly user: string;
  readonly accept: Accept;
}
