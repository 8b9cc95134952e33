// The client as the reflector needs it: a list that is taken page by page.
import type { CallOptions, KubeClient, KubeObject, ListOptions, ResourceKind } from './contract.ts';

/** Takes the pages of a list as they come, so that only what is kept of the objects need be held. */
export interface PageSink {
  /** Before the first page, and again when the server's snapshot expired midway and the list starts anew: forget what came. */
  begin(): void;
  take(items: readonly KubeObject[]): void;
}

/** The client with the paged list that the reflector needs. */
export interface PagedKubeClient extends KubeClient {
  /** Lists page by page into `sink`; resolves to the version of the whole. With `resourceVersion` not older than that. */
  listPaged(
    kind: ResourceKind,
    namespace: string | null,
    options: CallOptions & ListOptions,
    sink: PageSink,
  ): Promise<string>;
}
