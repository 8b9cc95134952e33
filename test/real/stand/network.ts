// Addresses of the stand: all are local to its network namespace, where whoever listens at one is that pod or proxy.

/** Addresses of pods; the node gives them out from its beginning. */
export const POD_RANGE = '10.244.0.0/16';
/** The pod that is Istio's gateway, for Istio's own routes and for those of the Gateway API. */
export const ISTIO_GATEWAY_IP = '10.244.250.1';
/** The pod that is Contour's Envoy. */
export const CONTOUR_ENVOY_IP = '10.244.250.2';
/** The one node, which is in no range: nothing listens there. */
export const NODE_NAME = 'stand';

/** Pods with this label are run by the stand itself, not by the node. */
export const EXTERNAL_LABEL = 'stand.serin.dev/external';

/** Ports of the gateway: no pod uses them, for the gateway binds them on every address. */
export const ISTIO_PORT = 18_000;
export const ISTIO_GATEWAY_API_PORT = 18_001;
/** The port of Contour's listener, and the one that its Envoy takes for it: Contour adds 8,000, so that Envoy needs no rights. */
export const CONTOUR_LISTENER_PORT = 10_080;
export const CONTOUR_PORT = CONTOUR_LISTENER_PORT + 8_000;
