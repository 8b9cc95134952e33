// Which protocol a Canary's traffic speaks.
import type { Canary } from '../api/types.ts';

/** gRPC when the port or the protocol says so, as App Mesh and Istio read it. */
export function protocolOf(canary: Canary): 'http' | 'grpc' | 'tcp' {
  const { portName, appProtocol, grpc } = canary.service;
  const words = `${portName} ${appProtocol ?? ''}`.toLowerCase();
  if (grpc !== null || words.includes('grpc')) return 'grpc';
  return appProtocol?.toLowerCase() === 'tcp' ? 'tcp' : 'http';
}
