// The one part of client-node that is used, so that a bundle leaves out its typed models of every kind.
export { KubeConfig } from '@kubernetes/client-node';
