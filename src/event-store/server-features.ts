import type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import featuresPb from '@eventstore/db-client/generated/serverfeatures_pb.js';

/** The version whose behaviour this is: clients choose by it and by the methods what they use. */
export const serverVersion = '23.10.0';

const streams = 'event_store.client.streams.streams';

/** What is served, in the words of EventStoreDB: in lower case, with what a method can do more. */
const methods: readonly (readonly [service: string, method: string, ...features: string[]])[] = [
  [streams, 'read', 'position', 'events'],
  [streams, 'append'],
  [streams, 'delete'],
  [streams, 'tombstone'],
  [streams, 'batchappend', 'deadline_duration'],
  ['event_store.client.gossip.gossip', 'read'],
  ['event_store.client.server_features.serverfeatures', 'getsupportedmethods'],
];

export function supportedMethods(): SupportedMethods {
  const answer = new featuresPb.SupportedMethods().setEventStoreServerVersion(serverVersion);
  for (const [service, method, ...features] of methods) {
    const supported = new featuresPb.SupportedMethod()
      .setServiceName(service)
      .setMethodName(method)
      .setFeaturesList(features);
    answer.addMethods(supported);
  }
  return answer;
}
