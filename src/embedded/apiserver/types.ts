// The words of the embedded API server: requests, answers, served kinds, commits and hooks.
import type { KubeObject, ObjectRef, ResourceKind } from '../../kube/contract.ts';
import type { Clock } from '../../util/clock.ts';
import type { Random } from '../../util/random.ts';
import type { ObjectSchema } from './schema-types.ts';

/** A family of mesh kinds that can be switched on. */
export type MeshKindSet = 'istio' | 'gateway-api' | 'smi' | 'appmesh-v1beta1' | 'appmesh-v1beta2';

/** One request as it comes off the wire. `path` holds the query too; header names are lower case. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Who asks; `system:anonymous` when left out. */
  readonly user?: string;
  /** Ends a watch, and the wait of a delayed request. */
  readonly signal?: AbortSignal;
}

/** The answer. A watch has an AsyncIterable of lines as its body; everything else has a string. */
export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | AsyncIterable<string>;
}

/** What a request asks for, read from its path, query and method. */
export interface RequestInfo {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly subresource: string;
  readonly namespace: string | null;
  readonly name: string | null;
  readonly verb: Verb;
  readonly query: URLSearchParams;
}

/** The verbs of the audit log. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection' | 'none';

/** A column that `kubectl get` prints; `priority` above 0 shows only with `-o wide`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

/** The scale subresource of a custom kind: where replicas are found. */
export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

/** One kind at one version as this server serves it. */
export interface ServedKind extends ResourceKind {
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Where the objects lie; versions of one kind share it. */
  readonly storageId: string;
  /** The apiVersion under which objects are stored. */
  readonly storageVersion: string;
  /** True for kinds that come from a CRD, or behave as if they did. */
  readonly isCustom: boolean;
  readonly hasStatus: boolean;
  readonly scale: ScalePaths | null;
  /** Whether metadata.generation counts changes of the spec. */
  readonly hasGeneration: boolean;
  readonly schema: ObjectSchema | null;
  readonly columns: readonly PrinterColumn[];
  readonly selectableFields: readonly string[];
  /** Verbs that are served; reviews only have create. */
  readonly verbs: readonly string[];
  /** JSON paths of `spec…` by which discovery and OpenAPI name this kind's source; null for built-in kinds. */
  readonly crdName: string | null;
}

/** What happened to an object in one committed write. */
export interface Commit {
  readonly verb: 'create' | 'update' | 'patch' | 'delete';
  readonly kind: ServedKind;
  readonly ref: ObjectRef;
  /** As it was; null when it was created. Never changed afterwards by anybody. */
  readonly before: KubeObject | null;
  /** As it is; null when it is gone. */
  readonly after: KubeObject | null;
  readonly resourceVersion: number;
  readonly user: string;
  readonly subresource: string;
  /** The decoded body of the request; undefined when there was none. */
  readonly body: unknown;
}

/** One line of the audit log. */
export interface LoggedRequest {
  readonly verb: Verb;
  /** `plural.group`, or the path of what is no resource. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string | null;
  readonly name: string | null;
  readonly user: string;
  readonly status: number;
  readonly atMs: number;
}

/** A write or delete that came without its precondition from a user who must send one (S11). */
export interface FenceViolation {
  readonly user: string;
  readonly verb: Verb;
  readonly resource: string;
  readonly namespace: string | null;
  readonly name: string | null;
  readonly what: string;
}

/** What `beforeRequest` may do instead of letting the request through. */
export interface Intervention {
  /** Waits this long on the clock first. */
  readonly delayMs?: number;
  /** Answers with this status instead of doing anything. */
  readonly status?: number;
  readonly retryAfterSeconds?: number;
  readonly message?: string;
}

/** What an asker wants to do, for `authorize`. */
export interface AccessAttributes {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** How the server is built. */
export interface ApiServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Which mesh kinds are there from the start; all of them when left out. */
  readonly kinds?: readonly MeshKindSet[];
  /** Kinds to add besides, without a schema. */
  readonly extraKinds?: readonly ResourceKind[];
  /** Users whose writes must carry a precondition (S11); nobody when left out. */
  readonly requireFence?: (user: string) => boolean;
  /** Called before each request; for injected faults. */
  readonly beforeRequest?: (request: ApiRequest, info: RequestInfo | null) => Intervention | null;
  /** Whether a request is allowed; everything is when left out. */
  readonly authorize?: (attributes: AccessAttributes) => boolean;
  /** The resourceVersion that reads at `resourceVersion=0` see, to show a stale view; null for the newest. */
  readonly staleView?: (user: string) => number | null;
  /** How many events a kind keeps for watches that come back; 10,000 by default. */
  readonly historyMax?: number;
  /** How long the garbage collector and the namespace controller take; 200 ms by default. */
  readonly garbageDelayMs?: number;
  /** Whether plain updates are noted in managedFields (applies always are); true by default. */
  readonly isTrackingUpdates?: boolean;
  /** Whether built-in kinds keep members that they do not know; false by default, as on a real server. */
  readonly isKeepingUnknownFields?: boolean;
  /** Whether a watch from a forgotten version is refused with 410; by default it gets an ERROR event, as on a real server. */
  readonly isExpiredWatchRefused?: boolean;
  /** How often a watch that asked for bookmarks gets one; 60 s by default. */
  readonly bookmarkIntervalMs?: number;
}
