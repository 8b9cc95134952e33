// The kubeconfig of the embedded server.
import { stringify } from 'yaml';

/** A kubeconfig with one cluster, one user who shows a bearer token, and one context. */
export function kubeconfigText(url: string, caPem: string, token: string, user: string): string {
  const authority = Buffer.from(caPem).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'embedded', cluster: { server: url, 'certificate-authority-data': authority } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'embedded', context: { cluster: 'embedded', user, namespace: 'default' } }],
    'current-context': 'embedded',
  });
}
