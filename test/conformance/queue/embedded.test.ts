// The embedded store sits the queue's exam, in memory, on one PGlite for all cases.
import { openEmbeddedDatabase, EmbeddedStore } from '../../../src/queue/embedded-store.ts';
import { examineQueue } from './exam.ts';

examineQueue('embedded PGlite', async () => {
  const database = await openEmbeddedDatabase();
  return { config: { embedded: { database } }, store: new EmbeddedStore(database), close: () => database.close() };
});
