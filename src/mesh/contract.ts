// The mesh contract: ensure a route, read what it asks and what is live, write weights with the least conflict, release it.
import type { CanaryIdentity, ServiceSpec } from '../api/types.ts';
import type { RouteSeen } from '../core/observation.ts';
import type { HttpClient } from '../http/contract.ts';
import type { CallOptions, Kube, KubeObject, ObjectRef, ResourceKind } from '../kube/contract.ts';
import type { Log } from '../telemetry/contract.ts';
import type { Clock } from '../util/clock.ts';

/** What a provider can do. A plan that needs more is refused when the Canary is admitted, with the providers that could. */
export interface MeshCapabilities {
  /** Splits traffic by weight. Without it only blue/green is possible. */
  readonly hasWeights: boolean;
  readonly protocols: readonly ('http' | 'grpc' | 'tcp')[];
  /** Reports the live weight; otherwise it is 'unknown' and the drain time counts. */
  readonly reportsLive: boolean;
  /** Members of spec.service that it honours; others that the user set are refused. */
  readonly serviceFields: readonly ServiceField[];
}

/** Members of spec.service whose support differs between providers. */
export type ServiceField =
  | 'timeout'
  | 'backendTimeout'
  | 'gateways'
  | 'gatewayRefs'
  | 'hosts'
  | 'delegation'
  | 'trafficPolicy'
  | 'match'
  | 'rewrite'
  | 'retries'
  | 'headers'
  | 'corsPolicy'
  | 'meshName'
  | 'backends'
  | 'grpc';

/** Everything that a provider may know about one Canary's routing. */
export interface RouteRequest {
  readonly owner: CanaryIdentity;
  readonly service: ServiceSpec;
  /** Names of the three Services. */
  readonly names: { readonly apex: string; readonly primary: string; readonly canary: string };
  /** Names of the two workloads, and the one label by which their pods are selected. */
  readonly workloads: {
    readonly target: string;
    readonly primary: string;
    readonly selectorLabel: string;
    readonly targetValue: string;
    readonly primaryValue: string;
  };
  /** Ports of the Services, the one of spec.service first, discovered ones after it. */
  readonly ports: readonly {
    readonly name: string;
    readonly port: number;
    readonly targetPort: number | string;
    readonly appProtocol: string | null;
  }[];
  readonly protocol: 'http' | 'grpc' | 'tcp';
  /** The annotation that carries our fence on the route: `fence.serin.dev/<canary uid>`. */
  readonly fenceKey: string;
}

/** What the route should ask for. */
export interface RouteWant {
  /** The canary's share, an integer from 0 to 100; the primary has the rest. */
  readonly weightPercent: number;
  /** Value for the fence annotation; null leaves the annotation as it is. */
  readonly fence: string | null;
}

/** A route as found, with the objects it was read from: writes are fenced by the resourceVersions of exactly these. */
export interface RouteFound {
  readonly seen: RouteSeen;
  /** By `Kind/name`; null for an object that does not exist. */
  readonly objects: ReadonlyMap<string, KubeObject | null>;
  /** What keeps the route from being ours to steer (such as no rule that names the apex); null when nothing does. */
  readonly problem: { readonly reason: string; readonly message: string } | null;
}

/** Where the built-in checks of a provider take their numbers from. One source for both Prometheus and scrape. */
export interface TrafficMetrics {
  /** Requests: a counter, and which of its series are failures. */
  readonly requests: { readonly metric: string; readonly labels: readonly LabelMatch[]; readonly failure: LabelMatch };
  /** Latency: a histogram (`…_bucket`), and the unit of its bounds. */
  readonly latency: { readonly metric: string; readonly labels: readonly LabelMatch[]; readonly unit: 'ms' | 's' };
  /** Where each pod serves them for `scrape`, unless the pod's annotations prometheus.io/port and prometheus.io/path say otherwise. */
  readonly scrape: { readonly port: number; readonly path: string };
}

/** A label of a series. `pattern` is anchored, as in PromQL, and matched without a backtracking engine. */
export interface LabelMatch {
  readonly label: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  /** May hold `{{ namespace }}`, `{{ target }}`, `{{ service }}`. For scrape, which reads one pod at a time, matchers that name the workload or pod are left out by marking them `isIdentity`. */
  readonly value: string;
  readonly isIdentity?: boolean;
}

/** What the data plane shows of a route, and when to ask again where no event tells. */
export type LiveSeen = Pick<RouteSeen, 'livePercent' | 'pollMs'>;

/** What a provider may ask besides the API server. */
export interface MeshOutside {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Base URLs of the debug endpoints of every istiod; empty where none is named. */
  readonly istiodUrls: readonly string[];
  /** All addresses of a host name. Throws what the resolver throws. */
  resolve(hostname: string): Promise<readonly string[]>;
  /** The token for them, read anew each time because it is rotated; null for none. Throws what reading the file throws. */
  readIstiodToken(): string | null;
}

/** A provider at work in one cluster. Every method is safe to repeat. */
export interface MeshDriver {
  /** Kinds to watch once a Canary uses this provider, at the version the cluster serves. UnsupportedError CAPABILITY_KIND says which kind is missing. */
  kinds(): Promise<readonly ResourceKind[]>;
  /** The objects that the route of this Canary consists of. */
  refs(request: RouteRequest): Promise<readonly ObjectRef[]>;
  /** What the spec lacks or asks too much for this provider: path, what is wrong, what would be right. Empty when it is fine. */
  validate(request: RouteRequest): readonly { readonly path: string; readonly message: string }[];
  /** Reads the route from the watch cache. Never throws for what it finds: an unreadable route is `problem`. */
  read(request: RouteRequest, options?: CallOptions): Promise<RouteFound>;
  /**
   * What the data plane shows of the route as `found`, for providers that know more of it than `read` finds in the cache.
   * Never waits for an answer from outside: it tells what is known by now. `shouldAsk` while a run is under way or pods wait for
   * the drain; otherwise nothing is asked.
   */
  live?(request: RouteRequest, found: RouteFound, shouldAsk: boolean): LiveSeen;
  /** Creates what is absent (always with weight 0) and repairs what differs in fields of ours, keeping `want`'s weight; foreign routes and fields stay byte for byte. */
  ensure(request: RouteRequest, found: RouteFound, want: RouteWant, options?: CallOptions): Promise<void>;
  /** Writes weights and fence only, in one request per object, as a JSON Patch fenced by the resourceVersion found. Nothing to change: nothing sent. */
  write(request: RouteRequest, found: RouteFound, want: RouteWant, options?: CallOptions): Promise<void>;
  /** Gives the route back: all traffic to the apex Service (which selects the target again), no fence, no ownerReference of ours; with `shouldRevert` an adopted object gets its original back. The object stays. */
  release(request: RouteRequest, found: RouteFound, shouldRevert: boolean, options?: CallOptions): Promise<void>;
}

/** A provider as registered. One file each. */
export interface MeshProvider {
  readonly name: string;
  /** Flagger's names for it. A trailing `*` accepts any suffix. */
  readonly aliases: readonly string[];
  readonly capabilities: MeshCapabilities;
  /** Built-in metrics for this protocol; null where there are none. */
  metrics(protocol: 'http' | 'grpc' | 'tcp'): TrafficMetrics | null;
  create(kube: Kube, outside?: MeshOutside): MeshDriver;
}
