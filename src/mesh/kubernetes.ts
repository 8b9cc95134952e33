// Plain Kubernetes: no weights, so blue/green only; the apex Service is the whole route, and it is not a mesh object.
import type { MeshCapabilities, MeshDriver, MeshProvider, RouteFound } from './contract.ts';
import { judgeFields } from './service-fields.ts';
import { applicationMetrics } from './traffic.ts';
import { assertWeight, refuseWeight } from './weights.ts';

const NAME = 'kubernetes';

const CAPABILITIES: MeshCapabilities = {
  hasWeights: false,
  protocols: ['http', 'grpc', 'tcp'],
  reportsLive: true,
  serviceFields: [],
};

/** There is nothing to steer: the canary is reached by its own Service only. */
const ROUTE: RouteFound = {
  seen: { state: 'ready', askedPercent: 0, livePercent: 0, fence: null, isFenceable: false },
  objects: new Map(),
  problem: null,
};

function createDriver(): MeshDriver {
  const hold = (weightPercent: number): Promise<void> => {
    assertWeight(weightPercent);
    refuseWeight(NAME, weightPercent, 'a provider with weights, or blue/green');
    return Promise.resolve();
  };
  return {
    kinds: () => Promise.resolve([]),
    refs: () => Promise.resolve([]),
    validate: (request) => judgeFields(request, NAME, CAPABILITIES),
    read: () => Promise.resolve(ROUTE),
    ensure: async (_request, _found, want) => hold(want.weightPercent),
    write: async (_request, _found, want) => hold(want.weightPercent),
    release: () => Promise.resolve(),
  };
}

/** The provider without a mesh. */
export const meshProvider: MeshProvider = {
  name: NAME,
  aliases: [],
  capabilities: CAPABILITIES,
  metrics: applicationMetrics,
  create: createDriver,
};
