// A client whose writes feed the cache: read-your-own-writes without anybody having to think of it.
import type { FedKubeCache } from './cache.ts';
import type { KubeClient, KubeObject, ObjectRef } from './contract.ts';
import { refTo } from './kinds.ts';

/** The client, with each answer to a write told to the cache. */
export function feedCache(client: KubeClient, cache: FedKubeCache): KubeClient {
  const feeding = async (ref: ObjectRef, write: () => Promise<KubeObject>): Promise<KubeObject> => {
    const end = cache.beginWrite(ref);
    let written: KubeObject | null = null;
    try {
      written = await write();
      return written;
    } finally {
      end(written);
    }
  };
  return {
    get: (ref, options) => client.get(ref, options),
    list: (kind, namespace, options) => client.list(kind, namespace, options),
    discover: (group, kind, versions) => client.discover(group, kind, versions),
    watch: (kind, namespace, options) => client.watch(kind, namespace, options),
    create: (object, kind, options) => feeding(refTo(kind, object), () => client.create(object, kind, options)),
    apply: (object, kind, options) => feeding(refTo(kind, object), () => client.apply(object, kind, options)),
    patch: (ref, operations, options) => feeding(ref, () => client.patch(ref, operations, options)),
    replaceStatus: (object, kind, options) =>
      feeding(refTo(kind, object), () => client.replaceStatus(object, kind, options)),
    async remove(ref, uid, resourceVersion, options) {
      await client.remove(ref, uid, resourceVersion, options);
      cache.noteRemoval(ref, uid, resourceVersion);
    },
  };
}
