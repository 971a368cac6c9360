import type { ClusterInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import gossipPb from '@eventstore/db-client/generated/gossip_pb.js';
import { uuidMessage } from './messages.ts';

const ticksPerMillisecond = 10_000;
const leader = 8;

/** A cluster of one: this node leads it. */
export function createGossip(host: string, instance: string): (port: number) => ClusterInfo {
  return (port) => {
    const endPoint = new gossipPb.EndPoint().setAddress(host).setPort(port);
    const member = new gossipPb.MemberInfo()
      .setInstanceId(uuidMessage(instance, true))
      .setTimeStamp(String(Date.now() * ticksPerMillisecond))
      .setState(leader)
      .setIsAlive(true)
      .setHttpEndPoint(endPoint);
    return new gossipPb.ClusterInfo().setMembersList([member]);
  };
}
