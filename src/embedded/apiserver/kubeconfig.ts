// The kubeconfig of a server that one user reaches with a bearer token.
import { stringify } from 'yaml';

/** A kubeconfig with one cluster, one user who shows a bearer token, and one context. `name` is that of cluster and context. */
export function kubeconfigText(url: string, caPem: string, token: string, user: string, name = 'embedded'): string {
  const authority = Buffer.from(caPem).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': authority } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name, context: { cluster: name, user, namespace: 'default' } }],
    'current-context': name,
  });
}
