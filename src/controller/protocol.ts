// Which protocol a Canary's traffic speaks.
import type { Canary } from '../api/types.ts';

/**
 * gRPC when the port or the protocol says so, as App Mesh and Istio read it; TCP when the protocol says so. Istio also takes
 * a port for TCP by its name (istio.io, Protocol Selection), and an HTTP route would not hold for it.
 */
export function protocolOf(canary: Canary, provider: string): 'http' | 'grpc' | 'tcp' {
  const { portName, appProtocol, grpc } = canary.service;
  const words = `${portName} ${appProtocol ?? ''}`.toLowerCase();
  if (grpc !== null || words.includes('grpc')) return 'grpc';
  if (appProtocol !== null) return appProtocol.toLowerCase() === 'tcp' ? 'tcp' : 'http';
  return provider === 'istio' && /^tcp(-|$)/.test(portName.toLowerCase()) ? 'tcp' : 'http';
}
