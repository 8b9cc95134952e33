// Waiting that can be given up: a promise against a signal, and controllers that follow a parent.

/** A controller that also aborts, with the same reason, when `parent` does; `unlink` lets go of the parent. */
export interface LinkedController {
  readonly controller: AbortController;
  readonly unlink: () => void;
}

/** Makes a controller that follows `parent`. `reasonOf` may replace the parent's reason. */
export function linkController(parent: AbortSignal | undefined, reasonOf?: () => unknown): LinkedController {
  const controller = new AbortController();
  const follow = (): void => controller.abort(reasonOf === undefined ? parent?.reason : reasonOf());
  if (parent?.aborted) follow();
  else parent?.addEventListener('abort', follow, { once: true });
  return { controller, unlink: () => parent?.removeEventListener('abort', follow) };
}

/** The outcome of `promise`, or the signal's reason as a rejection as soon as it aborts; what the promise does later is ignored. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined);
    return Promise.reject(signal.reason as Error);
  }
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    const done = (): void => signal.removeEventListener('abort', giveUp);
    promise.then(
      (value) => {
        done();
        resolve(value);
      },
      (error: unknown) => {
        done();
        reject(error);
      },
    );
  });
}
