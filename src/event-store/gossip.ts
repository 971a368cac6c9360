import type { ClusterInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import gossipPb from '@eventstore/db-client/generated/gossip_pb.js';
import { uuidMessage } from './messages.ts';

const ticksPerMillisecond = 10_000;
const leader = 8;
const defaultPort = 2113;

/**
 * A cluster of one: this node leads it, and is where the caller has reached it, which holds behind
 * a mapped port or another name as well.
 */
export function gossip(instance: string, reached: string): ClusterInfo {
  const { hostname, port } = new URL(`esdb://${reached}`);
  const endPoint = new gossipPb.EndPoint()
    .setAddress(hostname.replace(/^\[|\]$/g, ''))
    .setPort(port === '' ? defaultPort : Number(port));
  const member = new gossipPb.MemberInfo()
    .setInstanceId(uuidMessage(instance, true))
    .setTimeStamp(String(Date.now() * ticksPerMillisecond))
    .setState(leader)
    .setIsAlive(true)
    .setHttpEndPoint(endPoint);
  return new gossipPb.ClusterInfo().setMembersList([member]);
}
