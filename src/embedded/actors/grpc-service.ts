// The gRPC service of the sample application, for its pods and for the load that is sent to them.
import { loadPackageDefinition } from '@grpc/grpc-js';
import type { Client, ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

/** The same as protobuf's JSON descriptor, so that nothing is read from disk. */
const DESCRIPTOR = {
  nested: {
    proto: {
      nested: {
        DataService: { methods: { Get: { requestType: 'GetRequest', responseType: 'GetReply' } } },
        GetRequest: { fields: { key: { type: 'string', id: 1 } } },
        GetReply: {
          fields: {
            pod: { type: 'string', id: 1 },
            version: { type: 'string', id: 2 },
            role: { type: 'string', id: 3 },
          },
        },
      },
    },
  },
};

/** What an answer says of the pod that gave it. */
export interface GetReply {
  readonly pod: string;
  readonly version: string;
  readonly role: string;
}

interface Loaded {
  readonly proto: {
    readonly DataService: { readonly service: ServiceDefinition } & (new (
      ...args: ConstructorParameters<typeof Client>
    ) => Client);
  };
}

const loaded = loadPackageDefinition(
  fromJSON(DESCRIPTOR as unknown as Parameters<typeof fromJSON>[0], { defaults: true }),
) as unknown as Loaded;

/** The definition for a server. */
export const dataService = loaded.proto.DataService.service;
/** The class of a client: `new DataServiceClient(address, credentials)`, method `Get`. */
export const DataServiceClient = loaded.proto.DataService;
