// The three kinds after parsing and defaulting, as the rooms outside api/ see them.
import type { Policy } from '../core/policy.ts';
import type { Json, JsonObject } from '../util/json.ts';

/** Names a Canary everywhere: events, owner references, keys. */
export interface CanaryIdentity {
  readonly group: 'serin.dev' | 'flagger.app';
  /** `serin.dev/v1beta1` or `flagger.app/v1beta1`. */
  readonly apiVersion: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
}

/** A reference as Flagger writes it; the namespace is the Canary's. */
export interface LocalRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

export interface Metadata {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** spec.service with names, ports and defaults resolved. Members that only one family of providers reads are kept as JSON, as the user wrote them. */
export interface ServiceSpec {
  /** The apex name: service.name or the target's name. Primary and canary Services are `<apex>-primary`, `<apex>-canary`. */
  readonly apexName: string;
  readonly port: number;
  readonly portName: string;
  /** As written; the port when unset. */
  readonly targetPort: number | string;
  readonly appProtocol: string | null;
  readonly trafficDistribution: string | null;
  readonly portDiscovery: boolean;
  readonly headless: boolean;
  /** HTTP and gRPC request time-out as written, such as `15s`; null when unset. */
  readonly timeout: string | null;
  readonly backendTimeout: string | null;
  /** Istio gateways; empty means the default, `mesh`. */
  readonly gateways: readonly string[];
  /** Gateway API parent references as written. */
  readonly gatewayRefs: readonly JsonObject[];
  readonly hosts: readonly string[];
  /** Istio: the VirtualService is a delegate, without hosts and gateways of its own. */
  readonly delegation: boolean;
  /** Istio traffic policy as written. */
  readonly trafficPolicy: JsonObject | null;
  /** Istio HTTPMatchRequests as written. */
  readonly match: readonly JsonObject[];
  readonly rewrite: JsonObject | null;
  readonly retries: {
    readonly attempts: number;
    readonly perTryTimeout: string | null;
    readonly retryOn: string | null;
  } | null;
  readonly headers: JsonObject | null;
  readonly corsPolicy: JsonObject | null;
  readonly meshName: string | null;
  readonly backends: readonly string[];
  /** gRPC match of App Mesh routes (serin's own field `service.grpc`): null when unset. */
  readonly grpc: { readonly serviceName: string | null; readonly methodName: string | null } | null;
  readonly apex: Metadata;
  readonly primary: Metadata;
  readonly canary: Metadata;
  readonly unmanagedMetadata: { readonly labels: readonly string[]; readonly annotations: readonly string[] };
}

/** A Canary whose spec is valid. */
export interface Canary {
  readonly identity: CanaryIdentity;
  /** Provider name as written; null when the setting `--mesh-provider` counts. */
  readonly provider: string | null;
  /** `scrape`, a Prometheus URL, or null when the setting `--metrics-server` counts. */
  readonly metricsServer: string | null;
  readonly targetRef: LocalRef;
  readonly autoscalerRef:
    | (LocalRef & { readonly minReplicas: number | null; readonly maxReplicas: number | null })
    | null;
  readonly service: ServiceSpec;
  readonly policy: Policy;
  readonly secretTracking: 'poll' | 'off';
  readonly annotations: Readonly<Record<string, string>>;
}

/** A MetricTemplate. */
export interface MetricTemplate {
  readonly namespace: string;
  readonly name: string;
  readonly provider: {
    readonly type: string;
    readonly address: string;
    readonly headers: Readonly<Record<string, readonly string[]>>;
    readonly secretName: string | null;
    readonly insecureSkipVerify: boolean;
  };
  readonly query: string;
}

/** An AlertProvider. */
export interface AlertProvider {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly channel: string;
  readonly username: string;
  readonly address: string | null;
  readonly proxy: string | null;
  readonly secretName: string | null;
  readonly options: Readonly<Record<string, Json>>;
}
