// Reads one Secret by name: never listed, never watched, never logged.
import { InvalidSpecError } from '../errors.ts';
import type { ObjectRef } from '../kube/contract.ts';
import { describeRef } from '../kube/kinds.ts';
import { isObject } from '../util/json.ts';
import type { Drivers } from './drivers.ts';

/** The decoded values of a Secret. Throws InvalidSpecError when there is none. */
export async function secretValues(
  ref: ObjectRef,
  use: Drivers,
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, string>>> {
  const object = await use.kube.client.get(ref, signal === undefined ? {} : { signal });
  if (object === null)
    throw new InvalidSpecError('SPEC_SECRET_MISSING', 'secretRef', `${describeRef(ref)} does not exist`);
  const data = isObject(object['data']) ? object['data'] : {};
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, Buffer.from(String(value), 'base64').toString('utf8').trim()]),
  );
}
